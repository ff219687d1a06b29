//! Base62: digits and letters only, so that a double click selects the whole string.

use boltguard_keys::{RandomError, fill_random};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns whether a string consists only of ASCII digits and letters.
pub(crate) fn is_base62(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns the last `N` digits of a number, most significant first.
pub(crate) fn digits<const N: usize>(mut number: u64) -> [char; N] {
    let mut digits = ['0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = character((number % 62) as u8);
        number /= 62;
    }
    digits
}

/// Appends a big-endian number of 256 bits as 43 digits, most significant first.
pub(crate) fn push_number(output: &mut String, number: &[u8; 32]) {
    let mut rest = Zeroizing::new(*number);
    let mut digits = Zeroizing::new([0; NUMBER_LEN]);
    for digit in digits.iter_mut().rev() {
        *digit = divide(&mut rest);
    }
    output.extend(digits.iter().copied().map(character));
}

/// Parses 43 digits. Returns `None` for other strings, and for numbers of more than 256 bits.
pub(crate) fn parse_number(digits: &str) -> Option<[u8; 32]> {
    let is_number = digits.len() == NUMBER_LEN && is_base62(digits);
    let mut number = [0; 32];
    let fits = |byte| multiply_and_add(&mut number, value(byte)) == 0;
    (is_number && digits.bytes().all(fits)).then_some(number)
}

/// The digits of a number of 256 bits: 62^43 is a little more than 2^256.
pub(crate) const NUMBER_LEN: usize = 43;

/// Divides a big-endian number by 62 in place, and returns the remainder.
fn divide(number: &mut [u8; 32]) -> u8 {
    number.iter_mut().fold(0, |remainder, byte| {
        let dividend = u16::from(remainder) << 8 | u16::from(*byte);
        *byte = (dividend / 62) as u8;
        (dividend % 62) as u8
    })
}

/// Multiplies a big-endian number by 62 in place, adds a digit, and returns the carry.
fn multiply_and_add(number: &mut [u8; 32], digit: u8) -> u8 {
    number.iter_mut().rev().fold(digit, |carry, byte| {
        let product = u16::from(*byte) * 62 + u16::from(carry);
        *byte = product as u8;
        (product >> 8) as u8
    })
}

/// Returns the value of a digit.
fn value(character: u8) -> u8 {
    match character {
        b'a'..=b'z' => character - b'a' + 36,
        b'A'..=b'Z' => character - b'A' + 10,
        _ => character.wrapping_sub(b'0'),
    }
}

/// Appends `count` uniformly distributed random characters.
pub(crate) fn push_random(output: &mut String, count: usize) -> Result<(), RandomError> {
    let end = output.len() + count;
    let mut bytes = Zeroizing::new([0; 64]);
    while output.len() < end {
        fill_random(&mut *bytes)?;
        let missing = end - output.len();
        // 248 is 4 * 62. Larger bytes would make the first characters more likely.
        let unbiased = bytes.iter().filter(|byte| **byte < 248);
        output.extend(unbiased.take(missing).map(|byte| character(byte % 62)));
    }
    Ok(())
}

fn character(digit: u8) -> char {
    char::from(ALPHABET[usize::from(digit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^256 - 1, computed with Python's integers.
    const LARGEST: &str = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

    /// 2^256.
    const ABOVE_LARGEST: &str = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2";

    #[test]
    fn digits_are_padded_and_big_endian() {
        assert_eq!(digits::<3>(0), ['0', '0', '0']);
        assert_eq!(digits::<3>(62), ['0', '1', '0']);
        assert_eq!(digits::<2>(62 * 62 - 1), ['z', 'z']);
        assert_eq!(digits::<2>(62 * 62), ['0', '0']);
    }

    #[test]
    fn random_string_uses_the_whole_alphabet() {
        let mut text = String::new();
        push_random(&mut text, 5_000).unwrap();
        assert_eq!(text.len(), 5_000);
        assert!(is_base62(&text));
        for byte in ALPHABET {
            let count = text.bytes().filter(|other| other == byte).count();
            assert!((20..200).contains(&count), "{byte} {count}");
        }
    }

    #[test]
    fn only_ascii_digits_and_letters_are_base62() {
        assert!(is_base62("09AZaz"));
        for value in ["_", "-", " ", "é", "\u{ff11}", "a\0"] {
            assert!(!is_base62(value), "{value:?}");
        }
    }

    #[test]
    fn each_digit_has_its_position_in_the_alphabet_as_value() {
        for (position, character) in ALPHABET.iter().enumerate() {
            assert_eq!(usize::from(value(*character)), position);
        }
    }

    #[test]
    fn number_has_one_string() {
        let mut one = [0; 32];
        one[31] = 1;
        for (number, expected) in [
            ([0; 32], "0".repeat(43).as_str()),
            (one, format!("{}1", "0".repeat(42)).as_str()),
            ([0xff; 32], LARGEST),
        ] {
            let mut text = String::new();
            push_number(&mut text, &number);
            assert_eq!(text, expected);
            assert_eq!(parse_number(&text), Some(number));
        }
    }

    #[test]
    fn other_strings_are_not_numbers() {
        for text in [
            "",
            &"0".repeat(42),
            &"0".repeat(44),
            &"z".repeat(43),
            ABOVE_LARGEST,
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
        assert_eq!(parse_number(&format!("{}-", "0".repeat(42))), None);
    }
}
