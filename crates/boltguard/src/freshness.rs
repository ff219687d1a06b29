//! Whether a snapshot of stored API keys is recent enough.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a snapshot was read, and which changes it includes.
///
/// A snapshot is current for a fixed time after the start of the read, and until a change is recorded that the read may
/// have missed. All methods can be called from several threads.
///
/// ```
/// use std::time::{Duration, Instant};
/// use boltguard::Freshness;
///
/// let start = Instant::now();
/// let freshness = Freshness::new(Duration::from_secs(5), start);
/// assert!(!freshness.is_current(start) && !freshness.was_read());
///
/// let read = freshness.begin_read(start); // before the table is read
/// freshness.finish_read(&read);
/// assert!(freshness.is_current(start + Duration::from_secs(4)));
/// assert!(!freshness.is_current(start + Duration::from_secs(5)));
///
/// freshness.note_change();
/// assert!(!freshness.is_current(start));
/// ```
#[derive(Debug)]
pub struct Freshness {
    interval: Duration,
    start: Instant,
    changes: AtomicU64,
    seen: AtomicU64,
    /// In nanoseconds from the start; zero before the first read.
    current_until: AtomicU64,
}

/// A read of the table that has begun.
#[derive(Debug)]
pub struct SnapshotRead {
    began: Instant,
    changes: u64,
}

impl Freshness {
    /// Creates the state of a snapshot that wasn't read yet, and is current for `interval` after each read. `now` is
    /// the earliest time that is used with it.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            start: now,
            changes: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            current_until: AtomicU64::new(0),
        }
    }

    /// Records that the table has changed. A read that began before doesn't make the snapshot current.
    pub fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Begins a read. Call it before the table is read.
    #[must_use]
    pub fn begin_read(&self, now: Instant) -> SnapshotRead {
        SnapshotRead {
            began: now,
            changes: self.changes.load(Ordering::SeqCst),
        }
    }

    /// Marks the snapshot as current as of the beginning of this read.
    pub fn finish_read(&self, read: &SnapshotRead) {
        let began = read.began.saturating_duration_since(self.start);
        let until = nanos(began.saturating_add(self.interval));
        self.seen.store(read.changes, Ordering::SeqCst);
        self.current_until.store(until, Ordering::SeqCst);
    }

    /// Returns whether the snapshot is current.
    #[must_use]
    pub fn is_current(&self, now: Instant) -> bool {
        let elapsed = nanos(now.saturating_duration_since(self.start));
        elapsed < self.current_until.load(Ordering::SeqCst)
            && self.seen.load(Ordering::SeqCst) == self.changes.load(Ordering::SeqCst)
    }

    /// Returns whether the table was read at least once.
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.current_until.load(Ordering::SeqCst) > 0
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
