//! `KeySet`: several keys, which can be replaced while the server is running.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use boltguard::keys::{Algorithm, KeyError, KeySet as Set, LoadedKeySet, RotatingKeySet};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::key_error;
use crate::json::to_python;
use crate::keys::algorithms::Algorithms;
use crate::keys::jwk::{json_of, read_jwks, warn_of_skipped};
use crate::keys::key::Key;

/// Several keys, of which the `kid` of a token selects one. They can be replaced while the server is running.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct KeySet(Arc<Rotating>);

/// Keys, each with every algorithm that it can be used with, and the observers of their replacement.
pub(crate) struct Rotating {
    keys: RotatingKeySet,
    observers: Mutex<Vec<Weak<dyn KeyObserver>>>,
}

/// An object that is notified when the keys of a `KeySet` are replaced.
pub(crate) trait KeyObserver: Send + Sync {
    /// Is called after the replacement.
    fn keys_replaced(&self);
}

impl Rotating {
    /// The keys.
    pub(crate) fn keys(&self) -> &RotatingKeySet {
        &self.keys
    }

    /// Notifies the observer of each replacement for as long as it exists.
    pub(crate) fn add_observer(&self, observer: Weak<dyn KeyObserver>) {
        let mut observers = self
            .observers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        observers.retain(|observer| observer.strong_count() > 0);
        observers.push(observer);
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
            .for_each(|observer| observer.keys_replaced());
    }
}

impl KeySet {
    /// The current keys.
    pub(crate) fn load(&self) -> LoadedKeySet {
        self.0.keys.load()
    }

    /// The keys and their observers.
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
    /// Creates a set of public keys and secrets.
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

    /// Reads a JWK Set, given as a mapping or a JSON string. Keys that can't be used are skipped and listed in
    /// `skipped`. Unless `log_skipped` is `False`, a warning is logged for each of them.
    #[staticmethod]
    #[pyo3(signature = (jwks, *, log_skipped=true))]
    fn from_jwks(py: Python<'_>, jwks: &Bound<'_, PyAny>, log_skipped: bool) -> PyResult<Self> {
        let read = read_jwks(&json_of(jwks)?, &Algorithms::all());
        let keys = read.map_err(|error| error.raise(py))?;
        if log_skipped {
            warn_of_skipped(py, &keys)?;
        }
        Ok(Self::of(keys))
    }

    /// The skipped keys of the JWK Set, each with its index, its `kid` and the reason.
    #[getter]
    fn skipped(&self) -> Vec<String> {
        let keys = self.load();
        keys.skipped().iter().map(ToString::to_string).collect()
    }

    /// Replaces the keys by those of `other`. This takes effect immediately, wherever the set is used.
    fn replace(&self, other: &Self) {
        self.0.replace((*other.0.keys.load_full()).clone());
    }

    /// The public keys as a JWK Set, which may be published. Secrets are omitted.
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
