//! Whatever Python's users hand over as a key.

use std::ops::Deref;

use boltguard_keys::{
    Algorithm, Jwk, Key as Material, KeyError, KeySet as Set, LoadedKeySet, Secret, SigningKey,
    VerifyingKey,
};
use boltguard_types::ReasonCode;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};

use crate::algorithms::Algorithms;
use crate::errors::{Class, coded, key_error};
use crate::foreign_key;
use crate::key::Key;
use crate::key_set::KeySet;
use crate::py_to_json::{self, Extras};

/// A key as it was handed over.
pub(crate) enum KeyArgument<'py> {
    /// Prepared before, and kept.
    Kept(Bound<'py, Key>),
    /// Read for this call.
    Once(Box<Jwk>),
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
            return from_text(text.as_bytes(), allowed).map_err(|error| key_error(key.py(), error));
        }
        if let Ok(bytes) = key.cast::<PyBytes>() {
            return from_text(bytes.as_bytes(), allowed)
                .map_err(|error| key_error(key.py(), error));
        }
        if let Ok(key) = key.cast::<Key>() {
            return Ok(Self::Kept(key.clone()));
        }
        if let Ok(keys) = key.cast::<KeySet>() {
            return Ok(Self::Rotating(keys.clone()));
        }
        Self::read_object(key, allowed)
    }

    fn read_object(key: &Bound<'py, PyAny>, allowed: &Algorithms) -> PyResult<Self> {
        if key.cast::<PyMapping>().is_ok() {
            let json = jwk_text(key)?;
            return from_json(&json, allowed).map_err(|error| key_error(key.py(), error));
        }
        if let Some(kept) = wrapped(key) {
            return Ok(Self::Kept(kept));
        }
        match foreign_key::read(key)? {
            Some(read) => {
                let jwk = read.map(Jwk::new).map(Box::new).map(Self::Once);
                jwk.map_err(|error| key_error(key.py(), error))
            }
            None => Err(no_key(key)),
        }
    }

    /// The keys that verify tokens of `algorithm`.
    ///
    /// A key that serves another of the allowed algorithms is no mistake of the caller's: the set is then empty.
    pub(crate) fn verifying(
        &self,
        algorithm: Algorithm,
        allowed: &Algorithms,
    ) -> Result<Trusted<'_>, KeyError> {
        match self {
            Self::Kept(key) => one(
                |algorithm| key.get().verifying(algorithm),
                algorithm,
                allowed,
            ),
            Self::Once(jwk) => one(|algorithm| jwk.verifying_key(algorithm), algorithm, allowed),
            Self::Rotating(keys) => Ok(Trusted::Rotating(keys.get().load())),
            Self::Set(keys) => Ok(Trusted::Set(keys)),
        }
    }

    /// The key that signs.
    pub(crate) fn signing(&self, algorithm: Algorithm) -> Result<SigningKey, KeyError> {
        match self {
            Self::Kept(key) => key.get().signing(algorithm),
            Self::Once(jwk) => jwk.signing_key(algorithm),
            Self::Rotating(_) | Self::Set(_) => Err(KeyError::NotPrivate),
        }
    }
}

/// The algorithm that a key's own `alg` names, where nobody has named one.
pub(crate) fn own_algorithm(key: &Bound<'_, PyAny>) -> Option<Algorithm> {
    match key.cast::<Key>() {
        Ok(key) => key.get().jwk().algorithm(),
        Err(_) => {
            let name = key.getattr(intern!(key.py(), "algorithm_name")).ok()?;
            name.extract::<String>().ok()?.parse().ok()
        }
    }
}

/// The keys that are trusted for one token.
pub(crate) enum Trusted<'a> {
    Own(Set),
    Rotating(LoadedKeySet),
    Set(&'a Set),
}

impl Deref for Trusted<'_> {
    type Target = Set;

    fn deref(&self) -> &Set {
        match self {
            Self::Own(keys) => keys,
            Self::Rotating(keys) => keys,
            Self::Set(keys) => keys,
        }
    }
}

fn one<'a>(
    verifying: impl Fn(Algorithm) -> Result<VerifyingKey, KeyError>,
    algorithm: Algorithm,
    allowed: &Algorithms,
) -> Result<Trusted<'a>, KeyError> {
    match verifying(algorithm) {
        Ok(key) => Ok(Trusted::Own(Set::from(key))),
        Err(_)
            if allowed
                .as_slice()
                .iter()
                .any(|other| verifying(*other).is_ok()) =>
        {
            Ok(Trusted::Own(Set::default()))
        }
        Err(error) => Err(error),
    }
}

fn from_text<'py>(bytes: &[u8], allowed: &Algorithms) -> Result<KeyArgument<'py>, KeyError> {
    let (secret, others): (Vec<_>, Vec<_>) = allowed
        .as_slice()
        .iter()
        .partition(|algorithm| algorithm.is_symmetric());
    if !secret.is_empty() {
        match Secret::new(bytes) {
            Ok(secret) => return Ok(KeyArgument::Once(Box::new(Jwk::new(secret)))),
            Err(KeyError::PemAsSecret | KeyError::JwkAsSecret) if !others.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    let text = utf8_text(bytes)?;
    if is_json(text) {
        return public_from_json(text, &others);
    }
    Ok(KeyArgument::Once(Box::new(Jwk::new(Material::from_pem(
        text,
    )?))))
}

fn public_from_json<'py>(
    json: &str,
    algorithms: &[Algorithm],
) -> Result<KeyArgument<'py>, KeyError> {
    match Set::from_jwks(json, algorithms) {
        Err(KeyError::Jwks) => {}
        set => return set.map(KeyArgument::Set),
    }
    let jwk = Jwk::parse(json)?;
    match jwk.key() {
        Material::Secret(_) => Err(KeyError::JwkAsSecret),
        _ => Ok(KeyArgument::Once(Box::new(jwk))),
    }
}

fn from_json<'py>(json: &str, allowed: &Algorithms) -> Result<KeyArgument<'py>, KeyError> {
    match Set::from_jwks(json, allowed.as_slice()) {
        Err(KeyError::Jwks) => Ok(KeyArgument::Once(Box::new(Jwk::parse(json)?))),
        set => set.map(KeyArgument::Set),
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{')
}

/// The text of bytes that are to be PEM or JSON.
pub(crate) fn utf8_text(bytes: &[u8]) -> Result<&str, KeyError> {
    std::str::from_utf8(bytes).map_err(|_| KeyError::NoPem)
}

/// The JSON of a JWK or JWKS, from a mapping or from its text.
pub(crate) fn jwk_text(jwk: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = jwk.cast::<PyString>() {
        return text.to_str().map(str::to_owned).map_err(|_| no_key(jwk));
    }
    let mut json = String::new();
    jwk.cast::<PyMapping>()
        .map_err(PyErr::from)
        .and_then(|mapping| py_to_json::dict_of(mapping))
        .and_then(|dict| py_to_json::write_object(&dict, Extras::Refuse, &mut json))
        .map_err(|_| no_key(jwk))?;
    Ok(json)
}

/// The `Key` inside of a `PyJWK`.
fn wrapped<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, Key>> {
    object
        .getattr(intern!(object.py(), "key"))
        .ok()?
        .cast_into()
        .ok()
}

#[cold]
fn no_key(object: &Bound<'_, PyAny>) -> PyErr {
    let name = object.get_type().name().map(|name| name.to_string());
    let message = format!("no key can be read from this {}", name.unwrap_or_default());
    coded(
        object.py(),
        Class::InvalidKeyError,
        ReasonCode::KeyInvalid,
        message,
    )
}
