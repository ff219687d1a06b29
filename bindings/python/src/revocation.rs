//! The deny-list in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use boltguard::revocation::{MemoryRevocation as Store, entry_until};
use boltguard::types::NumericDate;
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
    /// The largest leeway, in nanoseconds, of the backends that ask this store.
    leeway: AtomicU64,
}

impl MemoryRevocation {
    /// The store itself, for a backend that asks it without coming back to Python.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// Notes that a backend with this leeway asks the store; the largest one counts.
    pub(crate) fn bind(&self, leeway: Duration) {
        let nanos = u64::try_from(leeway.as_nanos()).unwrap_or(u64::MAX);
        self.leeway.fetch_max(nanos, Relaxed);
    }

    fn until(&self, ttl: Seconds, now: NumericDate) -> Option<NumericDate> {
        entry_until(
            ttl.after(now),
            Duration::from_nanos(self.leeway.load(Relaxed)),
        )
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
            leeway: AtomicU64::new(0),
        })
    }

    /// Revokes a token for the `ttl` seconds that it has left (and the leeway), or for good.
    #[pyo3(signature = (jti, ttl=None))]
    fn revoke(&self, py: Python<'_>, jti: &str, ttl: Option<Seconds>) -> PyResult<()> {
        let now = now();
        let until = ttl.and_then(|ttl| self.until(ttl, now));
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
        self.bind(leeway.as_leeway()?);
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
