//! Whatever Python's users hand over as a key.

use std::sync::Arc;

use boltguard::keys::{Algorithm, Jwk, Key as Material, KeyError, KeySet as Set, Secret};
use boltguard::types::ReasonCode;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};

use crate::errors::{Class, coded, key_error};
use crate::json::from_python::{self, Extras};
use crate::keys::algorithms::Algorithms;
use crate::keys::cache::{self, Kind};
use crate::keys::cryptography;
use crate::keys::jwk::{Unreadable, read_jwk, read_jwks};
use crate::keys::key::Key;
use crate::keys::prepared::PreparedKey;
use crate::keys::set::KeySet;

/// A key as it was handed over.
pub(crate) enum KeyArgument<'py> {
    /// One key.
    One(Arc<PreparedKey>),
    /// A set that can be replaced.
    Rotating(Bound<'py, KeySet>),
    /// A set read for this call.
    Set(Set),
}

impl<'py> KeyArgument<'py> {
    /// Reads the argument, which has to serve one of these algorithms.
    ///
    /// Text and bytes are a secret or PEM, whichever the algorithms ask for. The text of a JWK or JWKS gives
    /// public keys only: a secret in it might be a public text that somebody took for one. Mappings may hold both.
    pub(crate) fn read(key: &Bound<'py, PyAny>, allowed: &Algorithms) -> PyResult<Self> {
        if let Ok(text) = key.cast::<PyString>() {
            let text = text.to_str().map_err(|_| no_key(key))?;
            return Self::read_text(key, text.as_bytes(), allowed)
                .map_err(|error| error.raise(key.py()));
        }
        if let Ok(key) = key.cast::<Key>() {
            return Ok(Self::One(Arc::clone(key.get().prepared())));
        }
        if let Ok(bytes) = key.cast::<PyBytes>() {
            return Self::read_text(key, bytes.as_bytes(), allowed)
                .map_err(|error| error.raise(key.py()));
        }
        if let Ok(keys) = key.cast::<KeySet>() {
            return Ok(Self::Rotating(keys.clone()));
        }
        Self::read_object(key, allowed)
    }

    fn read_text(
        object: &Bound<'py, PyAny>,
        text: &[u8],
        allowed: &Algorithms,
    ) -> Result<Self, Unreadable> {
        if allowed
            .as_slice()
            .iter()
            .any(|algorithm| algorithm.is_symmetric())
        {
            let secret = || Secret::new(text).map(Jwk::new).map(PreparedKey::new);
            match cache::get_or_read(object, text, Kind::Secret, secret) {
                Err(KeyError::PemAsSecret | KeyError::JwkAsSecret) if !allowed.is_symmetric() => {}
                secret => return Ok(Self::One(secret?)),
            }
        }
        if let Some(json) = json_text(text) {
            return Self::read_public_json(json, allowed);
        }
        let key = || {
            Material::from_bytes(text)
                .map(Jwk::new)
                .map(PreparedKey::new)
        };
        Ok(Self::One(cache::get_or_read(
            object,
            text,
            Kind::Public,
            key,
        )?))
    }

    fn read_public_json(json: &str, allowed: &Algorithms) -> Result<Self, Unreadable> {
        match Self::read_json(json, &allowed.without_symmetric())? {
            Self::One(key) if matches!(key.jwk().key(), Material::Secret(_)) => {
                Err(KeyError::JwkAsSecret.into())
            }
            read => Ok(read),
        }
    }

    fn read_json(json: &str, allowed: &Algorithms) -> Result<Self, Unreadable> {
        match read_jwks(json, allowed) {
            Err(Unreadable {
                cause: KeyError::Jwks,
                ..
            }) if !json.contains("\"keys\"") => read_jwk(json).map(Self::once),
            set => set.map(Self::Set),
        }
    }

    fn read_object(key: &Bound<'py, PyAny>, allowed: &Algorithms) -> PyResult<Self> {
        let py = key.py();
        if key.cast::<PyMapping>().is_ok() {
            return Self::read_json(&jwk_text(key)?, allowed).map_err(|error| error.raise(py));
        }
        if let Some(kept) = wrapped(key) {
            return Ok(Self::One(Arc::clone(kept.get().prepared())));
        }
        match cryptography::read(key)? {
            Some(read) => read
                .map(Jwk::new)
                .map(Self::once)
                .map_err(|error| key_error(py, error)),
            None => Err(no_key(key)),
        }
    }

    fn once(jwk: Jwk) -> Self {
        Self::One(Arc::new(PreparedKey::new(jwk)))
    }

    /// The key alone, which signs.
    pub(crate) fn one(&self) -> Result<&PreparedKey, KeyError> {
        match self {
            Self::One(key) => Ok(key),
            Self::Rotating(_) | Self::Set(_) => Err(KeyError::SeveralKeys),
        }
    }
}

/// The algorithm that a key's own `alg` names, where nobody has named one.
pub(crate) fn own_algorithm(key: &Bound<'_, PyAny>) -> Option<Algorithm> {
    if let Ok(key) = key.cast::<Key>() {
        return key.get().prepared().jwk().algorithm();
    }
    wrapped(key)?;
    let name = key.getattr(intern!(key.py(), "algorithm_name")).ok()?;
    name.extract::<String>().ok()?.parse().ok()
}

/// The text, if it is that of a JSON object.
fn json_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let first = text.trim_start_matches('\u{feff}').trim_start();
    first.starts_with('{').then_some(text)
}

/// The JSON of a JWK or JWKS, from a mapping or from its text.
pub(crate) fn jwk_text(jwk: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = jwk.cast::<PyString>() {
        return text.to_str().map(str::to_owned).map_err(|_| no_key(jwk));
    }
    let mut json = String::new();
    jwk.cast::<PyMapping>()
        .map_err(PyErr::from)
        .and_then(|mapping| from_python::dict_of(mapping))
        .and_then(|dict| from_python::write_object(&dict, Extras::Refuse, &mut json))
        .map_err(|_| no_key(jwk))?;
    Ok(json)
}

/// The `Key` inside of a `PyJWK`.
fn wrapped<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, Key>> {
    // Text has no such attribute, and to be told so costs an exception.
    if object.cast::<PyString>().is_ok() || object.cast::<PyBytes>().is_ok() {
        return None;
    }
    object
        .getattr(intern!(object.py(), "_boltguard_key"))
        .ok()?
        .cast_into()
        .ok()
}

/// What fetches keys is none itself: the methods that give the one of a token.
const FETCHERS: [&str; 2] = ["get_signing_key_from_jwt", "keys_for"];

#[cold]
fn no_key(object: &Bound<'_, PyAny>) -> PyErr {
    let class = object.get_type();
    let name = class.name().map(|name| name.to_string());
    let mut message = format!("no key can be read from this {}", name.unwrap_or_default());
    let mut methods = FETCHERS.iter();
    if let Some(method) = methods.find(|method| class.hasattr(**method).unwrap_or(false)) {
        message += &format!(": give what its {method}(token) gives");
    }
    coded(
        object.py(),
        Class::InvalidKeyError,
        ReasonCode::KeyInvalid,
        message,
    )
}
