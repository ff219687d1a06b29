//! Validation of claims before they are signed, so that the token is accepted afterwards.

use boltguard_encoding::json::{JsonError, Kind, Reader};

use crate::MintError;

/// Checks the JSON of a claim that was serialized with serde.
#[inline]
pub(crate) fn value(name: &str, json: &[u8]) -> Result<(), MintError> {
    match json {
        [b't' | b'f' | b'n', ..] => {}
        [b'"', ..] if !json.contains(&b'\\') => {}
        [b'[' | b'{', ..] => nesting(json)?,
        // A `RawValue` is written by the caller and can contain an invalid escape or number.
        _ => Reader::from_bytes(json)?.skip()?,
    }
    kind(name, json)
}

/// Checks the nesting depth, which includes one level for the claims object.
fn nesting(json: &[u8]) -> Result<(), MintError> {
    let claims = [b"[", json, b"]"].concat();
    Ok(Reader::from_bytes(&claims)?.skip()?)
}

/// Checks the type of a registered claim, RFC 7519 §4.1, except for the reserved ones.
#[inline]
pub(crate) fn kind(name: &str, json: &[u8]) -> Result<(), MintError> {
    let is_valid = match name {
        "aud" => is_string(json) || is_string_array(json),
        "iss" => is_string(json),
        "nbf" => is_kind(Kind::Number, json),
        _ => true,
    };
    if is_valid {
        Ok(())
    } else {
        Err(MintError::WrongType)
    }
}

fn is_string(json: &[u8]) -> bool {
    is_kind(Kind::String, json)
}

fn is_kind(kind: Kind, json: &[u8]) -> bool {
    Reader::from_bytes(json).and_then(|mut reader| reader.kind()) == Ok(kind)
}

fn is_string_array(json: &[u8]) -> bool {
    let member = |reader: &mut Reader<'_>| reader.string().map(drop);
    let result = Reader::from_bytes(json).and_then(|mut reader| reader.array::<JsonError>(member));
    result.is_ok()
}
