//! A simulation of all nodes, event by event. The state machines are the real ones; the servers are models.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use boltguard_revocation::replica::{SyncAction, TruthRead};
use boltguard_types::NumericDate;

use crate::node::{Lag, Node};
use crate::servers::{Database, Redis, Reply};
use crate::settings::{Capacity, Fleet};
use crate::truth::Revocation;

/// A fleet with its servers, at a point in time.
pub(crate) struct Simulation {
    fleet: Fleet,
    now: Duration,
    /// By time. Events at the same time take place in the order in which they were scheduled.
    events: BTreeMap<(Duration, u64), Event>,
    scheduled: u64,
    nodes: Vec<Node>,
    pub(crate) redis: Redis,
    pub(crate) database: Database,
    pub(crate) lag: Lag,
    pub(crate) freshness: Freshness,
}

enum Event {
    /// A node continues.
    Wake(usize),
    Reply(usize, u64, Reply),
    /// A query of a node fails.
    Refused(usize, u64),
    /// A node has received rows of the truth.
    TruthRead(usize, u64, Range<usize>),
    Revoke,
    /// The state of all nodes is recorded.
    Observe,
}

/// Which nodes are fresh, as recorded ten times per second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freshness {
    /// The time for which nodes were not fresh, added up.
    pub(crate) stale: Duration,
    /// When half of the nodes, 99 % of them, and all of them became fresh and stayed it.
    pub(crate) reached: [Option<Duration>; 3],
    /// How often a token was accepted that had been revoked for longer than the bound.
    pub(crate) violations: u64,
}

impl Simulation {
    /// Creates a fleet whose nodes start within `spread`, with a list as long as it always is.
    pub(crate) fn new(fleet: Fleet, capacity: Capacity, spread: Duration) -> Self {
        let mut simulation = Self {
            fleet,
            now: Duration::ZERO,
            events: BTreeMap::new(),
            scheduled: 0,
            nodes: Vec::new(),
            redis: Redis::new(&fleet, capacity),
            database: Database::new(&fleet, capacity),
            lag: Lag::default(),
            freshness: Freshness::default(),
        };
        while simulation.now < fleet.kept() {
            simulation.revoke();
            simulation.now += fleet.revocation_interval();
        }
        simulation.schedule(simulation.now, Event::Revoke);
        simulation.schedule(simulation.now, Event::Observe);
        for number in 0..fleet.nodes {
            let existing = simulation.database.revocations().len();
            simulation.nodes.push(Node::new(&fleet, number, existing));
            let offset = spread * number as u32 / fleet.nodes as u32;
            simulation.wake(number, simulation.now + offset);
        }
        simulation
    }

