//! Writing JSON.

use boltguard_encoding::json::is_plain;
use boltguard_types::NumericDate;
use serde::Serialize;

use crate::MintError;

/// Writes a string.
#[inline]
pub(crate) fn push(json: &mut Vec<u8>, text: &str) {
    if !is_plain(text) {
        push_escaped(json, text);
        return;
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
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
