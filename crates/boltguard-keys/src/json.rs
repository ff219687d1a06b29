//! JSON of keys, read by the strict reader of [`boltguard_encoding`].

use std::collections::HashMap;

use boltguard_encoding::json::{JsonError, Kind, Reader};
use zeroize::Zeroizing;

use crate::KeyError;

/// A JSON value.
pub(crate) enum Json {
    /// The digits of a 64-bit integer, with or without a sign.
    Integer(String),
    List(Vec<Json>),
    Null,
    Object(Members),
    /// A boolean or another number, which no member of a key has as its value.
    Other,
    /// A string, which may be secret.
    String(Zeroizing<String>),
}

/// The members of an object.
pub(crate) type Members = HashMap<String, Json>;

/// Reads an object. Duplicate member names are rejected at any depth, RFC 7517 §4.
pub(crate) fn parse(text: &str) -> Result<Members, KeyError> {
    let mut reader = Reader::new(text);
    let value = value(&mut reader).and_then(|value| reader.finish().map(|()| value));
    match value {
        Ok(Json::Object(members)) => Ok(members),
        Err(JsonError::DuplicateName) => Err(KeyError::DuplicateMember),
        Ok(_) | Err(_) => Err(KeyError::Json),
    }
}

/// Reads a value; the reader limits the depth of the recursion.
fn value(reader: &mut Reader<'_>) -> Result<Json, JsonError> {
    match reader.kind()? {
        Kind::Array => list(reader),
        Kind::Bool => reader.bool().map(|_| Json::Other),
        Kind::Null => reader.null().map(|()| Json::Null),
        Kind::Number => number(reader),
        Kind::Object => object(reader),
        Kind::String => {
            let text = reader.string()?.to_text().into_owned();
            Ok(Json::String(Zeroizing::new(text)))
        }
    }
}

fn list(reader: &mut Reader<'_>) -> Result<Json, JsonError> {
    let mut items = Vec::new();
    reader.array(|reader| {
        items.push(value(reader)?);
        Ok::<_, JsonError>(())
    })?;
    Ok(Json::List(items))
}

fn number(reader: &mut Reader<'_>) -> Result<Json, JsonError> {
    let digits = reader.number()?.as_str();
    let is_integer = digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok();
    Ok(match is_integer {
        true => Json::Integer(digits.to_owned()),
        false => Json::Other,
    })
}

fn object(reader: &mut Reader<'_>) -> Result<Json, JsonError> {
    let mut members = Members::new();
    reader.object(|reader, name| {
        let value = value(reader)?;
        match members.insert(name.to_text().into_owned(), value) {
            None => Ok(()),
            Some(_) => Err(JsonError::DuplicateName),
        }
    })?;
    Ok(Json::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_members_are_rejected_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"a":1}]}"#,
        ] {
            assert_eq!(parse(text).err(), Some(KeyError::DuplicateMember), "{text}");
        }
    }

    #[test]
    fn other_values_and_malformed_json_are_rejected() {
        for text in [
            "",
            "[]",
            "1",
            "null",
            "\"{}\"",
            "{",
            "{} x",
            "\u{feff}{}",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert_eq!(parse(text).err(), Some(KeyError::Json), "{text}");
        }
    }

    #[test]
    fn nesting_is_limited_as_in_tokens() {
        let nested = |depth: usize| {
            let brackets = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
            parse(&format!(r#"{{"a":{brackets}}}"#)).err()
        };
        assert_eq!(nested(64), None);
        assert_eq!(nested(65), Some(KeyError::Json));
        assert_eq!(nested(100_000), Some(KeyError::Json));
    }

    #[test]
    fn integers_keep_their_digits() {
        let digits = |number: &str| {
            let mut members = parse(&format!(r#"{{"a":{number}}}"#)).unwrap();
            match members.remove("a") {
                Some(Json::Integer(digits)) => Some(digits),
                _ => None,
            }
        };
        for number in [
            "0",
            "-1",
            "2026",
            "-9223372036854775808",
            "18446744073709551615",
        ] {
            assert_eq!(digits(number).as_deref(), Some(number));
        }
        for number in ["1.0", "1e3", "18446744073709551616", "true"] {
            assert_eq!(digits(number), None, "{number}");
        }
    }
}
