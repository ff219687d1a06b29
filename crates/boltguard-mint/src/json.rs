//! Serialization of JSON values.

use boltguard_encoding::json::is_plain;
use boltguard_types::NumericDate;
use serde::Serialize;

use crate::MintError;

/// Appends a string.
#[inline]
pub(crate) fn push(json: &mut Vec<u8>, value: &str) {
    if !is_plain(value) {
        push_escaped(json, value);
        return;
    }
    json.push(b'"');
    json.extend_from_slice(value.as_bytes());
    json.push(b'"');
}

#[cold]
fn push_escaped(json: &mut Vec<u8>, value: &str) {
    json.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
}

/// Appends an array of strings.
#[inline]
pub(crate) fn push_list<S: AsRef<str>>(json: &mut Vec<u8>, values: impl IntoIterator<Item = S>) {
    let mut values = values.into_iter();
    json.push(b'[');
    if let Some(first) = values.next() {
        push(json, first.as_ref());
    }
    for value in values {
        json.push(b',');
        push(json, value.as_ref());
    }
    json.push(b']');
}

/// Appends a string if there is one value, or else an array.
pub(crate) fn push_one_or_list<S: AsRef<str>>(
    json: &mut Vec<u8>,
    values: impl IntoIterator<Item = S>,
) {
    let values: Vec<S> = values.into_iter().collect();
    match values.as_slice() {
        [value] => push(json, value.as_ref()),
        values => push_list(json, values),
    }
}

/// Appends a date, as an integer if it is a whole second.
pub(crate) fn push_date(json: &mut Vec<u8>, date: NumericDate) -> Result<(), MintError> {
    let secs = date.as_secs();
    if NumericDate::from_secs(secs) == date {
        push_value(json, &secs)
    } else {
        push_value(json, &date.as_f64())
    }
}

/// Appends any value.
pub(crate) fn push_value<T: Serialize + ?Sized>(
    json: &mut Vec<u8>,
    value: &T,
) -> Result<(), MintError> {
    serde_json::to_writer(json, value).map_err(|_| MintError::NotJson)
}
