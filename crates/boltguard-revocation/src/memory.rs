//! A revocation list in the memory of one process.

use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use boltguard_types::NumericDate;
use dashmap::{DashMap, Entry};

use crate::id::{Id, IdKey, IdentityHasher};
use crate::{RevocationError, RevocationStore};

/// A bounded revocation list in memory.
///
/// Expired entries are ignored, and removed to make room for new ones. Each new entry triggers the removal of a few
/// expired ones, so no call pauses for a complete cleanup, and no lock is held for longer than it takes to scan a
/// thousand entries. If the list is full, it is scanned for an expired entry, completely at most once per second. If
/// there is none, the new entry is rejected.
///
/// The list is local to this process and is lost on restart.
///
/// ```
/// use std::time::Duration;
/// use boltguard_revocation::{MemoryRevocation, RevocationError};
/// use boltguard_types::NumericDate;
///
/// let store = MemoryRevocation::with_capacity_limit(1);
/// let now = NumericDate::from_secs(1_700_000_000);
/// let end = now + Duration::from_secs(10);
///
/// store.revoke("first", Some(end), now)?;
/// assert_eq!(store.revoke("second", None, now), Err(RevocationError::Full));
///
/// store.revoke("second", None, end)?;
/// assert!(!store.is_revoked("first", end) && store.is_revoked("second", end));
/// # Ok::<(), RevocationError>(())
/// ```
pub struct MemoryRevocation {
    key: IdKey,
    partitions: Box<[Partition]>,
    limit: usize,
    /// At least the number of entries, because it is incremented before an entry is inserted.
    len: AtomicUsize,
    revocations: AtomicUsize,
    next_partition: AtomicUsize,
    /// The second of the last complete scan. Entries expire at whole seconds, so another scan in the same second is
    /// useless.
    purged: AtomicI64,
    /// The largest leeway of the authenticators: the bits of its seconds as `f64`, which have the same order.
    leeway: AtomicU64,
}

/// A partition, which is scanned for expired entries at once.
type Partition = DashMap<Id, Until, BuildHasherDefault<IdentityHasher>>;

/// The number of locks of each partition, the minimum of `dashmap`.
const LOCKS_PER_PARTITION: usize = 2;

/// The expected number of entries per lock if the list is full. A table of 1024 slots has room for 896 entries before
/// it doubles, and the distribution is random.
const ENTRIES_PER_LOCK: usize = 800;

/// The maximum number of partitions, which is reached at 26 million entries, so that an empty list with a large limit
/// stays small.
const MAX_PARTITIONS: usize = 1 << 14;

/// The average number of entries that each revocation scans.
const SCANNED_PER_REVOCATION: usize = 4;

