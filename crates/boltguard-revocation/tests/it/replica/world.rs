//! A model of two servers, of the truth, and of a process that follows them. One unit of time is a second.

use std::sync::Arc;
use std::time::Duration;

use boltguard_revocation::replica::{
    Replica, ReplicaError, RevocationEntry, StreamId, StreamQuery, StreamResponse, StreamRow,
    SyncAction, SyncSettings, Synchronizer, TruthRead,
};
use boltguard_revocation::{RevocationLevel, RevocationQuery, Watermark};
use boltguard_types::NumericDate;

use super::mutants::Mutant;

pub(super) const MAX_STALENESS: u64 = 100;

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The process runs for this time. A query takes two seconds until it is executed, and two until it has returned.
    Run(u64),
    /// Revokes a token for this time, or permanently.
    Revoke(Option<u64>),
    /// Revokes a token in the process itself.
    RevokeHere(Option<u64>),
    /// Begins a revocation, which is not acknowledged yet.
    WriteTruthOnly,
    /// Completes the revocations that have begun.
    AppendPending,
    /// The process and its I/O pause.
    Pause(u64),
    Flush,
    /// Deletes only the stream.
    DeleteStream,
    Restart {
        keeps_data: bool,
    },
    /// Removes all rows but the last ones.
    Trim(usize),
    DeleteRow,
    /// The other server becomes the primary. It lacks the last rows.
    FailOver {
        lost: usize,
    },
    /// The process connects to the primary.
    Reconnect,
    /// The first server becomes the primary again, with the data of the other one.
    SwitchBack,
    LoseQuery {
        is_silent: bool,
    },
    InvalidRow,
    /// Reading the truth takes this long from now on.
    SlowTruth(u64),
    FailTruth,
    SetClock(i64),
    /// Whether the servers are unreachable.
    Stop(bool),
}

/// A revoked token was accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    age: u64,
}

pub(super) struct World {
    replica: Arc<Replica>,
    sync: Synchronizer,
    mutant: Box<dyn Mutant>,
    monotonic: u64,
    clock: i64,
    truth: Vec<Revocation>,
    pending: Vec<usize>,
    servers: [Server; 2],
    primary: usize,
    connected: usize,
    is_stopped: bool,
    query: Option<Sent>,
    read: Option<Reading>,
    slowness: u64,
    is_truth_failing: bool,
    read_until: usize,
    truth_reads: usize,
    full_reads: usize,
    values: u64,
}

/// A read of the truth in progress.
struct Reading {
    read: TruthRead,
    entries: Vec<RevocationEntry>,
    /// How many entries the truth had when it began.
    seen: usize,
    /// When the entries arrive, and when the read is complete.
    arrival: u64,
    done_at: u64,
}

/// An entry of the truth, and when it was acknowledged.
struct Revocation {
    number: usize,
    until: Option<i64>,
    acknowledged: Option<u64>,
}

#[derive(Clone, Default)]
struct Server {
    run_id: u64,
    replication_id: u64,
    stream: Stream,
    /// A key that a query sets to a random value, if it doesn't exist, which only mutants use.
    key: Option<StreamId>,
}

#[derive(Clone, Default)]
struct Stream {
    epoch: Option<StreamId>,
    rows: Vec<StreamRow>,
    entries_added: u64,
    last_id: StreamId,
}

/// A query in progress.
struct Sent {
    query: StreamQuery,
    /// For how long it has been in progress.
    age: u32,
    result: Option<StreamResponse>,
}

impl Revocation {
    /// Every third revokes a session.
    fn is_session(&self) -> bool {
        self.number.is_multiple_of(3)
    }

    fn entry(&self) -> RevocationEntry {
        let (name, until) = (self.number.to_string(), self.until.map(at));
        match self.is_session() {
            true => RevocationEntry::level(
                RevocationLevel::Session(&name),
                Watermark::ALL.with_retention(until),
            ),
            false => RevocationEntry::token(&name, until),
        }
    }

    fn query(&self) -> RevocationQuery<'static> {
        let name = self.number.to_string();
        match self.is_session() {
            true => RevocationQuery::new("a token").with_session_id(Some(name)),
            false => RevocationQuery::new(name),
        }
    }
}

fn at(secs: i64) -> NumericDate {
    NumericDate::from_secs(1_700_000_000 + secs)
}

impl World {
    pub(super) fn new(replica: Arc<Replica>, has_stream: bool, mutant: Box<dyn Mutant>) -> Self {
        let settings = SyncSettings::new(Duration::from_secs(MAX_STALENESS))
            .with_read_interval(Duration::from_secs(1_000))
            .with_full_read_interval(Duration::from_secs(3_000))
            .with_seed(1)
            .with_page_size(3);
        let sync = match has_stream {
            true => Synchronizer::new(Arc::clone(&replica), settings),
            false => Synchronizer::polling(Arc::clone(&replica), settings),
        };
        Self {
            replica,
            sync,
            mutant,
            monotonic: 1,
            clock: 0,
            truth: Vec::new(),
            pending: Vec::new(),
            servers: [Server::default(), Server::default()],
            primary: 0,
            connected: 0,
            is_stopped: false,
            query: None,
            read: None,
            slowness: 1,
            is_truth_failing: false,
            read_until: 0,
            truth_reads: 0,
            full_reads: 0,
            values: 1,
        }
    }

