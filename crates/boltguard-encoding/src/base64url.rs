//! base64url without padding, [RFC 4648 §5](https://www.rfc-editor.org/rfc/rfc4648#section-5) as
//! [RFC 7515 §2](https://www.rfc-editor.org/rfc/rfc7515#section-2) narrows it.
//!
//! Each sequence of bytes has exactly one encoding: padding, white space, other alphabets and set bits after the last
//! byte, RFC 4648 §3.5, are rejected.

use std::error::Error;
use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// Decodes a string.
///
/// # Errors
///
/// [`Base64Error`] if the string is not the canonical encoding of any bytes.
///
/// ```
/// use boltguard_encoding::base64url;
///
/// assert_eq!(base64url::decode("-_8")?, [0xfb, 0xff]);
/// for other in ["-_8=", "-_9", "+/8", "-_8\n", "-"] {
///     assert!(base64url::decode(other).is_err());
/// }
/// # Ok::<(), base64url::Base64Error>(())
/// ```
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Base64Error> {
    let mut bytes = Vec::new();
    decode_into(text, &mut bytes)?;
    Ok(bytes)
}

/// Decodes a string and appends its bytes to `bytes`.
///
/// # Errors
///
/// [`Base64Error`] as for [`decode`]. The appended bytes are unspecified in this case.
#[inline]
pub fn decode_into(text: impl AsRef<[u8]>, bytes: &mut Vec<u8>) -> Result<(), Base64Error> {
    let (text, start) = (text.as_ref(), bytes.len());
    bytes.resize(start + decoded_len(text.len()), 0);
    decode_slice(text, &mut bytes[start..]).map(drop)
}

/// Returns the number of bytes that `len` characters encode, if they are valid.
#[must_use]
#[inline]
pub const fn decoded_len(len: usize) -> usize {
    len / 4 * 3 + len % 4 * 3 / 4
}

/// Returns the number of characters that encode `len` bytes.
#[must_use]
#[inline]
pub const fn encoded_len(len: usize) -> usize {
    (len * 4).div_ceil(3)
}

/// Decodes a string to the start of `bytes` and returns the number of bytes, [`decoded_len`].
///
/// # Errors
///
/// [`Base64Error`] as for [`decode`], and if `bytes` is too short.
#[inline]
pub fn decode_slice(text: impl AsRef<[u8]>, bytes: &mut [u8]) -> Result<usize, Base64Error> {
    decode_bytes(text.as_ref(), bytes)
}

#[inline]
fn decode_bytes(text: &[u8], bytes: &mut [u8]) -> Result<usize, Base64Error> {
    let len = decoded_len(text.len());
    let bytes = bytes.get_mut(..len).ok_or(Base64Error)?;
    if text.len() < ENGINE_MIN {
        decode_quads(text, bytes)?;
    } else {
        decode_with_engine(text, bytes)?;
    }
    Ok(len)
}

#[inline(never)]
fn decode_with_engine(text: &[u8], bytes: &mut [u8]) -> Result<(), Base64Error> {
    match ENGINE.decode_slice(text, bytes) {
        Ok(_) => Ok(()),
        Err(_) => Err(Base64Error),
    }
}

/// The shortest string that the engine decodes.
///
/// It uses SIMD from 68 characters on. Below that, the tables here are faster: 142 instructions instead of 480 for 20
/// characters (a header), 235 instead of 625 for 43 (a signature of 32 bytes), 320 instead of 831 for 64.
const ENGINE_MIN: usize = 68;

/// Decodes a short string with tables.
#[inline]
fn decode_quads(text: &[u8], bytes: &mut [u8]) -> Result<(), Base64Error> {
    let (quads, last) = text.as_chunks();
    let (triples, end) = bytes.as_chunks_mut::<3>();
    let mut seen = decode_last(last, end);
    for (quad, triple) in quads.iter().zip(triples) {
        let word = decode_quad(quad);
        triple.copy_from_slice(&word.to_le_bytes()[..3]);
        seen |= word;
    }
    if seen < FOREIGN {
        Ok(())
    } else {
        Err(Base64Error)
    }
}

