//! What is simulated: the size of the fleet, and the capacity of Redis and of the database.

use std::time::Duration;

use boltguard_revocation::CLOCK_SKEW_MARGIN;
use boltguard_revocation::replica::SyncSettings;

/// The size of a fleet, and how it is configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    /// The number of processes with a replica.
    pub(crate) nodes: usize,
    pub(crate) revocations_per_hour: u64,
    /// For how long a revoked token would still have been accepted.
    pub(crate) lifetime: Duration,
    pub(crate) max_staleness: Duration,
    /// Whether sessions are revoked instead of single tokens.
    pub(crate) revokes_sessions: bool,
    /// Whether each read of the truth reads everything, because the database can't be read from a time on.
    pub(crate) always_reads_everything: bool,
    /// How many revocations one simulated revocation stands for. The replicas of a thousand nodes wouldn't fit into the
    /// memory of one machine otherwise.
    pub(crate) scale: u64,
}

impl Fleet {
    /// A thousand nodes, a million revocations per hour, and the default bound of five seconds.
    pub(crate) fn large(lifetime: Duration) -> Self {
        let fleet = Self {
            nodes: 1000,
            revocations_per_hour: 1_000_000,
            lifetime,
            max_staleness: Duration::from_secs(5),
            revokes_sessions: false,
            always_reads_everything: false,
            scale: 1,
        };
        let wanted = fleet.live_entries() / MAX_SIMULATED_ENTRIES;
        let scale = SCALES.into_iter().find(|scale| *scale >= wanted);
        Self {
            scale: scale.unwrap_or(PAGE_SIZE),
            ..fleet
        }
    }

    /// Returns the number of entries that must be kept at any time.
    pub(crate) fn live_entries(&self) -> u64 {
        self.revocations_per_hour * self.kept().as_secs() / 3600
    }

    /// Returns for how long an entry is kept in the truth.
    pub(crate) fn retention(&self) -> Duration {
        self.lifetime + CLOCK_SKEW_MARGIN
    }

    /// Returns for how long an entry is needed by a replica, which keeps expired entries in case the clock is set back.
    pub(crate) fn kept(&self) -> Duration {
        self.retention() + CLOCK_SKEW_MARGIN
    }

    /// Returns the time between two simulated revocations.
    pub(crate) fn revocation_interval(&self) -> Duration {
        let hour = Duration::from_secs(3600).as_nanos() as u64;
        Duration::from_nanos(hour * self.scale / self.revocations_per_hour)
    }

    /// Returns the settings of the node with this number.
    pub(crate) fn sync_settings(&self, number: usize) -> SyncSettings {
        let page_size = (PAGE_SIZE / self.scale).max(1);
        let settings = SyncSettings::new(self.max_staleness)
            .with_page_size(page_size as usize)
            .with_seed(number as u64);
        match self.always_reads_everything {
            true => settings.with_full_read_interval(Duration::ZERO),
            false => settings,
        }
    }
}

/// The default page size of [`SyncSettings`].
pub(crate) const PAGE_SIZE: u64 = 1000;

const MAX_SIMULATED_ENTRIES: u64 = 3000;

/// Divisors of the page size.
const SCALES: [u64; 8] = [1, 10, 25, 50, 100, 250, 500, PAGE_SIZE];

/// The capacity of the servers. The measured numbers are from one core of an x86-64 server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// The time on the network in one direction.
    pub(crate) delay: Duration,
    /// Redis: the processor time of a query without rows. Measured with Redis 7.0: 18 µs.
    pub(crate) per_query: Duration,
    /// Redis: the processor time of a row. Measured: 0.42 to 0.47 µs.
    pub(crate) nanoseconds_per_row: u64,
    /// Redis: bytes per second. 10 Gbit/s.
    pub(crate) bytes_per_second: u64,
    /// The database: how many reads run at once. The others wait for a connection.
    pub(crate) connections: usize,
    /// The database: how many rows each connection reads per second. Measured with PostgreSQL: two million for `COPY`
    /// without a network.
    pub(crate) rows_per_second: u64,
    /// The database: the time of a read without rows.
    pub(crate) per_read: Duration,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(250),
            per_query: Duration::from_micros(18),
            nanoseconds_per_row: 450,
            bytes_per_second: 10_000_000_000 / 8,
            connections: 8,
            rows_per_second: 1_000_000,
            per_read: Duration::from_millis(2),
        }
    }
}
