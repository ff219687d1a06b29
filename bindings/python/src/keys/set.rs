//! `KeySet`: several keys, which can be replaced while requests run.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use boltguard::keys::{Algorithm, KeyError, KeySet as Set, LoadedKeySet, RotatingKeySet};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::backends::jwt::TrustedKeys;
use crate::errors::key_error;
use crate::json::to_python;
use crate::keys::algorithms::Algorithms;
use crate::keys::argument::jwk_text;
use crate::keys::jwk::{read_jwks, warn_of_skipped};
use crate::keys::key::Key;

/// Several keys, of which a token's `kid` selects; all of them can be replaced while requests run.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct KeySet(Arc<Rotating>);

/// Keys, each for every algorithm that it can serve, and the backends that have to learn of others.
pub(crate) struct Rotating {
    keys: RotatingKeySet,
    observers: Mutex<Vec<Weak<TrustedKeys>>>,
}

impl Rotating {
    /// The keys.
    pub(crate) fn keys(&self) -> &RotatingKeySet {
        &self.keys
    }

    /// Tells this backend's keys of each change, as long as they are there.
    pub(crate) fn add_observer(&self, observer: &Arc<TrustedKeys>) {
        let mut observers = self
            .observers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        observers.retain(|observer| observer.strong_count() > 0);
        observers.push(Arc::downgrade(observer));
    }

    fn replace(&self, keys: Set) {
        self.keys.replace(keys);
        let observers = self
            .observers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        observers
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|observer| observer.refresh());
    }
}

impl KeySet {
    /// The keys of now.
    pub(crate) fn load(&self) -> LoadedKeySet {
        self.0.keys.load()
    }

    /// The keys, whatever they will be.
    pub(crate) fn rotating(&self) -> &Arc<Rotating> {
        &self.0
    }

    pub(crate) fn of(keys: Set) -> Self {
        Self(Arc::new(Rotating {
            keys: RotatingKeySet::new(keys),
            observers: Mutex::default(),
        }))
    }

    fn holding(py: Python<'_>, keys: Result<Set, KeyError>) -> PyResult<Self> {
        keys.map(Self::of).map_err(|error| key_error(py, error))
    }
}

#[pymethods]
impl KeySet {
    /// Trusts these keys, public ones and secrets.
    #[new]
    fn new(py: Python<'_>, keys: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut all = Vec::new();
        for key in keys.try_iter()? {
            let key = key?.cast_into::<Key>()?;
            let set = Set::from_jwk(key.get().prepared().jwk(), Algorithm::ALL);
            all.extend_from_slice(set.map_err(|error| key_error(py, error))?.keys());
        }
        if all.is_empty() {
            return Err(key_error(py, KeyError::Empty));
        }
        Self::holding(py, Ok(Set::new(all)))
    }

    /// Trusts the keys of a JWK Set, a mapping or its JSON text. Those that can't be used are skipped, see `skipped`,
    /// and unless `log_skipped` is false a warning is logged for each.
    #[staticmethod]
    #[pyo3(signature = (jwks, *, log_skipped=true))]
    fn from_jwks(py: Python<'_>, jwks: &Bound<'_, PyAny>, log_skipped: bool) -> PyResult<Self> {
        let read = read_jwks(&jwk_text(jwks)?, &Algorithms::all());
        let keys = read.map_err(|error| error.raise(py))?;
        if log_skipped {
            warn_of_skipped(py, &keys)?;
        }
        Ok(Self::of(keys))
    }

    /// The keys of the JWK Set that are skipped, each with its index, its `kid` and the reason.
    #[getter]
    fn skipped(&self) -> Vec<String> {
        let keys = self.load();
        keys.skipped().iter().map(ToString::to_string).collect()
    }

    /// Trusts the keys of `other` instead, at once and wherever this set is in use.
    fn replace(&self, other: &Self) {
        self.0.replace((*other.0.keys.load_full()).clone());
    }

    /// The public keys as a JWK Set to publish; secrets are left out.
    fn to_jwks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_python::object(py, &self.load().to_jwks())
    }

    fn __repr__(&self) -> String {
        let kids: Vec<_> = self
            .load()
            .keys()
            .iter()
            .filter_map(|key| key.key_id().cloned())
            .collect();
        let mut names: Vec<&str> = kids.iter().map(boltguard::types::KeyId::as_str).collect();
        names.dedup();
        format!("<KeySet {names:?}>")
    }
}
