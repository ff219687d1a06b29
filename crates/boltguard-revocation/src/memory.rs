//! A revocation list in the memory of one process.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use boltguard_types::NumericDate;

use crate::expiring_map::{Expire, ExpiringMap, Until};
use crate::id::{Id, IdKey};
use crate::levels::Levels;
use crate::{RevocationError, RevocationLevel, RevocationQuery, RevocationStore, Watermark};

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
    tokens: ExpiringMap<Until>,
    /// The watermarks, allocated for the first one.
    levels: OnceLock<Box<Levels>>,
    limit: usize,
    /// At least the number of entries, because it is incremented before an entry is inserted.
    len: AtomicUsize,
    /// The number of those that are watermarks.
    watermarks: AtomicUsize,
    /// The second of the last complete scan. Entries expire at whole seconds, so another scan in the same second is
    /// useless.
    purged: AtomicI64,
    /// The largest leeway of the authenticators: the bits of its seconds as `f64`, which have the same order.
    leeway: AtomicU64,
}

impl MemoryRevocation {
    /// Creates an empty list for up to a million entries.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity_limit(1_000_000)
    }

    /// Creates an empty list for up to `limit` entries.
    ///
    /// The locks take 176 bytes for each thousand entries of the limit, and at most 5 MB. The first watermark allocates
    /// as many again. The entry of a token takes at most 48 bytes, and 27 bytes if the list is full; a watermark takes
    /// at most 76. With [`usize::MAX`], the size is limited only by the available memory.
    #[must_use]
    pub fn with_capacity_limit(limit: usize) -> Self {
        Self {
            key: IdKey::random(),
            tokens: ExpiringMap::new(limit),
            levels: OnceLock::new(),
            limit,
            len: AtomicUsize::new(0),
            watermarks: AtomicUsize::new(0),
            purged: AtomicI64::new(i64::MIN),
            leeway: AtomicU64::new(0),
        }
    }

    /// Returns whether the token with this ID is revoked at `now`. Other levels are not checked; see
    /// [`RevocationStore::check`].
    #[must_use]
    #[inline]
    pub fn is_revoked(&self, token_id: &str, now: NumericDate) -> bool {
        !self.is_empty() && self.contains(token_id, now)
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
        self.add(&self.tokens, id, until, now).map(drop)
    }

    /// Keeps all entries for longer by this leeway of an authenticator. The largest leeway is used.
    pub fn bind_leeway(&self, leeway: Duration) {
        self.leeway
            .fetch_max(leeway.as_secs_f64().to_bits(), Relaxed);
    }

    /// Returns the largest leeway.
    #[cfg(feature = "redis")]
    pub(crate) fn leeway(&self) -> Duration {
        Duration::from_secs_f64(f64::from_bits(self.leeway.load(Relaxed)))
    }

    /// Returns the number of entries, including watermarks. Some may have expired.
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
        let threshold = self.threshold(now);
        let purged = self.release(
            self.tokens.sweep_all(threshold),
            self.levels().map_or(0, |all| all.map.sweep_all(threshold)),
        );
        self.purged.store(now.as_secs(), Relaxed);
        purged
    }

    #[inline]
    fn contains(&self, token_id: &str, now: NumericDate) -> bool {
        let (id, threshold) = (self.key.id(token_id), self.threshold(now));
        self.tokens.get(id, threshold).is_some()
    }

    /// Returns the watermarks, if there are any.
    #[inline]
    pub(crate) fn levels(&self) -> Option<&Levels> {
        match self.watermarks.load(Relaxed) {
            0 => None,
            _ => self.levels.get().map(|levels| &**levels),
        }
    }

    /// Returns the time up to which entries have expired, which is earlier than `now` by the leeway.
    #[inline]
    pub(crate) fn threshold(&self, now: NumericDate) -> f64 {
        now.as_f64() - f64::from_bits(self.leeway.load(Relaxed))
    }

    /// Adds an entry to a map, or updates it. Returns whether it is new.
    fn add<V: Expire>(
        &self,
        map: &ExpiringMap<V>,
        id: Id,
        value: V,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let threshold = self.threshold(now);
        if value.until().has_passed(threshold) || map.extend(id, value, threshold) {
            return Ok(false);
        }
        self.release(self.tokens.sweep_some(self.len(), threshold), 0);
        if let Some(levels) = self.levels() {
            self.release(0, levels.map.sweep_some(self.len(), threshold));
        }
        self.reserve(now)?;
        let is_new = map.insert(id, value, threshold);
        self.len.fetch_sub(usize::from(!is_new), Relaxed);
        Ok(is_new)
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
        let threshold = self.threshold(now);
        let is_found = self.release(self.tokens.sweep_until_found(threshold), 0) > 0
            || self
                .levels()
                .is_some_and(|levels| self.release(0, levels.map.sweep_until_found(threshold)) > 0);
        if !is_found {
            self.purged.store(now.as_secs(), Relaxed);
        }
    }

    /// Subtracts entries that were removed, and returns their number.
    fn release(&self, tokens: usize, watermarks: usize) -> usize {
        if watermarks > 0 {
            self.watermarks.fetch_sub(watermarks, Relaxed);
        }
        self.len.fetch_sub(tokens + watermarks, Relaxed);
        tokens + watermarks
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

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let is_revoked = self.is_revoked(query.token_id(), now);
        let levels = self.levels().filter(|_| !is_revoked);
        Ok(is_revoked || levels.is_some_and(|all| all.revoke(query, self.threshold(now))))
    }

    #[inline]
    fn has_levels(&self) -> bool {
        self.levels().is_some()
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let levels = self.levels.get_or_init(|| Levels::new(self.limit).into());
        let id = levels.id_for_insertion(level);
        // Counted before the insertion, so that no thread overlooks the watermark or subtracts it first.
        self.watermarks.fetch_add(1, Relaxed);
        let added = self.add(&levels.map, id, watermark.into(), now);
        if !matches!(added, Ok(true)) {
            self.watermarks.fetch_sub(1, Relaxed);
        }
        added.map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: f64) -> NumericDate {
        NumericDate::from_f64(secs).unwrap()
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
