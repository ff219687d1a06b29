//! The argument `key` of `boltguard.jwt`, `boltguard.jws` and the backends.

use std::sync::Arc;

use boltguard::keys::{Algorithm, KeyError, KeySet as Set};
use pyo3::intern;
use pyo3::prelude::*;

use crate::keys::algorithms::Algorithms;
use crate::keys::key::{self, Key};
use crate::keys::material::KeyMaterial;
use crate::keys::prepared::PreparedKey;
use crate::keys::set::KeySet;

/// A key or several keys, as passed by the caller.
pub(crate) enum KeyArgument<'py> {
    /// A single key.
    One(Arc<PreparedKey>),
    /// A `KeySet` object, whose keys can be replaced.
    Rotating(Bound<'py, KeySet>),
    /// The keys of a JWK Set, read for this call.
    Set(Set),
}

impl<'py> KeyArgument<'py> {
    /// Reads the argument as a key for the allowed algorithms.
    pub(crate) fn read(key: &Bound<'py, PyAny>, allowed: &Algorithms) -> PyResult<Self> {
        if let Ok(keys) = key.cast::<KeySet>() {
            return Ok(Self::Rotating(keys.clone()));
        }
        Ok(match key::read(key, allowed)? {
            KeyMaterial::One(key) => Self::One(key),
            KeyMaterial::Set(keys) => Self::Set(keys),
        })
    }

    /// The single key, which is required for signing.
    pub(crate) fn one(&self) -> Result<&PreparedKey, KeyError> {
        match self {
            Self::One(key) => Ok(key),
            Self::Rotating(_) | Self::Set(_) => Err(KeyError::SeveralKeys),
        }
    }
}

/// The algorithm that the `alg` of the key names, for callers that specify none.
pub(crate) fn own_algorithm(key: &Bound<'_, PyAny>) -> Option<Algorithm> {
    if let Ok(key) = key.cast::<Key>() {
        return key.get().prepared().jwk().algorithm();
    }
    key::wrapped(key)?;
    let name = key.getattr(intern!(key.py(), "algorithm_name")).ok()?;
    name.extract::<String>().ok()?.parse().ok()
}
