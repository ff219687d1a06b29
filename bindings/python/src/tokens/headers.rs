//! The header of a new token, with its parameters in the order in which they were given.

use boltguard::keys::{Algorithm, SigningKey};
use boltguard::types::ReasonCode;
use boltguard_encoding::json::write;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PyMapping, PyString};

use crate::errors::{Class, coded};
use crate::json::from_python::{self, Extras};
use crate::keys::algorithms::named_by_any;

/// Header parameters, each with the JSON of its value.
///
/// `typ` is `JWT` by default. As in PyJWT, it is omitted if it is `None` or empty.
pub(crate) struct Headers {
    algorithm: Option<Algorithm>,
    are_detached: bool,
    /// Whether `crit` was given.
    is_critical: bool,
    /// The value of `alg` is a placeholder, because it depends on the key.
    members: Vec<(String, String)>,
}

impl Default for Headers {
    fn default() -> Self {
        let member = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            algorithm: None,
            are_detached: false,
            is_critical: false,
            members: vec![member("typ", "\"JWT\""), member("alg", "")],
        }
    }
}

impl Headers {
    /// Reads a mapping. Headers that this library would reject when it reads a token are errors.
    pub(crate) fn read(headers: &Bound<'_, PyAny>, extras: Extras<'_, '_>) -> PyResult<Self> {
        let mapping = headers
            .cast::<PyMapping>()
            .map_err(|_| PyTypeError::new_err("headers must be a mapping"))?;
        let mut read = Self::default();
        for (name, value) in from_python::dict_of(mapping)? {
            let Ok(name) = name.cast::<PyString>() else {
                return Err(PyTypeError::new_err("the names of headers must be strings"));
            };
            read.add(name.to_str()?, &value, extras)?;
        }
        Ok(read)
    }

    /// The value of `alg`, if it was given.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Whether the payload is detached and unencoded.
    pub(crate) fn are_detached(&self) -> bool {
        self.are_detached
    }

    /// Whether `crit` lists `b64`, but `b64` is absent.
    pub(crate) fn lack_critical(&self) -> bool {
        self.is_critical && !self.are_detached
    }

    /// Marks the payload as detached and unencoded, RFC 7797 §6.
    pub(crate) fn detach(&mut self) {
        self.are_detached = true;
        self.set("b64", "false".to_owned());
        self.set("crit", "[\"b64\"]".to_owned());
    }

    /// The header for `key`, with the `kid` of the key unless another was given.
    pub(crate) fn to_json(&self, key: &SigningKey, is_sorted: bool) -> String {
        let mut members: Vec<(&str, String)> = self.members_for(key).collect();
        if let Some(kid) = key.key_id()
            && !self.members.iter().any(|(name, _)| name == "kid")
        {
            members.push(("kid", quoted(kid.as_str())));
        }
        if is_sorted {
            members.sort_by_key(|(name, _)| *name);
        }
        let mut json = String::from("{");
        for (name, value) in members {
            write::push_name(&mut json, name);
            json.push_str(&value);
        }
        json.push('}');
        json
    }

    fn members_for(&self, key: &SigningKey) -> impl Iterator<Item = (&str, String)> {
        let algorithm = quoted(key.algorithm().name());
        self.members.iter().map(move |(name, value)| match &**name {
            "alg" => ("alg", algorithm.clone()),
            name => (name, value.clone()),
        })
    }

    fn add(
        &mut self,
        name: &str,
        value: &Bound<'_, PyAny>,
        extras: Extras<'_, '_>,
    ) -> PyResult<()> {
        match name {
            "alg" => self.algorithm = Some(named_by_any(value)?),
            "typ" if !value.is_truthy()? => self.members.retain(|(name, _)| name != "typ"),
            "b64" => self.add_b64(value)?,
            "crit" => {
                check_critical(value)?;
                self.is_critical = true;
            }
            "kid" if value.cast::<PyString>().is_err() => {
                return refused(value, "kid must be a string", ReasonCode::HeaderInvalid);
            }
            _ => {
                let mut json = String::new();
                from_python::write_value(value, extras, &mut json)?;
                check_range(&json)?;
                self.set(name, json);
            }
        }
        Ok(())
    }

    fn add_b64(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match value.cast::<PyBool>() {
            Ok(is_encoded) if is_encoded.is_true() => Ok(()),
            Ok(_) => {
                self.detach();
                Ok(())
            }
            Err(_) => refused(
                value,
                "b64 must be True or False",
                ReasonCode::CriticalHeader,
            ),
        }
    }

    fn set(&mut self, name: &str, json: String) {
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = json,
            None => self.members.push((name.to_owned(), json)),
        }
    }
}

fn check_range(json: &str) -> PyResult<()> {
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(_) => Ok(()),
        Err(_) => Err(PyValueError::new_err(
            "a number in the headers is out of range",
        )),
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::new();
    write::push_string(&mut json, text);
    json
}

/// `crit` may only list `b64`. It is written by `detach`.
fn check_critical(value: &Bound<'_, PyAny>) -> PyResult<()> {
    let is_b64 = |name: &Bound<'_, PyAny>| name.eq("b64").unwrap_or(false);
    match value.cast::<PyList>() {
        Ok(names) if names.len() == 1 && names.iter().all(|name| is_b64(&name)) => Ok(()),
        _ => refused(
            value,
            "crit may only list \"b64\", the only supported extension",
            ReasonCode::CriticalHeader,
        ),
    }
}

#[cold]
fn refused<T>(value: &Bound<'_, PyAny>, message: &str, code: ReasonCode) -> PyResult<T> {
    Err(coded(value.py(), Class::InvalidTokenError, code, message))
}