    /// Returns the time since the fleet was created.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// Continues for this time.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
        self.now = end;
    }

    /// Continues until all nodes are fresh, for at most this time.
    pub(crate) fn run_until_fresh(&mut self, limit: Duration) {
        self.freshness.reached = [None; 3];
        self.run_until(self.now + limit, |all| {
            all.freshness.reached.iter().all(Option::is_some)
        });
    }

    /// Resets what was counted.
    pub(crate) fn reset(&mut self) {
        self.redis.load = Default::default();
        self.database.load = Default::default();
        self.lag = Lag::default();
        self.freshness.stale = Duration::ZERO;
    }

    /// Stops a node for this time.
    pub(crate) fn pause(&mut self, number: usize, time: Duration) {
        self.nodes[number].paused_until = self.now + time;
    }

    /// Stops Redis for this time, after which it has lost its data.
    pub(crate) fn lose_redis(&mut self, outage: Duration) {
        let next = self.database.revocations().len();
        self.redis.lose_data(self.now + outage, next);
    }

    fn run_until(&mut self, end: Duration, is_done: impl Fn(&Self) -> bool) {
        while !is_done(self)
            && let Some(entry) = self.events.first_entry()
            && entry.key().0 <= end
        {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Revoke => {
                self.revoke();
                self.schedule(self.now + self.fleet.revocation_interval(), Event::Revoke);
            }
            Event::Observe => {
                self.observe();
                self.schedule(self.now + OBSERVATION, Event::Observe);
            }
            Event::Wake(number)
            | Event::Reply(number, ..)
            | Event::Refused(number, _)
            | Event::TruthRead(number, ..) => self.continue_node(number, event),
        }
    }

    /// Writes the truth, and then the stream, if it is available. Otherwise, the entry is appended later.
    fn revoke(&mut self) {
        let number = self.database.revocations().len();
        let revocation = Revocation::new(&self.fleet, number, self.now);
        self.database.insert(revocation);
        for pending in self.redis.next()..=number {
            if !self.redis.is_down(self.now) {
                let revocation = self.database.acknowledge(pending, self.now);
                self.redis.append(self.now, &revocation.entry);
            }
        }
    }

    fn continue_node(&mut self, number: usize, event: Event) {
        let node = &mut self.nodes[number];
        if self.now < node.paused_until {
            let until = node.paused_until;
            if matches!(event, Event::Wake(_)) && node.wakes_at == self.now {
                node.wakes_at = until;
            }
            return self.schedule(until, event);
        }
        match event {
            Event::Wake(_) if node.wakes_at != self.now => return,
            Event::Reply(_, query, reply) => {
                let rows = reply.revocations.clone();
                match self.redis.response(reply) {
                    Some(response) => node.handle_response(query, &response, rows),
                    None => node.sync.query_failed(query),
                }
            }
            Event::Refused(_, query) => node.sync.query_failed(query),
            Event::TruthRead(_, read, rows) => node.handle_truth(read, rows, &self.database),
            _ => {}
        }
        self.lag.add(node.newly_applied(&self.database, self.now));
        self.drive(number);
    }

    /// Carries out the actions of a node.
    fn drive(&mut self, number: usize) {
        loop {
            let date = date(self.now);
            match self.nodes[number].sync.next(self.now, date) {
                SyncAction::QueryStream(query) => match self.redis.query(self.now, &query) {
                    Some(reply) => {
                        self.schedule(reply.at, Event::Reply(number, query.number, reply));
                    }
                    None => {
                        let at = self.now + ROUND_TRIP;
                        self.schedule(at, Event::Refused(number, query.number));
                    }
                },
                SyncAction::ReadTruth(read) => self.read_truth(number, &read),
                SyncAction::WaitUntil(at) => return self.wake(number, at.max(self.now)),
                _ => return,
            }
        }
    }

    fn read_truth(&mut self, number: usize, read: &TruthRead) {
        let since = self.nodes[number].begin_read(self.now, read.is_full);
        let expired_at = read.expired_at;
        let (at, rows) = self.database.read(self.now, since, expired_at);
        self.schedule(at, Event::TruthRead(number, read.number, rows));
    }

    fn observe(&mut self) {
        let latest = self
            .database
            .latest_acknowledged(self.now - self.fleet.max_staleness);
        let mut fresh = 0;
        for node in &self.nodes {
            fresh += usize::from(node.replica.state(date(self.now), self.now).is_ok());
            let query = latest.map(Revocation::query);
            let result = query.map(|query| node.replica.check(&query, date(self.now), self.now));
            self.freshness.violations += u64::from(result == Some(Ok(false)));
        }
        let nodes = self.nodes.len();
        self.freshness.stale += OBSERVATION * (nodes - fresh) as u32;
        for (reached, percent) in self.freshness.reached.iter_mut().zip([50, 99, 100]) {
            *reached = match fresh * 100 >= nodes * percent {
                true => reached.or(Some(self.now)),
                false => None,
            };
        }
    }

    fn wake(&mut self, number: usize, at: Duration) {
        if at < Duration::MAX && self.nodes[number].wakes_at != at {
            self.nodes[number].wakes_at = at;
            self.schedule(at, Event::Wake(number));
        }
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }
}

pub(crate) fn date(now: Duration) -> NumericDate {
    NumericDate::from_secs(EPOCH) + now
}

/// When the simulation begins, in seconds since the epoch.
pub(crate) const EPOCH: i64 = 1_700_000_000;

const OBSERVATION: Duration = Duration::from_millis(100);

/// After which time a refused connection is reported.
const ROUND_TRIP: Duration = Duration::from_micros(500);
