//! The entries of a replica, and whether they are current.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use boltguard_types::NumericDate;

use super::entry::{RevocationEntry, Target, token_digest_name};
use super::level_key::LevelKey;
use crate::{
    CLOCK_SKEW_MARGIN, MemoryRevocation, RevocationError, RevocationQuery, RevocationStore,
    Watermark,
};

/// A copy of a shared revocation list, in the memory of one process.
///
/// A [`Synchronizer`](super::Synchronizer) adds the entries, and states until when the copy is current. Requests use
/// [`check`](Self::check), which neither waits nor performs I/O. Entries are exact. They are stored like those of a
/// [`MemoryRevocation`]: 27 to 48 bytes for a token. A full replica never removes an entry that is still required; it
/// is [unavailable](ReplicaError::Full) instead.
pub struct Replica {
    memory: MemoryRevocation,
    has_token_digests: AtomicBool,
    /// The monotonic time until which the entries are current, in nanoseconds. Zero if they never were.
    fresh_until: AtomicU64,
    /// The bits of the time, in seconds, up to which expired entries may be missing.
    horizon: AtomicU64,
    is_full: AtomicBool,
}

impl Replica {
    /// Creates a replica for up to `limit` entries, which has never been synchronized.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            memory: MemoryRevocation::with_capacity_limit(limit),
            has_token_digests: AtomicBool::new(false),
            fresh_until: AtomicU64::new(0),
            horizon: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            is_full: AtomicBool::new(false),
        }
    }

    /// Returns whether a token is revoked at any level.
    ///
    /// `monotonic` is the current time of the clock that the synchronizer is given. It must be read before the call.
    ///
    /// A token with an entry is revoked even if the replica is stale. Revocations are final, so it can't become valid
    /// again.
    ///
    /// # Errors
    ///
    /// If the replica has no entry for the token, and may have missed one. The token must be rejected then.
    ///
    /// - [`ReplicaError::ClockMoved`] if the system clock was set back.
    /// - [`ReplicaError::Full`] if the entries don't fit.
    /// - [`ReplicaError::NeverSynced`] if the list hasn't been read yet.
    /// - [`ReplicaError::Stale`] if the last successful synchronization is too long ago.
    pub fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
        monotonic: Duration,
    ) -> Result<bool, ReplicaError> {
        // Before and after the lookup: entries can be added, and expired ones removed, at the same time.
        let state = self.state(now, monotonic);
        let is_revoked = self.contains_token(query.token_id(), now) || self.has_level(query, now);
        match (is_revoked, state) {
            (true, _) => Ok(true),
            (false, Ok(())) if self.is_complete(now) => Ok(false),
            (false, Ok(())) => Err(ReplicaError::ClockMoved),
            (false, Err(error)) => Err(error),
        }
    }

    /// Returns whether the replica is current.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    pub fn state(&self, now: NumericDate, monotonic: Duration) -> Result<(), ReplicaError> {
        let until = self.fresh_until.load(Ordering::Acquire);
        match nanoseconds(monotonic) < until && self.is_complete(now) {
            true => Ok(()),
            false => Err(self.problem(until, now)),
        }
    }

    /// Returns the monotonic time until which the entries are current, or `None` if they never were.
    #[must_use]
    pub fn fresh_until(&self) -> Option<Duration> {
        match self.fresh_until.load(Ordering::Acquire) {
            0 => None,
            nanoseconds => Some(Duration::from_nanos(nanoseconds)),
        }
    }

    /// Returns whether a watermark exists, so that [`check`](Self::check) depends on more than the ID of the token.
    #[must_use]
    pub fn has_levels(&self) -> bool {
        self.memory.has_levels()
    }

    /// Returns the number of entries. Some may have expired.
    #[must_use]
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// Returns the maximum number of entries.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.memory.limit()
    }

    /// Keeps all entries for longer by this leeway of an authenticator. The largest leeway is used.
    ///
    /// Expired entries are kept for a minute. If the leeway is longer, and entries have already been removed, the
    /// replica is unavailable until the list has been read again.
    pub fn bind_leeway(&self, leeway: Duration) {
        self.memory.bind_leeway(leeway);
    }

    /// Returns the largest leeway.
    #[cfg(feature = "redis")]
    pub(crate) fn leeway(&self) -> Duration {
        self.memory.leeway()
    }

    /// Adds an entry.
    ///
    /// `now` must be the time of the synchronizer: it has to know which expired entries may have been removed when a
    /// read of the truth ends.
    pub(super) fn insert(
        &self,
        entry: &RevocationEntry,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let now = removal_time(now);
        // Before an entry is removed, or omitted because it has expired.
        self.raise_horizon(self.memory.threshold(now));
        let until = entry.until();
        match &entry.target {
            Target::Token(id) => self.memory.revoke(id, until, now),
            Target::TokenDigest(name) => {
                self.has_token_digests.store(true, Ordering::Release);
                self.memory.revoke(name, until, now)
            }
            Target::Level(key, before) => {
                let watermark = Watermark::new(*before).with_retention(until);
                self.memory.revoke_level(key.as_level(), watermark, now)
            }
        }
    }

    /// Declares the entries current until this time. A later time that was declared before is kept.
    pub(super) fn set_fresh_until(&self, monotonic: Duration) {
        let until = nanoseconds(monotonic);
        self.fresh_until.fetch_max(until, Ordering::AcqRel);
    }

    /// Declares that entries are missing, because there is no room for them, or that they have been added.
    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Release);
        if is_full {
            self.fresh_until.store(0, Ordering::Release);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// Returns the time up to which an entry that is read now can be omitted, because it has expired.
    pub(super) fn omits_until(&self, now: NumericDate) -> f64 {
        self.memory.threshold(removal_time(now))
    }

    /// Declares that entries that are kept until this time may be missing from now on.
    pub(super) fn raise_horizon(&self, horizon: f64) {
        let horizon = horizon.max(self.horizon());
        self.horizon.store(horizon.to_bits(), Ordering::Release);
    }

    /// Declares that all entries that are kept for longer than this have been read again.
    pub(super) fn set_horizon(&self, horizon: f64) {
        self.horizon.store(horizon.to_bits(), Ordering::Release);
    }

    /// Returns whether no entry that is required at this time has been removed as expired.
    pub(super) fn is_complete(&self, now: NumericDate) -> bool {
        self.memory.threshold(now) >= self.horizon()
    }

    fn horizon(&self) -> f64 {
        f64::from_bits(self.horizon.load(Ordering::Acquire))
    }

    fn contains_token(&self, token_id: &str, now: NumericDate) -> bool {
        self.memory.is_revoked(token_id, now)
            || self.has_token_digests.load(Ordering::Acquire)
                && self.memory.is_revoked(&token_digest_name(token_id), now)
    }

    /// Returns whether the token is revoked by a watermark. Only the levels that have had one are digested.
    fn has_level(&self, query: &RevocationQuery<'_>, now: NumericDate) -> bool {
        let Some(levels) = self.memory.levels() else {
            return false;
        };
        let used = query.levels().filter(|level| levels.is_used(*level));
        let threshold = self.memory.threshold(now);
        let watermarks = used.filter_map(|level| {
            let key = LevelKey::new(level);
            levels.before(key.as_level(), threshold)
        });
        query.is_revoked_by(watermarks.max())
    }

    #[cold]
    fn problem(&self, fresh_until: u64, now: NumericDate) -> ReplicaError {
        match fresh_until {
            _ if self.is_full() => ReplicaError::Full,
            0 => ReplicaError::NeverSynced,
            _ if !self.is_complete(now) => ReplicaError::ClockMoved,
            _ => ReplicaError::Stale,
        }
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("len", &self.len())
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

/// The reason why a replica can't state that a token isn't revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The system clock was set back by more than a minute, to a time at which removed entries are valid.
    ClockMoved,
    /// The entries don't fit into the replica.
    Full,
    /// The list hasn't been read yet.
    NeverSynced,
    /// The last successful synchronization is too long ago.
    Stale,
}

impl fmt::Display for ReplicaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockMoved => {
                "the system clock was set back; the revocation list must be read again"
            }
            Self::Full => "the replica of the revocation list is full; increase its limit",
            Self::NeverSynced => "the revocation list has not been read yet",
            Self::Stale => "the replica of the revocation list is stale",
        })
    }
}