impl MemoryRevocation {
    /// Creates an empty list for up to a million tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity_limit(1_000_000)
    }

    /// Creates an empty list for up to `limit` tokens.
    ///
    /// The locks take 176 bytes for each thousand tokens of the limit, and at most 5 MB. An entry takes at most 48
    /// bytes, and 27 bytes if the list is full. With [`usize::MAX`], the size is limited only by the available memory.
    #[must_use]
    pub fn with_capacity_limit(limit: usize) -> Self {
        let partitions = limit
            .div_ceil(LOCKS_PER_PARTITION * ENTRIES_PER_LOCK)
            .clamp(1, MAX_PARTITIONS);
        Self {
            key: IdKey::random(),
            partitions: (0..partitions).map(|_| new_partition()).collect(),
            limit,
            len: AtomicUsize::new(0),
            revocations: AtomicUsize::new(0),
            next_partition: AtomicUsize::new(0),
            purged: AtomicI64::new(i64::MIN),
            leeway: AtomicU64::new(0),
        }
    }

    /// Returns whether the token with this ID is revoked at `now`.
    #[must_use]
    #[inline]
    pub fn is_revoked(&self, token_id: &str, now: NumericDate) -> bool {
        !self.is_empty() && self.contains(self.key.id(token_id), now)
    }

    /// Revokes the token with this ID until `until`, rounded up to a whole second, or permanently if it is `None`.
    ///
    /// Revoking a token again can extend the entry, but never shortens it. If `until` is in the past, nothing changes.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Full`] if the limit is reached and no entry has expired.
    pub fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let (id, until) = (self.key.id(token_id), Until::new(until));
        if until.has_passed(self.threshold(now)) || self.extend(id, until) {
            return Ok(());
        }
        self.sweep_some(now);
        self.reserve(now)?;
        self.insert(id, until);
        Ok(())
    }

    /// Keeps all entries for longer by this leeway of an authenticator. The largest leeway is used.
    pub fn bind_leeway(&self, leeway: Duration) {
        self.leeway
            .fetch_max(leeway.as_secs_f64().to_bits(), Relaxed);
    }

    /// Returns the number of entries, some of which may have expired.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Returns whether the list is empty.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len.load(Relaxed) == 0
    }

    /// Returns the maximum number of entries.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Removes all entries that have expired at `now`, and returns their number.
    ///
    /// Calling this isn't required. It can be useful in a timer if the list is idle for a long time.
    pub fn purge(&self, now: NumericDate) -> usize {
        let purged = self
            .partitions
            .iter()
            .map(|partition| self.sweep(partition, now))
            .sum();
        self.purged.store(now.as_secs(), Relaxed);
        purged
    }

    #[inline]
    fn contains(&self, id: Id, now: NumericDate) -> bool {
        self.partition(id)
            .get(&id)
            .is_some_and(|until| !until.has_passed(self.threshold(now)))
    }

    /// Returns the time up to which entries have expired, which is earlier than `now` by the leeway.
    #[inline]
    fn threshold(&self, now: NumericDate) -> f64 {
        now.as_f64() - f64::from_bits(self.leeway.load(Relaxed))
    }

    /// Extends an existing entry, and returns whether there is one.
    fn extend(&self, id: Id, until: Until) -> bool {
        let Some(mut entry) = self.partition(id).get_mut(&id) else {
            return false;
        };
        *entry = (*entry).max(until);
        true
    }

    /// Increments the number of entries, after removing expired ones if the list is full.
    fn reserve(&self, now: NumericDate) -> Result<(), RevocationError> {
        let increment = |len| (len < self.limit).then_some(len + 1);
        self.len
            .fetch_update(Relaxed, Relaxed, increment)
            .or_else(|_| {
                self.make_room(now);
                self.len.fetch_update(Relaxed, Relaxed, increment)
            })
            .map(drop)
            .map_err(|_| RevocationError::Full)
    }

    fn make_room(&self, now: NumericDate) {
        if self.purged.load(Relaxed) == now.as_secs() {
            return;
        }
        for _ in 0..self.partitions.len() {
            if self.sweep_next(now) > 0 {
                return;
            }
        }
        self.purged.store(now.as_secs(), Relaxed);
    }

    fn insert(&self, id: Id, until: Until) {
        match self.partition(id).entry(id) {
            // Another thread has revoked the same token in the meantime.
            Entry::Occupied(mut entry) => {
                let later = (*entry.get()).max(until);
                entry.insert(later);
                self.len.fetch_sub(1, Relaxed);
            }
            Entry::Vacant(entry) => drop(entry.insert(until)),
        }
    }

    /// Sweeps the next partition, once every few revocations.
    fn sweep_some(&self, now: NumericDate) {
        let every = (self.len() / self.partitions.len() / SCANNED_PER_REVOCATION).max(1);
        if self.revocations.fetch_add(1, Relaxed).is_multiple_of(every) {
            self.sweep_next(now);
        }
    }

    fn sweep_next(&self, now: NumericDate) -> usize {
        let number = self.next_partition.fetch_add(1, Relaxed);
        self.sweep(&self.partitions[number % self.partitions.len()], now)
    }

    fn sweep(&self, partition: &Partition, now: NumericDate) -> usize {
        let (mut removed, threshold) = (0, self.threshold(now));
        partition.retain(|_, until| {
            removed += usize::from(until.has_passed(threshold));
            !until.has_passed(threshold)
        });
        self.len.fetch_sub(removed, Relaxed);
        removed
    }

    fn partition(&self, id: Id) -> &Partition {
        // The upper half of the product is distributed uniformly over the partitions.
        let scaled = u128::from(id.high()) * self.partitions.len() as u128;
        &self.partitions[(scaled >> 64) as usize]
    }
}

impl Default for MemoryRevocation {
    fn default() -> Self {
        Self::new()
    }
}

impl RevocationStore for MemoryRevocation {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        Ok(self.is_revoked(token_id, now))
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.revoke(token_id, until, now)
    }

    fn bind_leeway(&self, leeway: Duration) {
        self.bind_leeway(leeway);
    }
}

