//! `TrustedKeys`: the keys of a `JwtBackend`.

use std::sync::{Arc, OnceLock, Weak};

use boltguard::JwtBackend as Backend;
use boltguard::keys::{Algorithm, KeySet as Set};
use pyo3::prelude::*;

use crate::errors::key_error;
use crate::keys::algorithms::{Algorithms, takes_long_to_verify};
use crate::keys::argument::KeyArgument;
use crate::keys::jwk::warn_of_skipped;
use crate::keys::set::{KeyObserver, Rotating};

/// The keys that a backend trusts. If a `KeySet` among them is replaced, the backend is updated.
pub(crate) struct TrustedKeys {
    sources: Vec<Source>,
    algorithms: Vec<Algorithm>,
    backend: OnceLock<Weak<Backend>>,
}

impl TrustedKeys {
    /// Reads the keys, which are restricted to these algorithms.
    pub(super) fn read(keys: &[Bound<'_, PyAny>], algorithms: &Algorithms) -> PyResult<Arc<Self>> {
        let sources = keys.iter().map(|key| Source::read(key, algorithms));
        Ok(Arc::new(Self {
            sources: sources.collect::<PyResult<_>>()?,
            algorithms: algorithms.as_slice().to_vec(),
            backend: OnceLock::new(),
        }))
    }

    /// Whether verification with one of the algorithms takes long.
    pub(crate) fn take_long(&self) -> bool {
        self.algorithms
            .iter()
            .any(|algorithm| takes_long_to_verify(*algorithm))
    }

    /// All keys in one set.
    pub(super) fn merged(&self) -> Set {
        self.sources
            .iter()
            .map(|source| source.restricted_to(&self.algorithms))
            .fold(Set::default(), Set::and)
    }

    /// Updates the backend from now on.
    pub(super) fn follow(self: &Arc<Self>, backend: &Arc<Backend>) {
        let _ = self.backend.set(Arc::downgrade(backend));
        for source in &self.sources {
            if let Source::Rotating(set) = source {
                let observer: Weak<Self> = Arc::downgrade(self);
                set.add_observer(observer);
            }
        }
    }
}

impl KeyObserver for TrustedKeys {
    fn keys_replaced(&self) {
        if let Some(backend) = self.backend.get().and_then(Weak::upgrade) {
            backend.replace_keys(self.merged());
        }
    }
}

/// One of the keys as it was passed: fixed keys, or a `KeySet` whose keys can be replaced.
enum Source {
    Fixed(Set),
    Rotating(Arc<Rotating>),
}

impl Source {
    fn read(key: &Bound<'_, PyAny>, algorithms: &Algorithms) -> PyResult<Self> {
        match KeyArgument::read(key, algorithms)? {
            KeyArgument::One(prepared) => Set::from_jwk(prepared.jwk(), algorithms.as_slice())
                .map(Self::Fixed)
                .map_err(|error| key_error(key.py(), error)),
            KeyArgument::Set(set) => {
                warn_of_skipped(key.py(), &set)?;
                Ok(Self::Fixed(set))
            }
            KeyArgument::Rotating(set) => Ok(Self::Rotating(Arc::clone(set.get().rotating()))),
        }
    }

    fn restricted_to(&self, algorithms: &[Algorithm]) -> Set {
        match self {
            Self::Fixed(set) => set.restricted_to(algorithms),
            Self::Rotating(set) => set.keys().load().restricted_to(algorithms),
        }
    }
}
