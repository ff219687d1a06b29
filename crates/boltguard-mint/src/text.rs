//! Writing JSON.

use boltguard_types::NumericDate;
use serde::Serialize;

use crate::MintError;

/// Writes a string.
#[inline]
pub(crate) fn push(json: &mut Vec<u8>, text: &str) {
    if needs_escape(text.as_bytes()) {
        push_escaped(json, text);
        return;
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

/// Whether there is a quote, a backslash or a control character, RFC 8259 §7; eight bytes are looked at at once.
#[inline]
fn needs_escape(text: &[u8]) -> bool {
    match text.last_chunk::<8>() {
        None => text
            .iter()
            .any(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')),
        Some(last) => text.as_chunks::<8>().0.iter().any(any_escape) || any_escape(last),
    }
}

/// The high bit of a byte of each sum is set where the byte is one to escape; bytes beyond ASCII never are.
#[inline]
fn any_escape(bytes: &[u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    let bytes = u64::from_le_bytes(*bytes);
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes;
    let equal = |byte: u8| below(bytes ^ (ONES * u64::from(byte)), 1);
    (below(bytes, 0x20) | equal(b'"') | equal(b'\\')) & HIGH != 0
}

#[cold]
fn push_escaped(json: &mut Vec<u8>, text: &str) {
    json.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

/// Writes a list of strings.
#[inline]
pub(crate) fn push_list<S: AsRef<str>>(json: &mut Vec<u8>, texts: impl IntoIterator<Item = S>) {
    let mut texts = texts.into_iter();
    json.push(b'[');
    if let Some(first) = texts.next() {
        push(json, first.as_ref());
    }
    for text in texts {
        json.push(b',');
        push(json, text.as_ref());
    }
    json.push(b']');
}

/// Writes a string where there is one, and otherwise a list.
pub(crate) fn push_one_or_list<S: AsRef<str>>(
    json: &mut Vec<u8>,
    texts: impl IntoIterator<Item = S>,
) {
    let texts: Vec<S> = texts.into_iter().collect();
    match texts.as_slice() {
        [one] => push(json, one.as_ref()),
        several => push_list(json, several),
    }
}

/// Writes a date, as an integer where it is a whole second.
pub(crate) fn push_date(json: &mut Vec<u8>, date: NumericDate) -> Result<(), MintError> {
    let secs = date.as_secs();
    if NumericDate::from_secs(secs) == date {
        push_value(json, &secs)
    } else {
        push_value(json, &date.as_f64())
    }
}

/// Writes any value.
pub(crate) fn push_value<T: Serialize + ?Sized>(
    json: &mut Vec<u8>,
    value: &T,
) -> Result<(), MintError> {
    serde_json::to_writer(json, value).map_err(|_| MintError::NotJson)
}
