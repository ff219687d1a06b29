//! How often the server is queried and the truth is read.

use std::time::Duration;

/// The intervals of a [`Synchronizer`](super::Synchronizer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    pub(super) max_staleness: Duration,
    pub(super) interval: Duration,
    pub(super) read_interval: Duration,
    pub(super) full_read_interval: Duration,
    pub(super) page_size: usize,
    pub(super) seed: Option<u64>,
}

impl SyncSettings {
    /// Creates settings with which a revocation takes effect in this process after at most `max_staleness`.
    ///
    /// The server is queried four times in this duration, with pages of 1,000 rows. The entries that were added
    /// recently are read from the truth at least once per minute, and the whole list at least once per hour.
    #[must_use]
    pub fn new(max_staleness: Duration) -> Self {
        Self {
            max_staleness,
            interval: (max_staleness / 4).max(Duration::from_millis(1)),
            read_interval: Duration::from_secs(60),
            full_read_interval: Duration::from_secs(3600),
            page_size: 1000,
            seed: None,
        }
    }

    /// Sets the interval between two queries, at least a millisecond.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets the maximum interval between two reads of the truth, if a stream is followed. Without a stream, the truth
    /// is read at each [`interval`](Self::interval).
    #[must_use]
    pub fn with_read_interval(mut self, interval: Duration) -> Self {
        self.read_interval = interval;
        self
    }

    /// Sets the maximum interval between two reads of the whole list.
    #[must_use]
    pub fn with_full_read_interval(mut self, interval: Duration) -> Self {
        self.full_read_interval = interval;
        self
    }

    /// Sets the maximum number of rows of a query, at least one.
    #[must_use]
    pub fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = page_size.max(1);
        self
    }

    /// Sets the seed of the random part of the intervals between reads, for reproducible tests. It is random otherwise.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Returns how long a replica is current after a query was sent.
    #[must_use]
    pub fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// Returns the interval between two queries.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }
}
