//! The deny-list in memory.

use std::sync::Arc;
use std::time::Duration;

use boltguard::revocation::{MarkState, MemoryRevocation as Store, Sentinel, retain_until};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{Class, plain};
use crate::time::{Seconds, now};

/// Token ids that are revoked, in the memory of this process.
///
/// Bounded: an entry is forgotten when its token could no longer be accepted, and a full store raises
/// `RevocationStoreFull` instead of forgetting one that still could.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct MemoryRevocation {
    store: Arc<Store>,
}

impl MemoryRevocation {
    /// The store itself, for a backend that asks it without coming back to Python.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }
}

#[pymethods]
impl MemoryRevocation {
    #[new]
    #[pyo3(signature = (max_entries=1_000_000))]
    fn new(max_entries: usize) -> PyResult<Self> {
        if max_entries == 0 {
            return Err(PyValueError::new_err("max_entries must be at least 1"));
        }
        Ok(Self {
            store: Arc::new(Store::with_capacity_limit(max_entries)),
        })
    }

    /// Revokes a token for the `ttl` seconds that it has left (and the leeway), or for good.
    #[pyo3(signature = (jti, ttl=None))]
    fn revoke(&self, py: Python<'_>, jti: &str, ttl: Option<Seconds>) -> PyResult<()> {
        let now = now();
        let until = ttl.and_then(|ttl| retain_until(ttl.after(now), Duration::ZERO));
        self.store
            .revoke(jti, until, now)
            .map_err(|error| plain(py, Class::RevocationStoreFull, error))
    }

    /// Whether the token is revoked.
    fn is_revoked(&self, jti: &str) -> bool {
        self.store.is_revoked(jti, now())
    }

    /// Notes that a backend with this leeway asks the store; entries outlive their token by the largest one.
    fn bind_leeway(&self, leeway: Seconds) -> PyResult<()> {
        self.store.bind_leeway(leeway.as_leeway()?);
        Ok(())
    }

    /// Forgets the tokens that are over, and says how many there were.
    fn purge(&self) -> usize {
        self.store.purge(now())
    }

    fn __len__(&self) -> usize {
        self.store.len()
    }

    fn __repr__(&self) -> String {
        format!(
            "MemoryRevocation({} of {})",
            self.store.len(),
            self.store.limit()
        )
    }
}

/// What this process remembers of a store that it shares with others, so that it notices when the store is emptied.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RevocationSentinel(Sentinel);

#[pymethods]
impl RevocationSentinel {
    #[new]
    fn new() -> Self {
        Self(Sentinel::new())
    }

    /// What the mark that was found says, `"intact"`, `"lost"`, `"missing"` or `"outdated"`; for the last two also the
    /// mark to write.
    fn examine(&self, found: Option<u128>) -> (&'static str, Option<u128>) {
        match self.0.examine(found, now()) {
            MarkState::Intact => ("intact", None),
            MarkState::Missing(mark) => ("missing", Some(mark)),
            MarkState::Outdated(mark) => ("outdated", Some(mark)),
            _ => ("lost", None),
        }
    }

    /// The mark to write before an entry that is kept for so many seconds, or for good; `None` if the one that was
    /// found covers it.
    fn covering(&self, found: u128, lifetime: Option<Seconds>) -> Option<u128> {
        let now = now();
        let until = lifetime.and_then(|lifetime| lifetime.after(now));
        self.0.covering(found, until, now)
    }

    /// The mark that says that lost entries no longer matter.
    #[staticmethod]
    fn accepting_loss(found: Option<u128>) -> u128 {
        Sentinel::accepting_loss(found)
    }
}