    pub(super) fn replica(&self) -> &Replica {
        &self.replica
    }

    pub(super) fn truth_reads(&self) -> usize {
        self.truth_reads
    }

    pub(super) fn full_reads(&self) -> usize {
        self.full_reads
    }

    pub(super) fn state(&self) -> Result<(), ReplicaError> {
        self.replica
            .state(at(self.clock), Duration::from_secs(self.monotonic))
    }

    pub(super) fn take(&mut self, step: Step) -> Result<(), Violation> {
        match step {
            Step::Run(time) => {
                for _ in 0..time {
                    self.drive();
                    self.advance(1)?;
                }
            }
            Step::Revoke(ttl) => {
                self.write_truth(ttl);
                self.append_pending();
            }
            Step::RevokeHere(ttl) => {
                self.write_truth(ttl);
                let entry = self.truth[self.truth.len() - 1].entry();
                self.sync.insert(&entry);
                self.append_pending();
            }
            Step::WriteTruthOnly => self.write_truth(None),
            Step::AppendPending => self.append_pending(),
            Step::Pause(time) => self.advance(time)?,
            Step::Flush => self.primary().empty(),
            Step::DeleteStream => self.primary().stream = Stream::default(),
            Step::Restart { keeps_data } => self.restart(keeps_data),
            Step::Trim(kept) => {
                let rows = &mut self.primary().stream.rows;
                rows.drain(..rows.len().saturating_sub(kept));
            }
            Step::DeleteRow => drop(self.primary().stream.rows.pop()),
            Step::FailOver { lost } => self.fail_over(lost),
            Step::SwitchBack => {
                let other = 1 - self.primary;
                self.servers[other] = Server {
                    run_id: self.servers[other].run_id,
                    replication_id: self.value(),
                    ..self.primary().clone()
                };
                self.primary = other;
            }
            Step::Reconnect => self.connected = self.primary,
            Step::LoseQuery { is_silent } => self.lose_query(is_silent),
            Step::InvalidRow => self.append(vec![(b"new".into(), b"1".into())]),
            Step::SlowTruth(time) => self.slowness = time,
            Step::FailTruth => self.is_truth_failing = true,
            Step::SetClock(difference) => self.clock += difference,
            Step::Stop(is_stopped) => self.is_stopped = is_stopped,
        }
        self.check()
    }

    /// Without further faults, the replica becomes current.
    pub(super) fn recover(mut self) -> Result<(), Violation> {
        (self.is_stopped, self.connected) = (false, self.primary);
        (self.slowness, self.is_truth_failing) = (1, false);
        self.take(Step::Run(4 * MAX_STALENESS + 400))?;
        assert_eq!(self.state(), Ok(()));
        let query = RevocationQuery::new("valid").with_session_id(Some("valid"));
        let monotonic = Duration::from_secs(self.monotonic);
        assert_eq!(
            self.replica.check(&query, at(self.clock), monotonic),
            Ok(false)
        );
        Ok(())
    }

    fn advance(&mut self, time: u64) -> Result<(), Violation> {
        self.monotonic += time;
        self.clock += time.cast_signed();
        self.check()
    }

    fn check(&self) -> Result<(), Violation> {
        for revocation in &self.truth {
            let Some(acknowledged) = revocation.acknowledged else {
                continue;
            };
            let age = self.monotonic - acknowledged;
            let is_expired = revocation.until.is_some_and(|until| until <= self.clock);
            let (now, monotonic) = (at(self.clock), Duration::from_secs(self.monotonic));
            let result = self.replica.check(&revocation.query(), now, monotonic);
            if age > MAX_STALENESS && !is_expired && result == Ok(false) {
                return Err(Violation { age });
            }
        }
        Ok(())
    }

    fn write_truth(&mut self, ttl: Option<u64>) {
        let number = self.truth.len();
        self.pending.push(number);
        self.truth.push(Revocation {
            number,
            until: ttl.map(|ttl| self.clock + ttl.cast_signed()),
            acknowledged: None,
        });
    }

    fn append_pending(&mut self) {
        if self.is_stopped {
            return;
        }
        for number in std::mem::take(&mut self.pending) {
            let row = StreamRow::new(StreamId::ZERO, &self.truth[number].entry());
            self.append(row.fields);
            self.truth[number].acknowledged = Some(self.monotonic);
        }
    }

    fn append(&mut self, fields: Vec<(Vec<u8>, Vec<u8>)>) {
        let millis = u64::try_from(self.clock + 1_000_000_000).unwrap_or(0);
        let stream = &mut self.primary().stream;
        let id = match StreamId::new(millis, 0) {
            id if id > stream.last_id => id,
            _ => stream.last_id.next(),
        };
        stream.last_id = id;
        stream.entries_added += 1;
        stream.rows.push(StreamRow { id, fields });
    }

    fn primary(&mut self) -> &mut Server {
        &mut self.servers[self.primary]
    }

