//! Numbers, [RFC 8259 §6](https://www.rfc-editor.org/rfc/rfc8259#section-6).

use super::JsonError;

/// A JSON number that has a finite double.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    raw: &'a str,
}

impl<'a> Number<'a> {
    /// The number as it is written.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.raw
    }

    /// The nearest double, which is finite.
    #[must_use]
    #[inline]
    pub fn as_f64(self) -> f64 {
        match self.as_i64() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a double rounds as any reader would"
            )]
            Some(whole) => whole as f64,
            None => self.raw.parse().unwrap_or(f64::MAX),
        }
    }

    /// The value, if it is written as a whole number of 64 bits.
    #[must_use]
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        self.raw.parse().ok()
    }

    /// Splits a number off the front of `text`.
    #[inline]
    pub(super) fn split(text: &'a str) -> Result<Self, JsonError> {
        let bytes = text.as_bytes();
        let start = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(bytes, start);
        let end_of_whole = start + whole;
        if whole == 0 || (whole > 1 && bytes[start] == b'0') {
            return Err(JsonError::Syntax);
        }
        let end = exponent(bytes, fraction(bytes, end_of_whole)?)?;
        let number = Self { raw: &text[..end] };
        // Only an exponent or hundreds of digits reach beyond the doubles.
        if end - start > LONG || end > end_of_whole {
            number.check_range()?;
        }
        Ok(number)
    }

    #[cold]
    fn check_range(self) -> Result<(), JsonError> {
        match self.raw.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(()),
            _ => Err(JsonError::NumberRange),
        }
    }
}

/// A whole number of fewer digits is below the largest double, 1.8e308.
const LONG: usize = 300;

#[inline]
fn digits(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count()
}

#[inline]
fn fraction(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    if bytes.get(at) != Some(&b'.') {
        return Ok(at);
    }
    match digits(bytes, at + 1) {
        0 => Err(JsonError::Syntax),
        count => Ok(at + 1 + count),
    }
}

#[inline]
fn exponent(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    if !matches!(bytes.get(at), Some(b'e' | b'E')) {
        return Ok(at);
    }
    let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
    let start = at + 1 + usize::from(signed);
    match digits(bytes, start.min(bytes.len())) {
        0 => Err(JsonError::Syntax),
        count => Ok(start + count),
    }
}
