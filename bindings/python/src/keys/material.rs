//! Reading keys from strings, bytes, mappings and objects of the package `cryptography`.

use std::sync::Arc;

use boltguard::keys::{Jwk, Key, KeyError, KeySet, Secret};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};

use crate::errors::key_error;
use crate::keys::algorithms::Algorithms;
use crate::keys::cache::{self, Kind};
use crate::keys::cryptography;
use crate::keys::jwk::{Unreadable, json_of, not_a_key, read_jwk, read_jwks};
use crate::keys::prepared::PreparedKey;

/// What was read: a key, or the keys of a JWK Set.
pub(crate) enum KeyMaterial {
    One(Arc<PreparedKey>),
    Set(KeySet),
}

impl KeyMaterial {
    /// Reads an object as a key for the allowed algorithms. Returns `None` if the type of the object isn't supported.
    ///
    /// Whether a string or bytes are a secret or PEM depends on the algorithms. A JWK or JWK Set in a string is read
    /// for its public keys only, because a secret in it might be a public document that was mistaken for a secret.
    /// Mappings may contain both.
    pub(crate) fn read(object: &Bound<'_, PyAny>, allowed: &Algorithms) -> PyResult<Option<Self>> {
        let raise = |error: Unreadable| error.raise(object.py());
        if let Some(bytes) = bytes_of(object)? {
            let read = Self::read_bytes(object, bytes, allowed);
            return read.map(Some).map_err(raise);
        }
        if object.cast::<PyMapping>().is_ok() {
            let read = Self::read_json(&json_of(object)?, allowed);
            return read.map(Some).map_err(raise);
        }
        let foreign = cryptography::read(object)?.transpose();
        let foreign = foreign.map_err(|error| key_error(object.py(), error))?;
        Ok(foreign.map(Jwk::new).map(Self::from))
    }

    fn read_bytes(
        object: &Bound<'_, PyAny>,
        bytes: &[u8],
        allowed: &Algorithms,
    ) -> Result<Self, Unreadable> {
        let cached = |kind, read: fn(&[u8]) -> Result<Jwk, KeyError>| {
            cache::get_or_read(object, bytes, kind, || read(bytes).map(PreparedKey::new))
        };
        if allowed.has_symmetric() {
            match cached(Kind::Secret, |bytes| Secret::new(bytes).map(Jwk::new)) {
                Err(KeyError::PemAsSecret | KeyError::JwkAsSecret) if !allowed.is_symmetric() => {}
                secret => return Ok(Self::One(secret?)),
            }
        }
        match json_object(bytes) {
            Some(json) => Self::read_public_json(json, allowed),
            None => Ok(Self::One(cached(Kind::Public, |bytes| {
                Key::from_bytes(bytes).map(Jwk::new)
            })?)),
        }
    }

    fn read_public_json(json: &str, allowed: &Algorithms) -> Result<Self, Unreadable> {
        match Self::read_json(json, &allowed.without_symmetric())? {
            Self::One(key) if matches!(key.jwk().key(), Key::Secret(_)) => {
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
            }) if !json.contains("\"keys\"") => read_jwk(json).map(Self::from),
            set => set.map(Self::Set),
        }
    }
}

impl From<Jwk> for KeyMaterial {
    fn from(jwk: Jwk) -> Self {
        Self::One(Arc::new(PreparedKey::new(jwk)))
    }
}

/// The content of a `str` or `bytes`.
fn bytes_of<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Option<&'a [u8]>> {
    if let Ok(string) = object.cast::<PyString>() {
        let string = string.to_str().map_err(|_| not_a_key(object))?;
        return Ok(Some(string.as_bytes()));
    }
    Ok(object.cast::<PyBytes>().ok().map(|bytes| bytes.as_bytes()))
}

/// The bytes as a string, if it looks like a JSON object.
fn json_object(bytes: &[u8]) -> Option<&str> {
    let string = std::str::from_utf8(bytes).ok()?;
    let first = string.trim_start_matches('\u{feff}').trim_start();
    first.starts_with('{').then_some(string)
}
