//! A deny-list in the memory of one process.

use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use boltguard_types::NumericDate;
use dashmap::{DashMap, Entry};

use crate::id::{Id, IdKey, ReadyHasher};
use crate::{RevocationError, RevocationStore};

/// A bounded deny-list in memory.
///
/// An entry whose end has come counts as not revoked and makes room for another. Each new entry pays
/// for looking at a few old ones, so that no call stops to tidy up, and no lock is held for longer than
/// it takes to look through a thousand entries. A list that is full looks on until it finds a place, at
/// most once a second through all of it, and refuses the entry if all are still needed.
///
/// It shares nothing with other processes, and a restart empties it.
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
    parts: Box<[Part]>,
    limit: usize,
    /// Never less than the number of entries: a place is taken before its entry is written.
    taken: AtomicUsize,
    revocations: AtomicUsize,
    next_part: AtomicUsize,
    /// The second for which the whole list was last looked through: ends are whole seconds, so it holds
    /// nothing more that is over in this one.
    purged: AtomicI64,
    /// The largest leeway of those who ask, as the bits of its seconds, which are in the order of the numbers.
    leeway: AtomicU64,
}

/// Partitions, so that old entries can be looked for in one of them at a time.
type Part = DashMap<Id, Until, BuildHasherDefault<ReadyHasher>>;

/// Each partition has two locks, the fewest that `dashmap` allows.
const LOCKS_PER_PART: usize = 2;

/// A table of 1024 places takes 896 entries before it doubles; chance puts more into some than into others.
const ENTRIES_PER_LOCK: usize = 800;

/// Beyond 26 million entries the partitions grow instead of becoming more, so that no limit is too large to begin with.
const MOST_PARTS: usize = 1 << 14;

/// How many old entries each revocation looks at, on average.
const LOOKED_AT: usize = 4;