    fn restart(&mut self, keeps_data: bool) {
        let run_id = self.value();
        let server = self.primary();
        server.run_id = run_id;
        if !keeps_data {
            server.empty();
        }
        self.lose_query(false);
    }

    fn fail_over(&mut self, lost: usize) {
        let mut copy = self.primary().clone();
        let stream = &mut copy.stream;
        for _ in 0..lost.min(stream.rows.len()) {
            stream.rows.pop();
            stream.entries_added -= 1;
        }
        stream.last_id = stream.rows.last().map_or(stream.last_id, |row| row.id);
        (copy.run_id, copy.replication_id) = (self.value(), self.value());
        self.primary = 1 - self.primary;
        *self.primary() = copy;
    }

    fn lose_query(&mut self, is_silent: bool) {
        if let Some(sent) = self.query.take()
            && !is_silent
        {
            self.sync.query_failed(sent.query.number);
        }
    }

    fn value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    /// The process does all that it can do now.
    fn drive(&mut self) {
        self.run_query();
        self.read_truth();
        loop {
            let monotonic = Duration::from_secs(self.monotonic);
            match self.sync.next(monotonic, at(self.clock)) {
                SyncAction::QueryStream(query) => {
                    self.query = Some(Sent {
                        query,
                        age: 0,
                        result: None,
                    });
                }
                SyncAction::ReadTruth(read) => {
                    self.read = Some(Reading {
                        entries: self.entries(&read),
                        read,
                        seen: self.truth.len(),
                        arrival: self.monotonic + self.slowness / 2,
                        done_at: self.monotonic + self.slowness,
                    });
                }
                _ => break,
            }
        }
    }

    fn run_query(&mut self) {
        let Some(mut sent) = self.query.take() else {
            return;
        };
        sent.age += 1;
        match sent.age {
            _ if self.is_stopped => return self.sync.query_failed(sent.query.number),
            2 => sent.result = self.execute(&sent.query),
            4 => {
                return match &sent.result {
                    Some(response) => self.sync.handle_response(sent.query.number, response),
                    None => self.sync.query_failed(sent.query.number),
                };
            }
            _ => {}
        }
        self.query = Some(sent);
    }

    /// Executes a query. A server that isn't the primary any more rejects it, or responds that it is a replica.
    fn execute(&mut self, query: &StreamQuery) -> Option<StreamResponse> {
        let is_primary = self.connected == self.primary;
        if !is_primary && query.number.is_multiple_of(2) {
            return None;
        }
        let server = &mut self.servers[self.connected];
        if is_primary {
            let stream = &mut server.stream;
            stream.epoch = stream.epoch.or(query.new_epoch);
            server
                .key
                .get_or_insert_with(|| StreamId::new(query.number, 0));
        }
        let response = server.response(query, is_primary);
        let key = server.key.unwrap_or_default();
        Some(self.mutant.response(response, key))
    }

    /// Returns what a read of the truth sees that begins now.
    fn entries(&self, read: &TruthRead) -> Vec<RevocationEntry> {
        let start = if read.is_full { 0 } else { self.read_until };
        let all = self.truth[start..].iter().map(Revocation::entry);
        all.filter(|entry| entry.until().is_none_or(|until| until > read.expired_at))
            .collect()
    }

    fn read_truth(&mut self) {
        self.pass_on_entries();
        let monotonic = self.monotonic;
        let Some(reading) = self.read.take_if(|read| read.done_at <= monotonic) else {
            return;
        };
        let read = reading.read;
        self.truth_reads += 1;
        self.full_reads += usize::from(read.is_full);
        if std::mem::take(&mut self.is_truth_failing) {
            return self.sync.truth_failed(read.number);
        }
        self.read_until = reading.seen;
        self.sync.truth_complete(read.number);
    }

    fn pass_on_entries(&mut self) {
        let monotonic = self.monotonic;
        let Some(reading) = self.read.as_mut().filter(|read| read.arrival <= monotonic) else {
            return;
        };
        let entries = std::mem::take(&mut reading.entries);
        let rows = self.servers[self.connected].stream.rows.iter();
        let stream = rows.filter_map(|row| {
            let fields = row.fields.iter().map(|(name, value)| (&**name, &**value));
            RevocationEntry::from_fields(fields).ok()
        });
        let entries = self.mutant.truth(entries, stream.collect());
        self.sync.handle_truth(reading.read.number, entries);
    }
}

impl Server {
    fn empty(&mut self) {
        *self = Self {
            run_id: self.run_id,
            replication_id: self.replication_id,
            ..Self::default()
        };
    }

    fn response(&self, query: &StreamQuery, is_primary: bool) -> StreamResponse {
        let rows = self.stream.rows.iter().filter(|row| row.id > query.after);
        StreamResponse {
            run_id: self.run_id.to_string(),
            replication_id: self.replication_id.to_string(),
            entries_added: self.stream.entries_added,
            last_id: self.stream.last_id,
            rows: rows.take(query.limit).cloned().collect(),
            epoch: self.stream.epoch,
            is_primary,
        }
    }
}
