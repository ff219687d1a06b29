//! What the reader of a token would refuse, refused before it is signed.

use boltguard_encoding::json::{JsonError, Kind, Reader};

use crate::MintError;

/// Checks a claim that may be anything, as serde has written it.
#[inline]
pub(crate) fn value(name: &str, json: &[u8]) -> Result<(), MintError> {
    match json {
        [b't' | b'f' | b'n', ..] => {}
        [b'"', ..] if !json.contains(&b'\\') => {}
        [b'[' | b'{', ..] => nesting(json)?,
        // JSON that the caller has written, `RawValue`, may hold an escape or a number that can't be read.
        _ => Reader::from_bytes(json)?.skip()?,
    }
    kind(name, json)
}

/// The claims are one level around it.
fn nesting(json: &[u8]) -> Result<(), MintError> {
    let claims = [b"[", json, b"]"].concat();
    Ok(Reader::from_bytes(&claims)?.skip()?)
}

/// Checks that a registered claim is of its type, RFC 7519 §4.1; those that can't be given are not among them.
#[inline]
pub(crate) fn kind(name: &str, json: &[u8]) -> Result<(), MintError> {
    let fits = match name {
        "aud" => is_text(json) || are_texts(json),
        "iss" => is_text(json),
        "nbf" => is_of(Kind::Number, json),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(MintError::WrongType)
    }
}

fn is_text(json: &[u8]) -> bool {
    is_of(Kind::String, json)
}

fn is_of(kind: Kind, json: &[u8]) -> bool {
    Reader::from_bytes(json).and_then(|mut reader| reader.kind()) == Ok(kind)
}

fn are_texts(json: &[u8]) -> bool {
    let each = |reader: &mut Reader<'_>| reader.string().map(drop);
    let read = Reader::from_bytes(json).and_then(|mut reader| reader.array::<JsonError>(each));
    read.is_ok()
}