impl MemoryRevocation {
    /// An empty list for up to a million tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity_limit(1_000_000)
    }

    /// An empty list for up to `limit` tokens.
    ///
    /// Its locks take 176 bytes for each thousand places of the limit, and 5 MB at most; an entry takes 48 bytes at
    /// most, and 27 where the list is full. [`usize::MAX`] stands for no limit but the memory's.
    #[must_use]
    pub fn with_capacity_limit(limit: usize) -> Self {
        let parts = limit
            .div_ceil(LOCKS_PER_PART * ENTRIES_PER_LOCK)
            .clamp(1, MOST_PARTS);
        Self {
            key: IdKey::random(),
            parts: (0..parts).map(|_| new_part()).collect(),
            limit,
            taken: AtomicUsize::new(0),
            revocations: AtomicUsize::new(0),
            next_part: AtomicUsize::new(0),
            purged: AtomicI64::new(i64::MIN),
            leeway: AtomicU64::new(0),
        }
    }

    /// Whether the token of this id is revoked at `now`.
    #[must_use]
    #[inline]
    pub fn is_revoked(&self, token_id: &str, now: NumericDate) -> bool {
        !self.is_empty() && self.holds(self.key.id(token_id), now)
    }

    /// Revokes the token of this id until `until`, rounded up to a whole second, or for good.
    ///
    /// Revoking it again may extend its time and never shortens it. An `until` that is past already
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Full`] if the limit is reached and every entry is still needed.
    pub fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let (id, until) = (self.key.id(token_id), Until::new(until));
        if until.is_over(self.threshold(now)) || self.extend(id, until) {
            return Ok(());
        }
        self.tidy(now);
        self.take_place(now)?;
        self.insert(id, until);
        Ok(())
    }

    /// Keeps all entries for this much longer than they say: for an authenticator with this leeway. The largest counts.
    pub fn bind_leeway(&self, leeway: Duration) {
        self.leeway
            .fetch_max(leeway.as_secs_f64().to_bits(), Relaxed);
    }

    /// How many tokens are held, some of which may be over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.taken.load(Relaxed)
    }

    /// Whether no token is held.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.taken.load(Relaxed) == 0
    }

    /// How many tokens can be held.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Forgets all tokens that are over at `now`, and says how many there were.
    ///
    /// There is no need to call this; a timer may, where the list would else be idle.
    pub fn purge(&self, now: NumericDate) -> usize {
        let purged = self.parts.iter().map(|part| self.sweep(part, now)).sum();
        self.purged.store(now.as_secs(), Relaxed);
        purged
    }

    #[inline]
    fn holds(&self, id: Id, now: NumericDate) -> bool {
        self.part(id)
            .get(&id)
            .is_some_and(|until| !until.is_over(self.threshold(now)))
    }

    /// The second at which the end of an entry must lie for it to be over.
    #[inline]
    fn threshold(&self, now: NumericDate) -> f64 {
        now.as_f64() - f64::from_bits(self.leeway.load(Relaxed))
    }

    /// Whether the token was held already.
    fn extend(&self, id: Id, until: Until) -> bool {
        let Some(mut held) = self.part(id).get_mut(&id) else {
            return false;
        };
        *held = (*held).max(until);
        true
    }

    fn take_place(&self, now: NumericDate) -> Result<(), RevocationError> {
        let take = |taken| (taken < self.limit).then_some(taken + 1);
        self.taken
            .fetch_update(Relaxed, Relaxed, take)
            .or_else(|_| {
                self.make_room(now);
                self.taken.fetch_update(Relaxed, Relaxed, take)
            })
            .map(drop)
            .map_err(|_| RevocationError::Full)
    }

    fn make_room(&self, now: NumericDate) {
        if self.purged.load(Relaxed) == now.as_secs() {
            return;
        }
        for _ in 0..self.parts.len() {
            if self.sweep_next(now) > 0 {
                return;
            }
        }
        self.purged.store(now.as_secs(), Relaxed);
    }

    fn insert(&self, id: Id, until: Until) {
        match self.part(id).entry(id) {
            // Another thread has revoked the same token in the meantime.
            Entry::Occupied(mut held) => {
                let longer = (*held.get()).max(until);
                held.insert(longer);
                self.taken.fetch_sub(1, Relaxed);
            }
            Entry::Vacant(place) => drop(place.insert(until)),
        }
    }

    /// Looks through the next partition, if as many revocations have come in as pay for it.
    fn tidy(&self, now: NumericDate) {
        let every = (self.len() / self.parts.len() / LOOKED_AT).max(1);
        if self.revocations.fetch_add(1, Relaxed).is_multiple_of(every) {
            self.sweep_next(now);
        }
    }

    fn sweep_next(&self, now: NumericDate) -> usize {
        let turn = self.next_part.fetch_add(1, Relaxed);
        self.sweep(&self.parts[turn % self.parts.len()], now)
    }

    fn sweep(&self, part: &Part, now: NumericDate) -> usize {
        let (mut over, threshold) = (0, self.threshold(now));
        part.retain(|_, until| {
            over += usize::from(until.is_over(threshold));
            !until.is_over(threshold)
        });
        self.taken.fetch_sub(over, Relaxed);
        over
    }

    fn part(&self, id: Id) -> &Part {
        // The upper half of the product is below the number of partitions, and even over them.
        let scaled = u128::from(id.high()) * self.parts.len() as u128;
        &self.parts[(scaled >> 64) as usize]
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

/// The first whole second since the epoch at which an entry is over; the largest stands for "never".
///
/// Four bytes keep an entry at twenty, and last until 2106; later ends become "never".
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
    fn is_over(self, threshold: f64) -> bool {
        self != Self::NEVER && f64::from(self.0) <= threshold
    }
}

fn new_part() -> Part {
    DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), LOCKS_PER_PART)
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;

    fn at(secs: f64) -> NumericDate {
        NumericDate::from_f64(secs).unwrap()
    }

    #[test]
    fn an_entry_takes_48_bytes_at_most() {
        // A table is filled to between 7/16 and 7/8, and has one byte of its own for each place.
        let place = size_of::<(Id, Until)>() + 1;
        assert!(place * 16 / 7 <= 48, "{place}");
    }

    #[test]
    fn ends_are_rounded_up_and_never_past_their_range() {
        for (date, until) in [(-5.0, 0), (0.0, 0), (0.1, 1), (10.0, 10), (1e300, u32::MAX)] {
            assert_eq!(Until::new(Some(at(date))), Until(until), "{date}");
        }
        assert!(!Until::NEVER.is_over(1e300));
    }

    #[test]
    fn a_short_list_tidies_itself() {
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
    fn a_full_list_takes_an_entry_as_soon_as_one_is_over() {
        let store = MemoryRevocation::with_capacity_limit(2);
        store.revoke("a", Some(at(10.0)), at(0.0)).unwrap();
        store.revoke("b", None, at(0.0)).unwrap();
        for (now, fits) in [(9.0, false), (9.9, false), (10.0, true), (10.5, false)] {
            let revoked = store.revoke(&now.to_string(), None, at(now));
            assert_eq!(revoked.is_ok(), fits, "{now}");
        }
    }

    #[test]
    fn a_full_list_replaces_what_is_over_entry_by_entry() {
        let store = MemoryRevocation::with_capacity_limit(100_000);
        let revoke = |n: u32, until, now| store.revoke(&n.to_string(), Some(at(until)), at(now));
        for n in 0..100_000 {
            revoke(n, 10.0, 0.0).unwrap();
        }
        revoke(100_000, 30.0, 20.0).unwrap();
        assert!(
            store.len() > 90_000,
            "it looked through more than it needed"
        );
        for n in 100_001..200_000 {
            revoke(n, 30.0, 20.0).unwrap();
        }
        assert_eq!(store.len(), 100_000);
        assert_eq!(revoke(200_000, 30.0, 20.0), Err(RevocationError::Full));
    }

    #[test]
    fn an_entry_lives_through_a_leeway_that_its_writer_did_not_know() {
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
    fn no_limit_is_too_large() {
        for limit in [usize::MAX, usize::MAX - 1, 1 << 40] {
            let store = MemoryRevocation::with_capacity_limit(limit);
            store.revoke("a", Some(at(10.0)), at(0.0)).unwrap();
            store.revoke("b", None, at(20.0)).unwrap();
            assert!(store.is_revoked("b", at(20.0)) && !store.is_revoked("a", at(20.0)));
            assert_eq!(store.limit(), limit);
        }
    }

    #[test]
    fn debug_shows_no_entry() {
        let store = MemoryRevocation::new();
        store.revoke("abc", None, at(0.0)).unwrap();
        assert_eq!(
            format!("{store:?}"),
            "MemoryRevocation { len: 1, limit: 1000000, .. }"
        );
    }
}
