//! Numbers, [RFC 8259 §6](https://www.rfc-editor.org/rfc/rfc8259#section-6).

use std::fmt;

use super::JsonError;
use super::text::as_str;

/// A JSON number that is finite as a double.
#[derive(Clone, Copy)]
pub struct Number<'a> {
    raw: &'a [u8],
    whole: Option<i64>,
}

impl<'a> Number<'a> {
    /// Returns the number as it is written.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        as_str(self.raw)
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.raw.len()
    }

    /// Returns the nearest double, which is finite.
    #[must_use]
    #[inline]
    pub fn as_f64(self) -> f64 {
        match self.whole {
            #[expect(
                clippy::as_conversions,
                clippy::cast_precision_loss,
                reason = "a double is rounded as by other parsers"
            )]
            Some(whole) => whole as f64,
            None => self.parse(),
        }
    }

    /// Returns the value, if it is written as an integer that fits in 64 bits.
    #[must_use]
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        self.whole
    }

    /// Reads the number at the start of `bytes`.
    #[inline(always)]
    pub(super) fn split(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match split_date(bytes) {
            Some((raw, value)) => Ok(Self {
                raw,
                whole: Some(value),
            }),
            None => Self::split_any(bytes),
        }
    }

    #[inline(never)]
    fn split_any(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
        let (value, rest) = split_digits(digits);
        let count = digits.len() - rest.len();
        if count == 0 || (count > 1 && digits[0] == b'0') {
            return Err(JsonError::Syntax);
        }
        if count > MAX_QUICK || matches!(rest, [b'.' | b'e' | b'E', ..]) {
            return Self::split_long(bytes, bytes.len() - rest.len());
        }
        let raw = &bytes[..bytes.len() - rest.len()];
        let negative = digits.len() < bytes.len();
        let whole = Some(if negative { -value } else { value });
        Ok(Self { raw, whole })
    }

    /// Reads a number with a fraction, an exponent or many digits.
    #[cold]
    #[inline(never)]
    fn split_long(bytes: &'a [u8], end_of_whole: usize) -> Result<Self, JsonError> {
        let end = exponent(bytes, fraction(bytes, end_of_whole)?)?;
        let raw = &bytes[..end];
        let number = Self {
            raw,
            whole: as_str(raw).parse().ok(),
        };
        if number.parse().is_finite() {
            Ok(number)
        } else {
            Err(JsonError::NumberRange)
        }
    }

    #[cold]
    fn parse(self) -> f64 {
        self.as_str().parse().unwrap_or(f64::INFINITY)
    }
}

/// Reads an integer of ten digits, which dates from 2001 to 2286 are.
#[inline(always)]
fn split_date(bytes: &[u8]) -> Option<(&[u8], i64)> {
    const LEN: usize = 10;
    let (front, _) = bytes.split_first_chunk::<{ LEN + 1 }>()?;
    let &[first, .., tens, ones, behind] = front;
    let (eight, _) = split_eight(front)?;
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    let ends = !matches!(behind, b'0'..=b'9' | b'.' | b'e' | b'E');
    if first == b'0' || tens > 9 || ones > 9 || !ends {
        return None;
    }
    let value = eight * 100 + i64::from(tens) * 10 + i64::from(ones);
    Some((&bytes[..LEN], value))
}

/// Reads the digits at the start, wrapping around if there are too many, and returns the rest.
#[inline(always)]
fn split_digits(bytes: &[u8]) -> (i64, &[u8]) {
    let (mut value, mut rest) = split_eight(bytes).unwrap_or((0, bytes));
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
        rest = behind;
    }
    (value, rest)
}

/// Reads eight digits at once.
#[inline(always)]
fn split_eight(bytes: &[u8]) -> Option<(i64, &[u8])> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    let (eight, rest) = bytes.split_first_chunk()?;
    let digits = u64::from_le_bytes(*eight) ^ ZEROS;
    // In each byte above nine, the highest bit is set, or set by the carry.
    if (digits | digits.wrapping_add(ONES * (0x80 - 10))) & (ONES << 7) != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    let value = fours.wrapping_mul(10_000 << 32 | 1) >> 32;
    Some((value.cast_signed(), rest))
}

/// The number of digits that always fit in 64 bits.
const MAX_QUICK: usize = 18;

fn digits(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count()
}

fn fraction(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    if bytes.get(at) != Some(&b'.') {
        return Ok(at);
    }
    match digits(bytes, at + 1) {
        0 => Err(JsonError::Syntax),
        count => Ok(at + 1 + count),
    }
}

fn exponent(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    if !matches!(bytes.get(at), Some(b'e' | b'E')) {
        return Ok(at);
    }
    let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
    let start = at + 1 + usize::from(signed);
    match digits(bytes, start) {
        0 => Err(JsonError::Syntax),
        count => Ok(start + count),
    }
}

/// Hides the number, which may come from a token.
impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dates_are_read_as_any_number(text in "-?[0-9]{8,12}[,}.eE0 ]?[0-9]{0,2}") {
            let date = split_date(text.as_bytes()).map(|(raw, value)| (raw.to_vec(), Some(value)));
            let any = Number::split_any(text.as_bytes());
            let any = any.map(|number| (number.raw.to_vec(), number.whole));
            if date.is_some() {
                prop_assert_eq!(date, any.ok());
            } else if let Ok((raw, Some(value))) = any {
                let is_date = raw.len() == 10 && raw.len() < text.len() && value >= 1_000_000_000;
                prop_assert!(!is_date, "{}", text);
            }
        }

        #[test]
        fn digits_are_read_in_order(digits in "[1-9][0-9]{0,17}", behind in "([^0-9].{0,12})?") {
            let text = format!("{digits}{behind}");
            let (value, rest) = split_digits(text.as_bytes());
            prop_assert_eq!(value, digits.parse::<i64>().unwrap());
            prop_assert_eq!(rest, behind.as_bytes());
        }

        #[test]
        fn eight_bytes_are_digits_or_not(bytes: [u8; 8], digit in "[0-9/:]{8}") {
            for bytes in [&bytes[..], digit.as_bytes()] {
                let all = bytes.iter().all(u8::is_ascii_digit);
                prop_assert_eq!(split_eight(bytes).is_some(), all);
            }
        }
    }
}