impl fmt::Debug for MemoryRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRevocation")
            .field("len", &self.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The whole second since the epoch at which an entry expires. The largest value stands for "never".
///
/// With four bytes, an entry has twenty. Dates after 2106 become "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Until(u32);

impl Until {
    const NEVER: Self = Self(u32::MAX);

    fn new(date: Option<NumericDate>) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates at zero and at `NEVER`"
        )]
        date.map_or(Self::NEVER, |date| Self(date.as_f64().ceil() as u32))
    }

    #[inline]
    fn has_passed(self, threshold: f64) -> bool {
        self != Self::NEVER && f64::from(self.0) <= threshold
    }
}

fn new_partition() -> Partition {
    DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), LOCKS_PER_PARTITION)
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;

    fn at(secs: f64) -> NumericDate {
        NumericDate::from_f64(secs).unwrap()
    }

    #[test]
    fn entry_takes_at_most_48_bytes() {
        // The load factor of a table is between 7/16 and 7/8, and each slot has one byte of metadata.
        let slot = size_of::<(Id, Until)>() + 1;
        assert!(slot * 16 / 7 <= 48, "{slot}");
    }

    #[test]
    fn dates_are_rounded_up_and_saturate() {
        for (date, until) in [(-5.0, 0), (0.0, 0), (0.1, 1), (10.0, 10), (1e300, u32::MAX)] {
            assert_eq!(Until::new(Some(at(date))), Until(until), "{date}");
        }
        assert!(!Until::NEVER.has_passed(1e300));
    }

    #[test]
    fn short_list_removes_expired_entries() {
        let store = MemoryRevocation::with_capacity_limit(1_000);
        for n in 0..500 {
            store
                .revoke(&format!("old {n}"), Some(at(10.0)), at(0.0))
                .unwrap();
        }
        for n in 0..500 {
            store
                .revoke(&format!("new {n}"), Some(at(30.0)), at(20.0))
                .unwrap();
        }
        assert_eq!(store.len(), 500);
    }

    #[test]
    fn full_list_accepts_entry_when_another_expires() {
        let store = MemoryRevocation::with_capacity_limit(2);
        store.revoke("a", Some(at(10.0)), at(0.0)).unwrap();
        store.revoke("b", None, at(0.0)).unwrap();
        for (now, is_accepted) in [(9.0, false), (9.9, false), (10.0, true), (10.5, false)] {
            let revoked = store.revoke(&now.to_string(), None, at(now));
            assert_eq!(revoked.is_ok(), is_accepted, "{now}");
        }
    }

    #[test]
    fn full_list_replaces_expired_entries() {
        let store = MemoryRevocation::with_capacity_limit(100_000);
        let revoke = |n: u32, until, now| store.revoke(&n.to_string(), Some(at(until)), at(now));
        for n in 0..100_000 {
            revoke(n, 10.0, 0.0).unwrap();
        }
        revoke(100_000, 30.0, 20.0).unwrap();
        assert!(
            store.len() > 90_000,
            "more entries were scanned than necessary"
        );
        for n in 100_001..200_000 {
            revoke(n, 30.0, 20.0).unwrap();
        }
        assert_eq!(store.len(), 100_000);
        assert_eq!(revoke(200_000, 30.0, 20.0), Err(RevocationError::Full));
    }

    #[test]
    fn entries_are_kept_for_the_largest_leeway() {
        let store = MemoryRevocation::new();
        store.revoke("before", Some(at(10.0)), at(0.0)).unwrap();
        store.bind_leeway(Duration::from_secs(180));
        store.bind_leeway(Duration::from_secs(30));
        store.revoke("after", Some(at(10.0)), at(100.0)).unwrap();
        assert_eq!(store.purge(at(189.0)), 0);
        for id in ["before", "after"] {
            assert!(store.is_revoked(id, at(189.9)) && !store.is_revoked(id, at(190.0)));
        }
        assert_eq!(store.purge(at(190.0)), 2);
    }

    #[test]
    fn large_limits_are_supported() {
        for limit in [usize::MAX, usize::MAX - 1, 1 << 40] {
            let store = MemoryRevocation::with_capacity_limit(limit);
            store.revoke("a", Some(at(10.0)), at(0.0)).unwrap();
            store.revoke("b", None, at(20.0)).unwrap();
            assert!(store.is_revoked("b", at(20.0)) && !store.is_revoked("a", at(20.0)));
            assert_eq!(store.limit(), limit);
        }
    }

    #[test]
    fn debug_hides_entries() {
        let store = MemoryRevocation::new();
        store.revoke("abc", None, at(0.0)).unwrap();
        assert_eq!(
            format!("{store:?}"),
            "MemoryRevocation { len: 1, limit: 1000000, .. }"
        );
    }
}
