//! `TrustedKeys`: the keys of a `JwtBackend`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use boltguard::JwtBackend as Backend;
use boltguard::keys::{Algorithm, KeySet as Set, SigningKeys as Scheduled};
use boltguard::types::NumericDate;
use pyo3::prelude::*;

use crate::clock::now;
use crate::errors::key_error;
use crate::keys::algorithms::{Algorithms, takes_long_to_verify};
use crate::keys::argument::KeyArgument;
use crate::keys::jwk::warn_of_skipped;
use crate::keys::set::{KeyObserver, Rotating};
use crate::keys::signing_keys::SigningKeys;

/// The keys that a backend trusts. If a `KeySet` among them is replaced, or a key of `SigningKeys` is published or
/// retired, the backend is updated.
pub(crate) struct TrustedKeys {
    sources: Vec<Source>,
    /// When the published keys change next, as the bits of an `f64`: seconds since the epoch.
    next_change: AtomicU64,
    /// Held during an update, so that an older one doesn't replace a newer one.
    updating: Mutex<()>,
    algorithms: Vec<Algorithm>,
    backend: OnceLock<Weak<Backend>>,
}

impl TrustedKeys {
    /// Reads the keys, which are restricted to these algorithms.
    pub(super) fn read(keys: &[Bound<'_, PyAny>], algorithms: &Algorithms) -> PyResult<Arc<Self>> {
        let sources = keys.iter().map(|key| Source::read(key, algorithms));
        Ok(Arc::new(Self {
            sources: sources.collect::<PyResult<_>>()?,
            next_change: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            updating: Mutex::default(),
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

    /// Whether the keys change with time.
    pub(crate) fn are_scheduled(&self) -> bool {
        self.sources
            .iter()
            .any(|source| matches!(source, Source::Scheduled(_)))
    }

    /// Updates the backend if the published keys have changed since the last call.
    pub(crate) fn follow_schedule(&self, now: NumericDate) {
        let is_due = || now.as_f64() >= f64::from_bits(self.next_change.load(Ordering::Acquire));
        if !is_due() {
            return;
        }
        // Another thread that updates the backend isn't waited for.
        let Ok(_updating) = self.updating.try_lock() else {
            return;
        };
        if !is_due() {
            return;
        }
        self.update(now);
        let changes = self.sources.iter().filter_map(|source| match source {
            Source::Scheduled(keys) => keys.schedule().next_change(now),
            Source::Fixed(_) | Source::Rotating(_) => None,
        });
        let next = changes
            .map(NumericDate::as_f64)
            .fold(f64::INFINITY, f64::min);
        self.next_change.store(next.to_bits(), Ordering::Release);
    }

    /// All keys, including those that aren't published at present: a backend must have a key for each algorithm.
    pub(super) fn all(&self) -> Set {
        let unpublished = self.sources.iter().filter_map(|source| match source {
            Source::Scheduled(keys) => Some(keys),
            Source::Fixed(_) | Source::Rotating(_) => None,
        });
        let unpublished = unpublished.flat_map(|keys| keys.keys().iter());
        let unpublished = Set::new(unpublished.map(|key| key.verifying_key().clone()));
        self.merged()
            .and(unpublished.restricted_to(&self.algorithms))
    }

    /// All current keys in one set.
    pub(super) fn merged(&self) -> Set {
        self.merged_at(now())
    }

    fn merged_at(&self, now: NumericDate) -> Set {
        self.sources
            .iter()
            .map(|source| source.restricted_to(&self.algorithms, now))
            .fold(Set::default(), Set::and)
    }

    fn update(&self, now: NumericDate) {
        if let Some(backend) = self.backend.get().and_then(Weak::upgrade) {
            backend.replace_keys(self.merged_at(now));
        }
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
        let _updating = self.updating.lock().unwrap_or_else(PoisonError::into_inner);
        self.update(now());
    }
}

/// One of the keys as it was passed: fixed keys, a `KeySet` whose keys can be replaced, or `SigningKeys`.
enum Source {
    Fixed(Set),
    Rotating(Arc<Rotating>),
    Scheduled(Arc<Scheduled>),
}

impl Source {
    fn read(key: &Bound<'_, PyAny>, algorithms: &Algorithms) -> PyResult<Self> {
        if let Ok(keys) = key.cast::<SigningKeys>() {
            return Ok(Self::Scheduled(Arc::clone(keys.get().keys())));
        }
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

    fn restricted_to(&self, algorithms: &[Algorithm], now: NumericDate) -> Set {
        match self {
            Self::Fixed(set) => set.restricted_to(algorithms),
            Self::Rotating(set) => set.keys().load().restricted_to(algorithms),
            Self::Scheduled(keys) => keys.published(now).restricted_to(algorithms),
        }
    }
}
