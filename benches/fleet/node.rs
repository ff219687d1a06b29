//! A node: the real replica and its state machine, and which revocations are in effect.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use boltguard_revocation::replica::{Replica, StreamResponse, Synchronizer};

use crate::servers::Database;
use crate::settings::Fleet;

pub(crate) struct Node {
    pub(crate) sync: Synchronizer,
    pub(crate) replica: Arc<Replica>,
    pub(crate) wakes_at: Duration,
    pub(crate) paused_until: Duration,
    /// The number of revocations that have been read from the truth.
    read: usize,
    /// Those that have been read from the stream since the last loss.
    streamed: Range<usize>,
    /// The number of revocations that are in effect, of which the time has been recorded.
    recorded: usize,
    /// When the last read of the truth that is complete began.
    complete_read: Option<Duration>,
    pending_read: Duration,
}

/// How long after the acknowledgement revocations took effect in nodes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    count: u32,
    sum: Duration,
    pub(crate) longest: Duration,
}

impl Node {
    /// Creates a node that starts when this number of revocations exist.
    pub(crate) fn new(fleet: &Fleet, number: usize, existing: usize) -> Self {
        let replica = Arc::new(Replica::new(2 * existing + 1000));
        Self {
            sync: Synchronizer::new(Arc::clone(&replica), fleet.sync_settings(number)),
            replica,
            wakes_at: Duration::MAX,
            paused_until: Duration::ZERO,
            read: 0,
            streamed: 0..0,
            recorded: existing,
            complete_read: None,
            pending_read: Duration::ZERO,
        }
    }

    /// Passes on a response with these revocations.
    pub(crate) fn handle_response(
        &mut self,
        query: u64,
        response: &StreamResponse,
        revocations: Range<usize>,
    ) {
        let losses = self.sync.losses();
        self.sync.handle_response(query, response);
        match self.sync.losses() == losses {
            true => self.streamed.end = revocations.end.max(self.streamed.end),
            false => self.streamed = revocations.end..revocations.end,
        }
    }

    /// Returns from when revocations must be read.
    pub(crate) fn begin_read(&mut self, now: Duration, is_full: bool) -> Option<Duration> {
        self.pending_read = now;
        let last = self.complete_read.filter(|_| !is_full)?;
        Some(last.saturating_sub(OVERLAP))
    }

    pub(crate) fn handle_truth(&mut self, read: u64, rows: Range<usize>, database: &Database) {
        let rows_read = &database.revocations()[rows.clone()];
        let entries = rows_read.iter().map(|row| row.entry.clone());
        self.sync.handle_truth(read, entries);
        self.sync.truth_complete(read);
        self.complete_read = Some(self.pending_read);
        self.read = rows.end;
    }

    /// Returns for how long the revocations had been acknowledged that have taken effect since the last call.
    pub(crate) fn newly_applied<'a>(
        &mut self,
        database: &'a Database,
        now: Duration,
    ) -> impl Iterator<Item = Duration> + use<'a> {
        let applied = match self.streamed.start <= self.read {
            true => self.streamed.end.max(self.read),
            false => self.read,
        };
        let new = self.recorded.min(applied)..applied;
        self.recorded = self.recorded.max(applied);
        let acknowledged = database.revocations()[new].iter();
        acknowledged.filter_map(move |row| Some(now - row.acknowledged?))
    }
}

impl Lag {
    pub(crate) fn add(&mut self, times: impl Iterator<Item = Duration>) {
        for time in times {
            self.count += 1;
            self.sum += time;
            self.longest = self.longest.max(time);
        }
    }

    pub(crate) fn average(&self) -> Duration {
        self.sum / self.count.max(1)
    }
}

/// By how much an incremental read overlaps with the last one, since a transaction may commit later than it wrote.
const OVERLAP: Duration = Duration::from_secs(60);
