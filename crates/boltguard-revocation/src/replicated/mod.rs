//! A revocation list that is shared by many machines, and checked without I/O.

mod builder;
mod clock;
mod feed;
mod follower;
mod lookup;
mod truth;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_types::NumericDate;

pub use self::builder::ReplicatedRevocationBuilder;
pub use self::truth::RevocationTruth;

use self::clock::monotonic;
use self::follower::Shared;
use self::lookup::LookupThreads;
use crate::replica::{Replica, ReplicaError, RevocationEntry};
use crate::{RevocationError, RevocationLevel, RevocationQuery, RevocationStore, Watermark};

/// A revocation list that is shared by many machines, with a copy in the memory of each process.
///
/// Two threads keep the copy current: one follows a stream in Redis 7 or Valkey, the other reads the
/// [truth](RevocationTruth), which is the database with all entries. A check is a lookup in memory. See
/// [`replica`](crate::replica) for the keys, the losses that are detected, and the assumptions.
///
/// Once [`revoke`](RevocationStore::revoke) has returned, no process accepts the token later than `max_staleness`, by
/// default 5 seconds; this process rejects it at once. If that can't be guaranteed, the result is
/// [`RevocationError::NotInForce`], and the revocation takes effect within about a minute, when the truth is read:
///
/// - The stream can't be reached. The entry is appended later.
/// - Too few replica servers have received the row, so a failover may lose it.
///
/// These methods block: in an async service, call them on a thread that may.
///
/// A process that may have missed a revocation is unavailable, and rejects requests with 503. This is also its state
/// until the list has been read for the first time; see [`wait_until_current`](Self::wait_until_current).
///
/// The threads end when the store is dropped. After a `fork`, a child doesn't have them and becomes unavailable;
/// create the store in the child.
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
/// use boltguard_revocation::{RedisRevocation, ReplicatedRevocation, RevocationStore};
///
/// let url = "redis://127.0.0.1:6379/0";
/// let store = ReplicatedRevocation::builder(url, RedisRevocation::open(url)?)?.start()?;
/// store.wait_until_current(Duration::from_secs(10))?;
/// let store: Arc<dyn RevocationStore> = Arc::new(store);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ReplicatedRevocation {
    replica: Arc<Replica>,
    shared: Arc<Shared>,
    /// For [`StalePolicy::LookUp`].
    lookups: Option<LookupThreads>,
}

/// What a check does if the copy of the list may have missed an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StalePolicy {
    /// Looks up the token in the truth, and is unavailable after 250 ms without a result, or if the list has never been
    /// read. The check blocks the thread meanwhile. Up to four lookups run at once, and 64 wait.
    LookUp,
    /// Is unavailable.
    #[default]
    Deny,
}

impl ReplicatedRevocation {
    /// Configures a copy that follows the stream at this URL, `redis://[user[:password]@]host[:port][/database]`.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Url`] if the URL is invalid.
    pub fn builder(
        url: &str,
        truth: impl RevocationTruth + 'static,
    ) -> Result<ReplicatedRevocationBuilder, RevocationError> {
        ReplicatedRevocationBuilder::new(url, truth)
    }

    /// Configures a copy for services without a stream: the truth is read four times per `max_staleness`.
    ///
    /// A truth should then return only the new entries if [`is_full`](crate::replica::TruthRead::is_full) is false.
    pub fn polling(truth: impl RevocationTruth + 'static) -> ReplicatedRevocationBuilder {
        ReplicatedRevocationBuilder::polling(truth)
    }

    /// Waits until the copy is current, such as when a service starts.
    ///
    /// # Errors
    ///
    /// The reason why it isn't after this time.
    pub fn wait_until_current(&self, timeout: Duration) -> Result<(), ReplicaError> {
        let until = monotonic().saturating_add(timeout);
        self.shared.wait_until_current(&self.replica, until);
        self.state()
    }

    /// Returns whether the copy is current, such as for a readiness probe.
    ///
    /// # Errors
    ///
    /// The reason why it isn't.
    pub fn state(&self) -> Result<(), ReplicaError> {
        self.replica.state((self.shared.system_time)(), monotonic())
    }

    /// Returns the copy of the list.
    #[must_use]
    pub fn replica(&self) -> &Arc<Replica> {
        &self.replica
    }

    #[cold]
    fn check_stale(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
        error: ReplicaError,
    ) -> Result<bool, RevocationError> {
        match &self.lookups {
            Some(lookups) if error != ReplicaError::NeverSynced => lookups.check(query, now),
            _ => Err(error.into()),
        }
    }

    /// Returns the time until which an entry is kept, which includes the leeway of this process.
    fn retention(&self, until: Option<NumericDate>) -> Option<NumericDate> {
        Some(until? + self.replica.leeway())
    }
}

impl RevocationStore for ReplicatedRevocation {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        self.check(&RevocationQuery::new(token_id), now)
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let until = self.retention(until);
        self.shared.truth.revoke(token_id, until, now)?;
        self.shared.publish(RevocationEntry::token(token_id, until))
    }

    #[inline]
    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        match self.replica.check(query, now, monotonic()) {
            Ok(is_revoked) => Ok(is_revoked),
            Err(error) => self.check_stale(query, now, error),
        }
    }

    /// Always `true` with [`StalePolicy::LookUp`], since the truth can have levels that the copy doesn't.
    fn has_levels(&self) -> bool {
        self.lookups.is_some() || self.replica.has_levels()
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let watermark = watermark.with_retention(self.retention(watermark.until()));
        self.shared.truth.revoke_level(level, watermark, now)?;
        self.shared
            .publish(RevocationEntry::level(level, watermark))
    }

    fn bind_leeway(&self, leeway: Duration) {
        self.replica.bind_leeway(leeway);
    }
}

impl Drop for ReplicatedRevocation {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// Hides the URL, which can contain a password.
impl fmt::Debug for ReplicatedRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicatedRevocation")
            .field("replica", &self.replica)
            .finish_non_exhaustive()
    }
}