impl Error for ReplicaError {}

impl From<ReplicaError> for RevocationError {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Full => Self::Full,
            _ => Self::Unavailable,
        }
    }
}

/// Returns the time at which entries are removed: those that expired a minute ago are still there, so that a small
/// correction of the clock doesn't make the replica unavailable.
fn removal_time(now: NumericDate) -> NumericDate {
    NumericDate::from_f64(now.as_f64() - CLOCK_SKEW_MARGIN.as_secs_f64()).unwrap_or(now)
}

/// Returns nanoseconds, at most those of 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RevocationLevel;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(1_700_000_000 + secs)
    }

    const ZERO: Duration = Duration::ZERO;

    fn current(limit: usize) -> Replica {
        let replica = Replica::new(limit);
        replica.set_fresh_until(Duration::from_secs(1));
        replica
    }

    #[test]
    fn replica_is_unavailable_unless_it_is_current() {
        let (replica, query) = (Replica::new(5), RevocationQuery::new("a"));
        let check = |millis| replica.check(&query, at(0), Duration::from_millis(millis));
        assert_eq!(check(0), Err(ReplicaError::NeverSynced));
        replica.set_fresh_until(Duration::from_secs(1));
        assert_eq!(check(999), Ok(false));
        assert_eq!(check(1000), Err(ReplicaError::Stale));
        replica.set_full(true);
        assert_eq!(check(0), Err(ReplicaError::Full));
        replica
            .insert(&RevocationEntry::token("a", None), at(0))
            .unwrap();
        assert_eq!(check(5000), Ok(true));
    }

    #[test]
    fn own_entry_is_found_at_once_and_proves_nothing() {
        let replica = Replica::new(1);
        let (query, other) = (RevocationQuery::new("a"), RevocationQuery::new("b"));
        let insert = |id| replica.insert(&RevocationEntry::token(id, None), at(0));
        assert_eq!(insert("a"), Ok(()));
        assert_eq!(replica.check(&query, at(0), ZERO), Ok(true));
        let unknown = replica.check(&other, at(0), ZERO);
        assert_eq!(unknown, Err(ReplicaError::NeverSynced));
        assert_eq!(replica.fresh_until(), None);
        assert_eq!(insert("b"), Err(RevocationError::Full));
        replica.set_fresh_until(Duration::from_secs(1));
        assert_eq!(replica.fresh_until(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn entries_of_all_levels_are_found() {
        let replica = current(50);
        let pair = RevocationLevel::Subject {
            subject: "s",
            issuer: Some("i"),
        };
        let query = RevocationQuery::new("id")
            .with_subject(Some("s"))
            .with_issuer(Some("i"));
        let check = |query: &RevocationQuery<'_>| replica.check(query, at(0), ZERO);
        assert_eq!(check(&query), Ok(false));
        let watermark = Watermark::new(at(0));
        replica
            .insert(&RevocationEntry::level(pair, watermark), at(0))
            .unwrap();
        assert_eq!(check(&query.clone().with_issued_at(Some(at(0)))), Ok(true));
        assert_eq!(check(&query.clone().with_issued_at(Some(at(1)))), Ok(false));
        assert_eq!(check(&query.with_issuer(Some("other"))), Ok(false));
        let digest = &token_digest_name("long")[8..];
        replica
            .insert(&RevocationEntry::token_digest(digest, None).unwrap(), at(0))
            .unwrap();
        assert_eq!(check(&RevocationQuery::new("long")), Ok(true));
        assert_eq!(check(&RevocationQuery::new("longer")), Ok(false));
    }

    #[test]
    fn clock_that_is_set_back_makes_the_replica_unavailable() {
        let replica = current(50);
        let query = RevocationQuery::new("a");
        let expired = RevocationEntry::token("a", Some(at(10)));
        replica.insert(&expired, at(3600)).unwrap();
        assert_eq!(replica.check(&query, at(3600), ZERO), Ok(false));
        assert_eq!(replica.check(&query, at(3540), ZERO), Ok(false));
        assert_eq!(
            replica.check(&query, at(0), ZERO),
            Err(ReplicaError::ClockMoved)
        );
        replica.bind_leeway(Duration::from_secs(90));
        assert_eq!(
            replica.check(&query, at(3600), ZERO),
            Err(ReplicaError::ClockMoved)
        );
    }

    #[test]
    fn full_replica_keeps_all_entries() {
        let replica = current(2);
        let insert = |id, until: Option<i64>, now| {
            replica.insert(&RevocationEntry::token(id, until.map(at)), at(now))
        };
        insert("a", Some(10), 0).unwrap();
        insert("b", None, 0).unwrap();
        assert_eq!(insert("c", None, 69), Err(RevocationError::Full));
        assert_eq!(insert("c", None, 70), Ok(()));
        for (id, is_revoked) in [("a", false), ("b", true), ("c", true)] {
            let query = RevocationQuery::new(id);
            assert_eq!(replica.check(&query, at(70), ZERO), Ok(is_revoked), "{id}");
        }
    }
}