/// Decodes the characters after the last quad. Returns [`FOREIGN`] or more if they are not canonical.
#[inline]
fn decode_last(text: &[u8], bytes: &mut [u8]) -> u32 {
    let (word, unused) = match (text, bytes) {
        ([], _) => return 0,
        ([a, b], [one]) => {
            let word = decode_quad(&[*a, *b, b'A', b'A']);
            [*one, ..] = word.to_le_bytes();
            (word, word >> 8)
        }
        ([a, b, c], [one, two]) => {
            let word = decode_quad(&[*a, *b, *c, b'A']);
            [*one, *two, ..] = word.to_le_bytes();
            (word, word >> 16)
        }
        _ => return FOREIGN,
    };
    // RFC 4648 §3.5: a set bit after the last byte would be another encoding of the same bytes.
    if unused == 0 { word } else { FOREIGN }
}

/// Decodes four characters to three bytes in little-endian order. Returns [`FOREIGN`] or more if one is not in the
/// alphabet.
#[inline]
fn decode_quad(quad: &[u8; 4]) -> u32 {
    let part = |index: usize| PARTS[index][usize::from(quad[index])];
    part(0) | part(1) | part(2) | part(3)
}

/// The bit that marks characters outside the alphabet.
const FOREIGN: u32 = 1 << 24;

/// The bits that each character adds to the three bytes of its quad, by its index in the quad.
#[expect(clippy::as_conversions, reason = "`From` isn't const")]
static PARTS: [[u32; 256]; 4] = {
    let mut parts = [[FOREIGN; 256]; 4];
    let mut value = 0_u32;
    while value < 64 {
        let mut index = 0;
        while index < 4 {
            let bits = value << (18 - 6 * index);
            parts[index][ALPHABET[value as usize] as usize] = bits.swap_bytes() >> 8;
            index += 1;
        }
        value += 1;
    }
    parts
};

/// Encodes `bytes`.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    ENGINE.encode(bytes)
}

/// Encodes `bytes` to the start of `text` and returns the length, or `None` if `text` is too short.
#[inline]
pub fn encode_slice(bytes: impl AsRef<[u8]>, text: &mut [u8]) -> Option<usize> {
    ENGINE.encode_slice(bytes, text).ok()
}

static ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The string is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Error;

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not canonical base64url without padding")
    }
}

impl Error for Base64Error {}

const STRICT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(false);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(STRICT));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, STRICT));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rejects_set_bits_past_the_last_byte() {
        assert_eq!(decode("AA").unwrap(), [0]);
        for spelling in ["AB", "AP", "AAB", "AAD"] {
            assert_eq!(decode(spelling), Err(Base64Error), "{spelling}");
        }
    }

    #[test]
    fn rejects_the_other_alphabet_padding_and_white_space() {
        for text in [
            "+/8", "AA==", "AAA=", "AA\n", " AA", "A A", "AA\r\n", "A.A", "A\0A", "Aé",
        ] {
            assert_eq!(decode(text), Err(Base64Error), "{text:?}");
        }
    }

    #[test]
    fn rejects_a_single_left_over_character() {
        for text in ["A", "AAAAA"] {
            assert_eq!(decode(text), Err(Base64Error));
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decode(encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn vectors_and_table_agree_with_the_plain_engine(
            mut text in "[A-Za-z0-9_-]{0,240}",
            foreign in prop::option::of((any::<prop::sample::Index>(), "[^A-Za-z0-9_-]")),
        ) {
            if let Some((at, foreign)) = foreign {
                text.insert_str(at.index(text.len() + 1), &foreign);
            }
            let plain = base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, STRICT);
            prop_assert_eq!(decode(&text).ok(), plain.decode(&text).ok());
        }

        #[test]
        fn a_slice_holds_the_same_text(bytes in prop::collection::vec(any::<u8>(), 0..400), room in 0_usize..3) {
            let plain = base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, STRICT).encode(&bytes);
            let mut text = vec![b'?'; plain.len() + room];
            prop_assert_eq!(encode_slice(&bytes, &mut text), Some(plain.len()));
            prop_assert_eq!(text, [plain.as_bytes(), &b"???"[..room]].concat());
            if let Some(short) = plain.len().checked_sub(1) {
                prop_assert_eq!(encode_slice(&bytes, &mut vec![0; short]), None);
            }
        }

        #[test]
        fn one_text_for_each_sequence_of_bytes(text in "[A-Za-z0-9_-]{0,120}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }

        #[test]
        fn a_foreign_character_anywhere_is_refused(
            bytes in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), foreign in "[^A-Za-z0-9_-]",
        ) {
            let mut text = encode(bytes);
            text.insert_str(at.index(text.len() + 1), &foreign);
            prop_assert_eq!(decode(&text), Err(Base64Error));
        }
    }
}
