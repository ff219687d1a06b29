//! `RevocationReplica`: a copy of a shared revocation list in the memory of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use boltguard::revocation::replica::{Replica, ReplicaError};
use boltguard::revocation::{
    RevocationError, RevocationLevel, RevocationQuery as Query, RevocationStore, Watermark,
};
use boltguard::types::NumericDate;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::clock::monotonic;
use crate::clock::now;
use crate::errors::{Class, plain};
use crate::revocation_query::RevocationQuery;
use crate::time::Seconds;

/// A copy of a shared revocation list, which a `RevocationSynchronizer` keeps current.
///
/// A backend checks it without calling Python code. While the copy may have missed an entry, `check` raises
/// `RevocationUnavailable`.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RevocationReplica(Arc<SharedReplica>);

impl RevocationReplica {
    /// The store, which a backend uses directly.
    pub(crate) fn store(&self) -> Arc<SharedReplica> {
        Arc::clone(&self.0)
    }

    pub(super) fn replica(&self) -> Arc<Replica> {
        self.0.current()
    }
}

#[pymethods]
impl RevocationReplica {
    #[new]
    #[pyo3(signature = (max_entries, *, retry_in))]
    fn new(max_entries: usize, retry_in: Seconds) -> PyResult<Self> {
        let retry_in = retry_in.as_duration();
        match (max_entries, retry_in) {
            (0, _) => Err(PyValueError::new_err("max_entries must be at least 1")),
            (_, None) => Err(PyValueError::new_err("retry_in must not be negative")),
            (_, Some(retry_in)) => Ok(Self(Arc::new(SharedReplica::new(max_entries, retry_in)))),
        }
    }

    /// Whether the token is revoked, at any level.
    fn check(&self, py: Python<'_>, query: PyRef<'_, RevocationQuery>) -> PyResult<bool> {
        self.0
            .current()
            .check(query.query(), now(), monotonic())
            .map_err(|error| plain(py, Class::RevocationUnavailable, error))
    }

    /// `"current"`, `"never_synced"`, `"stale"`, `"full"` or `"clock_moved"`.
    #[getter]
    fn state(&self) -> &'static str {
        match self.0.current().state(now(), monotonic()) {
            Ok(()) => "current",
            Err(ReplicaError::ClockMoved) => "clock_moved",
            Err(ReplicaError::Full) => "full",
            Err(ReplicaError::NeverSynced) => "never_synced",
            Err(_) => "stale",
        }
    }

    /// For how many seconds the entries stay current without another synchronization. It is negative afterwards, and
    /// `None` if they never were.
    #[getter]
    fn remaining(&self) -> Option<f64> {
        let until = self.0.current().fresh_until()?.as_secs_f64();
        Some(until - monotonic().as_secs_f64())
    }

    /// Registers the leeway of a backend. Entries are kept for the largest leeway after their token has expired.
    fn bind_leeway(&self, leeway: Seconds) -> PyResult<()> {
        self.0.bind_leeway(leeway.as_leeway()?);
        Ok(())
    }

    /// Removes all entries, as in a new process that has never been synchronized.
    fn reset(&self) {
        self.0.reset();
    }

    fn __len__(&self) -> usize {
        self.0.current().len()
    }

    fn __repr__(&self) -> String {
        let replica = self.0.current();
        format!(
            "RevocationReplica({} of {})",
            replica.len(),
            replica.limit()
        )
    }
}

/// A replica that can be replaced, with its clocks.
pub(crate) struct SharedReplica {
    /// Not behind a lock, which a thread that doesn't exist in a forked process could hold.
    replica: ArcSwap<Replica>,
    /// In nanoseconds.
    leeway: AtomicU64,
    retry_in: Duration,
}

impl SharedReplica {
    fn new(max_entries: usize, retry_in: Duration) -> Self {
        Self {
            replica: ArcSwap::from_pointee(Replica::new(max_entries)),
            leeway: AtomicU64::new(0),
            retry_in,
        }
    }

    fn current(&self) -> Arc<Replica> {
        self.replica.load_full()
    }

    fn reset(&self) {
        let replica = Replica::new(self.replica.load().limit());
        replica.bind_leeway(Duration::from_nanos(self.leeway.load(Ordering::Acquire)));
        self.replica.store(Arc::new(replica));
    }
}

impl RevocationStore for SharedReplica {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        self.check(&Query::new(token_id), now)
    }

    fn check(&self, query: &Query<'_>, now: NumericDate) -> Result<bool, RevocationError> {
        // The clock is read before the entries.
        let monotonic = monotonic();
        Ok(self.replica.load().check(query, now, monotonic)?)
    }

    fn has_levels(&self) -> bool {
        self.replica.load().has_levels()
    }

    /// The complete list is elsewhere.
    fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::Unsupported)
    }

    fn revoke_level(
        &self,
        _: RevocationLevel<'_>,
        _: Watermark,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::Unsupported)
    }

    fn bind_leeway(&self, leeway: Duration) {
        let nanos = u64::try_from(leeway.as_nanos()).unwrap_or(u64::MAX);
        self.leeway.fetch_max(nanos, Ordering::AcqRel);
        self.replica.load().bind_leeway(leeway);
    }

    fn retry_in(&self) -> Option<Duration> {
        Some(self.retry_in)
    }
}
