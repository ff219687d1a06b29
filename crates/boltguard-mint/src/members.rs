//! Serialization of the members of a map or struct as claims.

use std::error::Error;
use std::fmt;

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::MintError;
use crate::payload::Payload;

/// A serializer that adds each member of a map or struct to the payload, and rejects all other values.
pub(crate) struct Members<'a>(pub(crate) &'a mut Payload);

macro_rules! reject {
    ($($method:ident($($argument:ty),*) -> $output:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$output, SerializeError> {
            Err(SerializeError(MintError::NotAnObject))
        })*
    };
}

impl<'a> Serializer for Members<'a> {
    type Ok = ();
    type Error = SerializeError;
    type SerializeSeq = Impossible<(), SerializeError>;
    type SerializeTuple = Impossible<(), SerializeError>;
    type SerializeTupleStruct = Impossible<(), SerializeError>;
    type SerializeTupleVariant = Impossible<(), SerializeError>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Impossible<(), SerializeError>;

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, SerializeError> {
        Ok(Entries {
            payload: self.0,
            name: None,
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, SerializeError> {
        Ok(Entries {
            payload: self.0,
            name: None,
        })
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), SerializeError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), SerializeError> {
        value.serialize(self)
    }

    /// Adds no claims.
    fn serialize_none(self) -> Result<(), SerializeError> {
        Ok(())
    }

    /// Adds no claims.
    fn serialize_unit(self) -> Result<(), SerializeError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), SerializeError> {
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), SerializeError> {
        Err(SerializeError(MintError::NotAnObject))
    }

    reject! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Impossible<(), SerializeError>;
        serialize_tuple(usize) -> Impossible<(), SerializeError>;
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), SerializeError>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), SerializeError>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), SerializeError>;
    }
}

/// A serializer for the members.
pub(crate) struct Entries<'a> {
    payload: &'a mut Payload,
    /// The key of the next value.
    name: Option<String>,
}

impl Entries<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), SerializeError> {
        Ok(self.payload.add_value(name, value)?)
    }
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = SerializeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), SerializeError> {
        self.name = Some(name_of(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeError> {
        let name = self.name.take().ok_or(SerializeError(MintError::NotJson))?;
        self.add(&name, value)
    }

    fn end(self) -> Result<(), SerializeError> {
        Ok(())
    }
}

impl SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = SerializeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), SerializeError> {
        self.add(name, value)
    }

    fn end(self) -> Result<(), SerializeError> {
        Ok(())
    }
}

/// Returns the name of a claim from the key of a map, which must serialize as a string.
fn name_of<T: Serialize + ?Sized>(key: &T) -> Result<String, SerializeError> {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(SerializeError(MintError::NotJson)),
    }
}

/// A [`MintError`] as an error of serde.
#[derive(Debug)]
pub(crate) struct SerializeError(MintError);

impl ser::Error for SerializeError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(MintError::NotJson)
    }
}

impl Error for SerializeError {}

impl fmt::Display for SerializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<MintError> for SerializeError {
    fn from(error: MintError) -> Self {
        Self(error)
    }
}

impl From<SerializeError> for MintError {
    fn from(error: SerializeError) -> Self {
        error.0
    }
}
