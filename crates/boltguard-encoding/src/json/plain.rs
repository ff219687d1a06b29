//! Strings that need no escapes in JSON, [RFC 8259 §7](https://www.rfc-editor.org/rfc/rfc8259#section-7).

use wide::u8x16;

/// Returns whether a string needs no escapes in JSON: it has no quotes, backslashes and control characters.
///
/// ```
/// use boltguard_encoding::json;
///
/// assert!(json::is_plain("shop.add_order é"));
/// assert!(!json::is_plain("a\"b") && !json::is_plain("a\nb") && !json::is_plain("a\\b"));
/// ```
#[must_use]
#[inline]
pub fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    match (bytes.last_chunk::<16>(), bytes.last_chunk::<8>()) {
        (Some(last), _) => is_plain_long(bytes, last),
        (None, Some(last)) => !has_any(marks(&joined(bytes.first_chunk().unwrap_or(last), last))),
        (None, None) => bytes.iter().all(|byte| is_plain_byte(*byte)),
    }
}

/// Checks a string of at least one chunk. The last chunk overlaps the one before it, which changes nothing.
#[inline]
fn is_plain_long(bytes: &[u8], last: &[u8; 16]) -> bool {
    let chunks = bytes.as_chunks().0.iter();
    !has_any(chunks.fold(marks(last), |all, chunk| all | marks(chunk)))
}

#[inline(always)]
fn joined(first: &[u8; 8], last: &[u8; 8]) -> [u8; 16] {
    let halves = [first, last].map(|half| u64::from_ne_bytes(*half));
    let [first, last] = halves.map(u128::from);
    (first | last << 64).to_ne_bytes()
}

/// Sets all bits of each byte that needs an escape.
#[inline(always)]
fn marks(chunk: &[u8; 16]) -> u8x16 {
    let chunk = u8x16::new(*chunk);
    let is = |byte| chunk.simd_eq(u8x16::splat(byte));
    is(b'"') | is(b'\\') | chunk.simd_lt(u8x16::splat(0x20))
}

#[inline(always)]
fn has_any(marks: u8x16) -> bool {
    marks.to_bitmask() != 0
}

#[inline]
pub(super) fn is_plain_byte(byte: u8) -> bool {
    byte >= 0x20 && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_plain, is_plain_byte};

    proptest! {
        #[test]
        fn a_string_is_plain_if_all_of_its_bytes_are(
            mut text in "[a-zé. ]{0,70}", at in any::<prop::sample::Index>(), other: char,
        ) {
            prop_assert!(is_plain(&text));
            let places: Vec<_> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            text.insert(*at.get(&places), other);
            prop_assert_eq!(is_plain(&text), text.bytes().all(is_plain_byte));
        }

        #[test]
        fn every_character_that_needs_an_escape_is_found(len in 0_usize..50, at in any::<prop::sample::Index>()) {
            for escaped in ('\0'..' ').chain(['"', '\\']) {
                let mut text = "a".repeat(len);
                text.insert(at.index(len + 1), escaped);
                prop_assert!(!is_plain(&text), "{:?}", text);
            }
        }
    }
}
