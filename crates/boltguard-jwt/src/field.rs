//! Registered claims as they stand in the payload: where they are, and whether they are of their type.

use std::borrow::Cow;
use std::ops::Range;

use boltguard_encoding::json::{JsonError, Kind, Reader, Text};
use boltguard_types::NumericDate;

/// A claim whose value ought to be of one type.
#[derive(Clone, Debug, Default)]
pub(crate) enum Field<T> {
    /// There is none.
    #[default]
    Absent,
    /// It has another type.
    Mistyped,
    /// It is there.
    Value(T),
}

impl<T> Field<T> {
    #[inline]
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Mistyped => None,
        }
    }

    #[inline]
    pub(crate) fn is_mistyped(&self) -> bool {
        matches!(self, Self::Mistyped)
    }
}

/// Where a string stands in the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: u32,
    end: u32,
    escaped: bool,
}

impl Span {
    /// A payload is far shorter than 4 GiB, since its token is bounded.
    #[inline]
    pub(crate) fn of_range(range: Range<usize>, escaped: bool) -> Self {
        let [start, end] = [range.start, range.end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        Self {
            start,
            end,
            escaped,
        }
    }

    /// The text that `reader` has just read.
    #[inline]
    fn behind(reader: &Reader<'_>, text: Text<'_>) -> Self {
        let end = reader.position() - 1;
        Self::of_range(end - text.raw_len()..end, text.plain_bytes().is_none())
    }

    /// What stands there, escapes as they are.
    #[inline]
    pub(crate) fn bytes<'p>(&self, payload: &'p [u8]) -> &'p [u8] {
        payload
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// What stands there as text, escapes as they are.
    #[inline]
    pub(crate) fn raw<'p>(&self, payload: &'p [u8]) -> &'p str {
        str::from_utf8(self.bytes(payload)).unwrap_or_default()
    }

    /// The text that is meant.
    #[inline]
    pub(crate) fn text<'p>(&self, payload: &'p [u8]) -> Cow<'p, str> {
        let raw = self.raw(payload);
        if self.escaped {
            unescaped(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// Whether it is one of `list`.
    #[inline]
    pub(crate) fn is_among(&self, list: &[Box<str>], payload: &[u8]) -> bool {
        if self.escaped {
            return is_among(&self.text(payload), list);
        }
        let bytes = self.bytes(payload);
        list.iter().any(|one| one.as_bytes() == bytes)
    }
}

#[cold]
fn unescaped(raw: &str) -> Cow<'_, str> {
    let quoted = format!("\"{raw}\"");
    let text = Reader::new(&quoted)
        .string()
        .map(|text| text.to_text().into_owned());
    Cow::Owned(text.unwrap_or_default())
}

/// `aud`, RFC 7519 §4.1.3: a string, or an array of strings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// One.
    One(Span),
    /// The array's text.
    Several(Span),
}

impl Audience {
    /// Whether one of `expected` is named.
    pub(crate) fn names_any(&self, expected: &[Box<str>], payload: &[u8]) -> bool {
        match self {
            Self::One(span) => span.is_among(expected, payload),
            Self::Several(span) => {
                let mut named = false;
                let read = Reader::new(span.raw(payload)).array(|reader| {
                    named |= is_among(&reader.string()?.to_text(), expected);
                    Ok::<_, JsonError>(())
                });
                read.is_ok() && named
            }
        }
    }
}

fn is_among(text: &str, list: &[Box<str>]) -> bool {
    list.iter().any(|one| **one == *text)
}

#[inline]
fn read_span(reader: &mut Reader<'_>) -> Result<Span, JsonError> {
    let text = reader.string()?;
    Ok(Span::behind(reader, text))
}

#[inline]
pub(crate) fn read_string(reader: &mut Reader<'_>) -> Result<Field<Span>, JsonError> {
    if reader.kind()? == Kind::String {
        return Ok(Field::Value(read_span(reader)?));
    }
    mistyped(reader)
}

#[inline]
pub(crate) fn read_date(reader: &mut Reader<'_>) -> Result<Field<NumericDate>, JsonError> {
    if reader.kind()? != Kind::Number {
        return mistyped(reader);
    }
    let date = NumericDate::from_f64(reader.number()?.as_f64());
    Ok(date.map_or(Field::Mistyped, Field::Value))
}

/// Only `true` is true.
#[inline]
pub(crate) fn read_flag(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    if reader.kind()? == Kind::Bool {
        return reader.bool();
    }
    reader.skip().map(|_| false)
}

pub(crate) fn read_audience(reader: &mut Reader<'_>) -> Result<Field<Audience>, JsonError> {
    match reader.kind()? {
        Kind::String => Ok(Field::Value(Audience::One(read_span(reader)?))),
        Kind::Array => {
            let start = reader.position();
            let mut mistyped = false;
            reader.array(|reader| {
                mistyped |= reader.kind()? != Kind::String;
                reader.skip().map(drop)
            })?;
            let span = Span::of_range(start..reader.position(), false);
            Ok(if mistyped {
                Field::Mistyped
            } else {
                Field::Value(Audience::Several(span))
            })
        }
        _ => mistyped(reader),
    }
}

#[cold]
fn mistyped<T>(reader: &mut Reader<'_>) -> Result<Field<T>, JsonError> {
    reader.skip().map(|_| Field::Mistyped)
}
