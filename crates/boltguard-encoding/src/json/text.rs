//! Strings in a JSON text.

use std::borrow::Cow;
use std::fmt;

use super::JsonError;

/// A JSON string whose escapes are valid, but not decoded yet.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    raw: &'a [u8],
    escapes: Escapes,
}

/// Whether a string has escapes.
///
/// It is as wide as a register, so that a `Text` is copied in words. A flag of one byte would be copied together with
/// its padding in several pieces, which stalls until the preceding stores have completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Escapes {
    None,
    Some,
}

impl<'a> Text<'a> {
    #[inline]
    pub(super) fn new(raw: &'a [u8], escapes: Escapes) -> Self {
        Self { raw, escapes }
    }

    /// Returns the bytes between the quotes, in UTF-8, if there are no escapes.
    #[must_use]
    #[inline]
    pub fn plain_bytes(self) -> Option<&'a [u8]> {
        (self.escapes == Escapes::None).then_some(self.raw)
    }

    /// Returns the string between the quotes, if there are no escapes.
    #[must_use]
    #[inline]
    pub fn unescaped(self) -> Option<&'a str> {
        self.plain_bytes().map(as_str)
    }

    /// Returns the string with its escapes decoded.
    #[must_use]
    #[inline(always)]
    pub fn to_text(self) -> Cow<'a, str> {
        match self.unescaped() {
            Some(plain) => Cow::Borrowed(plain),
            None => Cow::Owned(unescape(as_str(self.raw))),
        }
    }

    /// Returns the number of bytes between the quotes.
    #[must_use]
    #[inline]
    pub fn raw_len(self) -> usize {
        self.raw.len()
    }
}

/// Converts bytes that the reader has checked. A quote is never part of a longer UTF-8 sequence.
#[inline]
pub(super) fn as_str(checked: &[u8]) -> &str {
    str::from_utf8(checked).unwrap_or_default()
}

impl PartialEq<str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        if self.escapes == Escapes::Some {
            self.to_text() == other
        } else {
            self.raw == other.as_bytes()
        }
    }
}

impl PartialEq<&str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

/// Decodes escapes that [`check_escape`] has accepted.
#[cold]
#[inline(never)]
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (c, len) = escape(&rest.as_bytes()[at..]).unwrap_or((char::REPLACEMENT_CHARACTER, 2));
        text.push(c);
        rest = &rest[at + len..];
    }
    text.push_str(rest);
    text
}

/// Returns the bytes of the string whose opening quote is before `start`, and whether there are escapes.
#[cold]
#[inline(never)]
pub(super) fn scan_string(text: &[u8], start: usize) -> Result<(&[u8], Escapes), JsonError> {
    let bytes = text.get(start..).unwrap_or_default();
    let (mut at, mut escapes) = (0, Escapes::None);
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok((&bytes[..at], escapes)),
            Some(b'\\') => {
                escapes = Escapes::Some;
                at += check_escape(&bytes[at..]).ok_or(JsonError::Syntax)?;
            }
            Some(0x20..) => at += 1,
            _ => return Err(JsonError::Syntax),
        }
    }
}

/// Returns the length of the escape at the start of `bytes`.
#[inline]
fn check_escape(bytes: &[u8]) -> Option<usize> {
    escape(bytes).map(|(_, len)| len)
}

fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let simple = |c| Some((c, 2));
    match bytes.get(1)? {
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => unicode_escape(bytes),
        _ => None,
    }
}

/// Decodes `\u`. Half of a surrogate pair is rejected, since its meaning is undefined, RFC 8259 §8.2.
fn unicode_escape(bytes: &[u8]) -> Option<(char, usize)> {
    let first = hex4(bytes.get(2..6)?)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    if bytes.get(6..8)? != b"\\u" {
        return None;
    }
    let second = hex4(bytes.get(8..12)?)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let c = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(c)?, 12))
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// Hides the string, which may come from a token.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}
