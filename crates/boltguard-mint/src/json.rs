//! Serialization of JSON values.

use boltguard_encoding::json::write::{push_string, push_strings};
use boltguard_types::NumericDate;
use serde::Serialize;

use crate::MintError;

/// Appends a string if there is one value, or else an array.
pub(crate) fn push_one_or_list<S: AsRef<str>>(
    json: &mut Vec<u8>,
    values: impl IntoIterator<Item = S>,
) {
    let values: Vec<S> = values.into_iter().collect();
    match values.as_slice() {
        [value] => push_string(json, value.as_ref()),
        values => push_strings(json, values),
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
