//! Models of Redis and of the database: what they respond, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::Duration;

use boltguard_revocation::replica::{
    RevocationEntry, StreamId, StreamQuery, StreamResponse, StreamRow,
};
use boltguard_types::NumericDate;

use crate::settings::{Capacity, Fleet};
use crate::truth::Revocation;
use crate::wire;

/// What a server did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// The total time for which it was busy, on all connections.
    pub(crate) busy: Duration,
    /// The longest time from a request to its response.
    pub(crate) slowest: Duration,
}

/// A Redis server with a stream. It executes one command at a time.
pub(crate) struct Redis {
    capacity: Capacity,
    scale: u64,
    rows: Vec<StreamRow>,
    /// The number of the revocation in the first row.
    first: usize,
    bytes_of_row: u64,
    run_id: u64,
    epoch: Option<StreamId>,
    idle_at: Duration,
    link_idle_at: Duration,
    /// Until when connections are refused.
    down_until: Duration,
    pub(crate) load: Load,
}

/// The result of a query, and when it arrives.
pub(crate) struct Reply {
    pub(crate) at: Duration,
    /// The numbers of the revocations in its rows.
    pub(crate) revocations: Range<usize>,
    response: StreamResponse,
    rows: Range<usize>,
    run_id: u64,
}

impl Redis {
    pub(crate) fn new(fleet: &Fleet, capacity: Capacity) -> Self {
        Self {
            capacity,
            scale: fleet.scale,
            rows: Vec::new(),
            first: 0,
            bytes_of_row: 0,
            run_id: 1,
            epoch: None,
            idle_at: Duration::ZERO,
            link_idle_at: Duration::ZERO,
            down_until: Duration::ZERO,
            load: Load::default(),
        }
    }

    pub(crate) fn append(&mut self, now: Duration, entry: &RevocationEntry) {
        let millis = 1_700_000_000_000 + now.as_millis() as u64;
        let id = match self.rows.last() {
            Some(last) if last.id >= StreamId::new(millis, 0) => last.id.next(),
            _ => StreamId::new(millis, 0),
        };
        let row = StreamRow::new(id, entry);
        self.bytes_of_row = wire::row(&row);
        self.rows.push(row);
    }

    pub(crate) fn is_down(&self, now: Duration) -> bool {
        now < self.down_until
    }

    /// Stops the server until this time, after which it has lost its data. `next` is the number of the next revocation.
    pub(crate) fn lose_data(&mut self, until: Duration, next: usize) {
        self.rows.clear();
        self.first = next;
        self.epoch = None;
        self.run_id += 1;
        self.down_until = until;
    }

    /// Returns the number of the revocation that is appended next.
    pub(crate) fn next(&self) -> usize {
        self.first + self.rows.len()
    }

    /// Executes a query that is sent now, or returns `None` if the connection is refused.
    pub(crate) fn query(&mut self, now: Duration, query: &StreamQuery) -> Option<Reply> {
        let arrival = now + self.capacity.delay;
        if self.is_down(arrival) {
            return None;
        }
        let start = self.rows.partition_point(|row| row.id <= query.after);
        let rows = start..self.rows.len().min(start + query.limit);
        let count = rows.len() as u64 * self.scale;
        let work = self.capacity.per_query
            + Duration::from_nanos(count * self.capacity.nanoseconds_per_row);
        self.idle_at = self.idle_at.max(arrival) + work;
        let bytes = wire::EMPTY_RESPONSE + count * self.bytes_of_row;
        let transfer = bytes * 1_000_000_000 / self.capacity.bytes_per_second;
        self.link_idle_at = self.idle_at.max(self.link_idle_at) + Duration::from_nanos(transfer);
        let at = self.link_idle_at + self.capacity.delay;
        self.load.count(count, bytes, work, at - now);
        self.epoch = self.epoch.or(query.new_epoch);
        Some(Reply {
            at,
            revocations: self.first + rows.start..self.first + rows.end,
            response: StreamResponse {
                entries_added: self.rows.len() as u64,
                last_id: self.rows.last().map_or(StreamId::ZERO, |row| row.id),
                epoch: self.epoch,
                rows: Vec::new(),
                run_id: self.run_id.to_string(),
                replication_id: String::new(),
                is_primary: true,
            },
            rows,
            run_id: self.run_id,
        })
    }

    /// Returns the response, unless the connection was lost before it arrived.
    pub(crate) fn response(&self, reply: Reply) -> Option<StreamResponse> {
        let mut response = reply.response;
        let rows = self.rows.get(reply.rows)?;
        response.rows = rows.to_vec();
        (reply.run_id == self.run_id).then_some(response)
    }
}

/// A database with the complete list, which a limited number of connections read.
pub(crate) struct Database {
    capacity: Capacity,
    scale: u64,
    revocations: Vec<Revocation>,
    /// When each connection is idle.
    connections: BinaryHeap<Reverse<Duration>>,
    pub(crate) load: Load,
}

impl Database {
    pub(crate) fn new(fleet: &Fleet, capacity: Capacity) -> Self {
        let connections = std::iter::repeat_n(Reverse(Duration::ZERO), capacity.connections);
        Self {
            capacity,
            scale: fleet.scale,
            revocations: Vec::new(),
            connections: connections.collect(),
            load: Load::default(),
        }
    }

    pub(crate) fn insert(&mut self, revocation: Revocation) {
        self.revocations.push(revocation);
    }

    /// Records that a revocation has been acknowledged.
    pub(crate) fn acknowledge(&mut self, number: usize, now: Duration) -> &Revocation {
        let revocation = &mut self.revocations[number];
        revocation.acknowledged = Some(now);
        revocation
    }

    /// Returns the last revocation that was acknowledged before this time.
    pub(crate) fn latest_acknowledged(&self, before: Duration) -> Option<&Revocation> {
        let is_before = |row: &Revocation| row.acknowledged.is_some_and(|at| at < before);
        let count = self.revocations.partition_point(is_before);
        self.revocations.get(count.checked_sub(1)?)
    }

    pub(crate) fn revocations(&self) -> &[Revocation] {
        &self.revocations
    }

    /// Reads, from now on, the rows that were added at or after `since` and haven't expired. Returns them, and when
    /// they have been received.
    pub(crate) fn read(
        &mut self,
        now: Duration,
        since: Option<Duration>,
        expired_at: NumericDate,
    ) -> (Duration, Range<usize>) {
        // The lifetimes are equal, so the rows are ordered by both.
        let is_omitted =
            |row: &Revocation| row.until <= expired_at || since.is_some_and(|since| row.at < since);
        let start = self.revocations.partition_point(is_omitted);
        let rows = start..self.revocations.len();
        let count = rows.len() as u64 * self.scale;
        let work = self.capacity.per_read
            + Duration::from_nanos(count * 1_000_000_000 / self.capacity.rows_per_second);
        let Reverse(idle_at) = self.connections.pop().unwrap_or_default();
        let idle_at = idle_at.max(now + self.capacity.delay) + work;
        self.connections.push(Reverse(idle_at));
        let at = idle_at + self.capacity.delay;
        self.load.count(count, 0, work, at - now);
        (at, rows)
    }
}

impl Load {
    fn count(&mut self, rows: u64, bytes: u64, work: Duration, time: Duration) {
        self.requests += 1;
        self.rows += rows;
        self.bytes += bytes;
        self.busy += work;
        self.slowest = self.slowest.max(time);
    }
}
