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
}
