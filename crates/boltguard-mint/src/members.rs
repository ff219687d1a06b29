//! The members of a map or struct as claims.

use std::error::Error;
use std::fmt;

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::MintError;
use crate::payload::Payload;

/// Takes a map or a struct and adds each member to the payload; everything else is refused.
pub(crate) struct Members<'a>(pub(crate) &'a mut Payload);

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $answer:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$answer, Refused> {
            Err(Refused(MintError::NotAnObject))
        })*
    };
}

impl<'a> Serializer for Members<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Impossible<(), Refused>;
    type SerializeTuple = Impossible<(), Refused>;
    type SerializeTupleStruct = Impossible<(), Refused>;
    type SerializeTupleVariant = Impossible<(), Refused>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Impossible<(), Refused>;

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Refused> {
        Ok(Entries {
            payload: self.0,
            name: None,
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, Refused> {
        Ok(Entries {
            payload: self.0,
            name: None,
        })
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    /// No claims at all.
    fn serialize_none(self) -> Result<(), Refused> {
        Ok(())
    }

    /// No claims at all.
    fn serialize_unit(self) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Refused> {
        Err(Refused(MintError::NotAnObject))
    }

    refuse! {
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
        serialize_seq(Option<usize>) -> Impossible<(), Refused>;
        serialize_tuple(usize) -> Impossible<(), Refused>;
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), Refused>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Refused>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Refused>;
    }
}

/// The members one after the other.
pub(crate) struct Entries<'a> {
    payload: &'a mut Payload,
    /// A key that waits for its value.
    name: Option<String>,
}

impl Entries<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        Ok(self.payload.add_value(name, value)?)
    }
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.name = Some(name_of(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let name = self.name.take().ok_or(Refused(MintError::NotJson))?;
        self.add(&name, value)
    }

    fn end(self) -> Result<(), Refused> {
        Ok(())
    }
}

impl SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.add(name, value)
    }

    fn end(self) -> Result<(), Refused> {
        Ok(())
    }
}

/// The name that a key of a map stands for: whatever serializes as a string.
fn name_of<T: Serialize + ?Sized>(key: &T) -> Result<String, Refused> {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(Refused(MintError::NotJson)),
    }
}

/// A refusal on its way through serde.
#[derive(Debug)]
pub(crate) struct Refused(MintError);

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(MintError::NotJson)
    }
}

impl Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<MintError> for Refused {
    fn from(error: MintError) -> Self {
        Self(error)
    }
}

impl From<Refused> for MintError {
    fn from(refused: Refused) -> Self {
        refused.0
    }
}
