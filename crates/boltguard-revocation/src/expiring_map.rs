//! A concurrent map whose entries expire.

use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use boltguard_types::NumericDate;
use dashmap::{DashMap, Entry};

use crate::id::{Id, IdentityHasher};

/// A map in partitions, each of which is scanned for expired entries at once.
pub(crate) struct ExpiringMap<V> {
    partitions: Box<[Partition<V>]>,
    insertions: AtomicUsize,
    next_partition: AtomicUsize,
}

type Partition<V> = DashMap<Id, V, BuildHasherDefault<IdentityHasher>>;

/// The value of an entry.
pub(crate) trait Expire: Copy {
    /// Returns until when the entry is kept.
    fn until(self) -> Until;

    /// Returns the union of two valid entries.
    fn merge(self, other: Self) -> Self;

    /// Returns the entry after adding another one, where entries up to `threshold` have expired.
    fn updated(self, other: Self, threshold: f64) -> Self {
        match self.until().has_passed(threshold) {
            true => other,
            false => self.merge(other),
        }
    }
}

/// The number of locks of each partition, the minimum of `dashmap`.
const LOCKS_PER_PARTITION: usize = 2;

/// The expected number of entries per lock if the list is full. A table of 1024 slots has room for 896 entries before
/// it doubles, and the distribution is random.
const ENTRIES_PER_LOCK: usize = 800;

/// The maximum number of partitions, which is reached at 26 million entries, so that an empty list with a large limit
/// stays small.
const MAX_PARTITIONS: usize = 1 << 14;

/// The average number of entries that each insertion scans.
const SCANNED_PER_INSERTION: usize = 4;

impl<V: Expire> ExpiringMap<V> {
    /// Creates an empty map that can grow to `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        let partitions = limit
            .div_ceil(LOCKS_PER_PARTITION * ENTRIES_PER_LOCK)
            .clamp(1, MAX_PARTITIONS);
        Self {
            partitions: (0..partitions).map(|_| new_partition()).collect(),
            insertions: AtomicUsize::new(0),
            next_partition: AtomicUsize::new(0),
        }
    }

    /// Returns the entry, unless it has expired.
    #[inline]
    pub(crate) fn get(&self, id: Id, threshold: f64) -> Option<V> {
        let value = *self.partition(id).get(&id)?;
        (!value.until().has_passed(threshold)).then_some(value)
    }

    /// Updates an existing entry, and returns whether there is one.
    pub(crate) fn extend(&self, id: Id, value: V, threshold: f64) -> bool {
        let Some(mut entry) = self.partition(id).get_mut(&id) else {
            return false;
        };
        *entry = entry.updated(value, threshold);
        true
    }

    /// Inserts an entry, and returns false if it exists, because another thread has inserted it in the meantime.
    pub(crate) fn insert(&self, id: Id, value: V, threshold: f64) -> bool {
        match self.partition(id).entry(id) {
            Entry::Occupied(mut entry) => {
                let updated = entry.get().updated(value, threshold);
                entry.insert(updated);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(value);
                true
            }
        }
    }

    /// Removes the expired entries of the next partition, once every few insertions into a map with `len` entries.
    /// Returns their number.
    pub(crate) fn sweep_some(&self, len: usize, threshold: f64) -> usize {
        let every = (len / self.partitions.len() / SCANNED_PER_INSERTION).max(1);
        match self.insertions.fetch_add(1, Relaxed).is_multiple_of(every) {
            true => self.sweep_next(threshold),
            false => 0,
        }
    }

    /// Removes the expired entries of at least one partition, if there are any. Returns their number.
    pub(crate) fn sweep_until_found(&self, threshold: f64) -> usize {
        let mut swept = (0..self.partitions.len()).map(|_| self.sweep_next(threshold));
        swept.find(|removed| *removed > 0).unwrap_or(0)
    }

    /// Removes all expired entries, and returns their number.
    pub(crate) fn sweep_all(&self, threshold: f64) -> usize {
        self.partitions
            .iter()
            .map(|partition| sweep(partition, threshold))
            .sum()
    }

    fn sweep_next(&self, threshold: f64) -> usize {
        let number = self.next_partition.fetch_add(1, Relaxed);
        sweep(&self.partitions[number % self.partitions.len()], threshold)
    }

    fn partition(&self, id: Id) -> &Partition<V> {
        // The upper half of the product is distributed uniformly over the partitions.
        let scaled = u128::from(id.high()) * self.partitions.len() as u128;
        &self.partitions[(scaled >> 64) as usize]
    }
}

fn new_partition<V>() -> Partition<V> {
    DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), LOCKS_PER_PARTITION)
}

fn sweep<V: Expire>(partition: &Partition<V>, threshold: f64) -> usize {
    let mut removed = 0;
    partition.retain(|_, value| {
        let has_passed = value.until().has_passed(threshold);
        removed += usize::from(has_passed);
        !has_passed
    });
    removed
}

/// The whole second since the epoch at which an entry expires. The largest value stands for "never".
///
/// With four bytes, an entry has twenty. Dates after 2106 become "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Until(u32);

impl Until {
    const NEVER: Self = Self(u32::MAX);

    pub(crate) fn new(date: Option<NumericDate>) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates at zero and at `NEVER`"
        )]
        date.map_or(Self::NEVER, |date| Self(date.as_f64().ceil() as u32))
    }

    #[inline]
    pub(crate) fn has_passed(self, threshold: f64) -> bool {
        self != Self::NEVER && f64::from(self.0) <= threshold
    }
}

impl Expire for Until {
    #[inline]
    fn until(self) -> Until {
        self
    }

    fn merge(self, other: Self) -> Self {
        self.max(other)
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;

    #[test]
    fn entry_takes_at_most_48_bytes() {
        // The load factor of a table is between 7/16 and 7/8, and each slot has one byte of metadata.
        let slot = size_of::<(Id, Until)>() + 1;
        assert!(slot * 16 / 7 <= 48, "{slot}");
    }

    #[test]
    fn dates_are_rounded_up_and_saturate() {
        for (date, until) in [(-5.0, 0), (0.0, 0), (0.1, 1), (10.0, 10), (1e300, u32::MAX)] {
            let date = NumericDate::from_f64(date);
            assert_eq!(Until::new(date), Until(until), "{date:?}");
        }
        assert!(!Until::NEVER.has_passed(1e300));
    }
}
