//! `MemoryRevocation` and `RevocationSentinel`: stores of revocations.

use std::sync::Arc;
use std::time::Duration;

use boltguard::revocation::{
    MarkState, MemoryRevocation as Store, RevocationError, RevocationStore, Sentinel, UnixMillis,
    Watermark, retain_until,
};
use boltguard::types::NumericDate;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::clock::now;
use crate::errors::{Class, plain};
use crate::revocation_query::{RevocationLevel, RevocationQuery};
use crate::time::Seconds;

/// Revoked tokens and levels, in the memory of this process.
///
/// The number of entries is limited. An entry is removed once its tokens have expired. If the store is full of entries
/// that haven't expired, `RevocationStoreFull` is raised.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct MemoryRevocation {
    store: Arc<Store>,
}

impl MemoryRevocation {
    /// The store, which a backend uses directly.
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

    /// Revokes a token for `ttl` seconds plus the leeway, or forever if `ttl` is `None`.
    #[pyo3(signature = (jti, ttl=None))]
    fn revoke(&self, py: Python<'_>, jti: &str, ttl: Option<Seconds>) -> PyResult<()> {
        let now = now();
        Store::revoke(&self.store, jti, until(ttl, now), now).map_err(|error| full(py, error))
    }

    /// Whether the token with this ID is revoked. Other levels are not checked.
    fn is_revoked(&self, jti: &str) -> bool {
        Store::is_revoked(&self.store, jti, now())
    }

    /// Revokes the tokens of a level that were issued at or before this time in Unix milliseconds, for `ttl` seconds
    /// plus the leeway, or forever if `ttl` is `None`.
    #[pyo3(signature = (level, before, ttl=None))]
    fn revoke_level(
        &self,
        py: Python<'_>,
        level: PyRef<'_, RevocationLevel>,
        before: i64,
        ttl: Option<Seconds>,
    ) -> PyResult<()> {
        let now = now();
        let watermark = Watermark::new(UnixMillis::new(before)).with_retention(until(ttl, now));
        RevocationStore::revoke_level(&self.store, level.level(), watermark, now)
            .map_err(|error| full(py, error))
    }

    /// Whether the token is revoked, at any level.
    fn check(&self, py: Python<'_>, query: PyRef<'_, RevocationQuery>) -> PyResult<bool> {
        RevocationStore::check(&self.store, query.query(), now())
            .map_err(|error| plain(py, Class::RevocationUnavailable, error))
    }

    /// Registers the leeway of a backend. Entries are kept for the largest leeway after their token has expired.
    fn bind_leeway(&self, leeway: Seconds) -> PyResult<()> {
        Store::bind_leeway(&self.store, leeway.as_leeway()?);
        Ok(())
    }

    /// Removes the entries of expired tokens and returns their number.
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

/// Until when an entry is kept whose token can be accepted for this long, apart from the leeway.
fn until(ttl: Option<Seconds>, now: NumericDate) -> Option<NumericDate> {
    ttl.and_then(|ttl| retain_until(ttl.after(now), Duration::ZERO))
}

#[cold]
fn full(py: Python<'_>, error: RevocationError) -> PyErr {
    plain(py, Class::RevocationStoreFull, error)
}

/// Detects that a store shared with other processes has lost its entries.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RevocationSentinel(Sentinel);

#[pymethods]
impl RevocationSentinel {
    #[new]
    fn new() -> Self {
        Self(Sentinel::new())
    }

    /// Compares the mark found in the store. Returns `"intact"` or `"lost"`, or `"missing"` or `"outdated"` with the
    /// mark to write.
    fn examine(&self, found: Option<u128>) -> (&'static str, Option<u128>) {
        match self.0.examine(found, now()) {
            MarkState::Intact => ("intact", None),
            MarkState::Missing(mark) => ("missing", Some(mark)),
            MarkState::Outdated(mark) => ("outdated", Some(mark)),
            _ => ("lost", None),
        }
    }

    /// The mark to write before an entry that is kept for `lifetime` seconds, or forever if `lifetime` is `None`.
    /// Returns `None` if the mark that was found suffices.
    fn mark_for(&self, found: u128, lifetime: Option<Seconds>) -> Option<u128> {
        let now = now();
        let until = lifetime.and_then(|lifetime| lifetime.after(now));
        self.0.mark_for(found, until, now)
    }

    /// The mark to write once lost entries no longer matter.
    #[staticmethod]
    fn accepting_loss(found: Option<u128>) -> u128 {
        Sentinel::accepting_loss(found)
    }
}
