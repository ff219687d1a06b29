//! Parsing of JSON, compared with `serde_json`.

use boltguard_encoding::json::{JsonError, Kind, MAX_DEPTH, Names, Reader};
use serde_json::{Map, Value};

use super::oracle;

pub(super) fn run(data: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(data).ok();
    let theirs = theirs.filter(|value| oracle::depth(value) <= MAX_DEPTH.into());
    let ours = Reader::from_bytes(data).and_then(|mut reader| whole(&mut reader, build));
    assert_eq!(ours.as_ref().ok(), theirs.as_ref(), "{ours:?}");
    let raw = Reader::from_bytes(data)
        .and_then(|mut reader| whole(&mut reader, |reader| reader.read_raw().map(String::from)));
    assert_eq!(raw.is_ok(), theirs.is_some());
    let distinct =
        Reader::from_bytes(data).and_then(|mut reader| whole(&mut reader, read_distinct));
    if matches!(theirs, Some(Value::Object(_))) {
        assert_eq!(distinct.is_ok(), oracle::members(data).is_some());
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    assert_eq!(whole(&mut Reader::new(text), build), ours);
    if let Ok(raw) = raw {
        assert_eq!(raw, text.trim_matches([' ', '\n', '\r', '\t']));
    }
}

fn whole<T>(
    reader: &mut Reader<'_>,
    read: fn(&mut Reader<'_>) -> Result<T, JsonError>,
) -> Result<T, JsonError> {
    let value = read(reader)?;
    reader.finish()?;
    Ok(value)
}

/// Reads an object with distinct names.
fn read_distinct(reader: &mut Reader<'_>) -> Result<(), JsonError> {
    let mut names = Names::default();
    reader.object(|reader, name| {
        names.insert(name)?;
        reader.read_raw().map(drop)
    })
}

fn build(reader: &mut Reader<'_>) -> Result<Value, JsonError> {
    let peeked = reader.peek_value();
    let value = match reader.kind()? {
        Kind::Array => {
            let mut list = Vec::new();
            reader.array(|reader| build(reader).map(|value| list.push(value)))?;
            list.into()
        }
        Kind::Bool => reader.bool()?.into(),
        Kind::Null => reader.null().map(|()| Value::Null)?,
        Kind::Number => number(reader)?,
        Kind::Object => {
            let mut members = Map::new();
            reader.object(|reader, name| {
                members.insert(name.to_text().into_owned(), build(reader)?);
                Ok::<_, JsonError>(())
            })?;
            members.into()
        }
        Kind::String => reader.string()?.to_text().into(),
    };
    peeked.map(|_| value)
}

/// Converts a number as `serde_json` does: to an integer of 64 bits, or to `f64`.
fn number(reader: &mut Reader<'_>) -> Result<Value, JsonError> {
    let number = reader.number()?;
    let unsigned = number.as_str().parse::<u64>().ok();
    let negative = number.as_i64().filter(|integer| *integer < 0);
    Ok(unsigned
        .map(Value::from)
        .or(negative.map(Value::from))
        .unwrap_or_else(|| number.as_f64().into()))
}
