//! Lists and objects whose errors contain the place of the invalid member.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Deserializes a list. Errors begin with the index.
pub(super) struct List<T>(pub(super) Vec<T>);

/// Deserializes an object with unique names. Errors begin with the name.
pub(super) struct Named<T>(pub(super) BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
        let mut all = Vec::new();
        loop {
            let next = list.next_element();
            match next
                .map_err(|error| A::Error::custom(format_args!("[{}]: {error}", all.len())))?
            {
                Some(member) => all.push(member),
                None => return Ok(List(all)),
            }
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
        let mut all = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value();
            let value =
                value.map_err(|error| A::Error::custom(format_args!(".{name}: {error}")))?;
            if all.contains_key(&name) {
                let message = format_args!(".{name}: this name occurs twice");
                return Err(A::Error::custom(message));
            }
            all.insert(name, value);
        }
        Ok(Named(all))
    }
}

/// Puts the name of the member before the place in an error: `.jwt: …` becomes `backends.jwt: …`.
pub(super) fn within<T, E: serde::de::Error>(member: &str, result: Result<T, E>) -> Result<T, E> {
    result.map_err(|error| E::custom(format_args!("{member}{error}")))
}
