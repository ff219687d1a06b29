//! Digits and letters: what a double click selects whole.

use boltguard_keys::{RandomError, fill_random};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether the text is digits and letters of ASCII alone.
pub(crate) fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The last `N` digits of the number, the highest first.
pub(crate) fn digits<const N: usize>(mut number: u64) -> [char; N] {
    let mut digits = ['0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = character((number % 62) as u8);
        number /= 62;
    }
    digits
}

/// Appends `count` random characters, each as likely as the others.
pub(crate) fn push_random(text: &mut String, count: usize) -> Result<(), RandomError> {
    let end = text.len() + count;
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < end {
        fill_random(&mut *bytes)?;
        let missing = end - text.len();
        // 248 is four times 62; what is beyond would favour the first characters.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        text.extend(fair.take(missing).map(|byte| character(byte % 62)));
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
    fn digits_are_padded_and_the_highest_comes_first() {
        assert_eq!(digits::<3>(0), ['0', '0', '0']);
        assert_eq!(digits::<3>(62), ['0', '1', '0']);
        assert_eq!(digits::<2>(62 * 62 - 1), ['z', 'z']);
        assert_eq!(digits::<2>(62 * 62), ['0', '0']);
    }

    #[test]
    fn random_text_has_the_length_and_uses_the_whole_alphabet() {
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
        for text in ["_", "-", " ", "é", "\u{ff11}", "a\0"] {
            assert!(!is_base62(text), "{text:?}");
        }
    }
}
