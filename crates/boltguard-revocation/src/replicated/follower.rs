//! The threads that keep a replica current.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boltguard_types::NumericDate;

use super::clock::monotonic;
use super::feed::Feed;
use crate::replica::{Replica, RevocationEntry, StreamQuery, SyncAction, Synchronizer, TruthRead};
use crate::{RevocationError, RevocationTruth};

/// What the threads and the callers share.
pub(super) struct Shared {
    pub(super) truth: Arc<dyn RevocationTruth>,
    /// `None` if the truth is polled.
    pub(super) feed: Option<Feed>,
    pub(super) system_time: Box<dyn Fn() -> NumericDate + Send + Sync>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    sync: Synchronizer,
    /// Entries that are part of the truth, but not of the stream.
    outbox: VecDeque<RevocationEntry>,
    /// Incremented at each result, so that none is missed by a thread that is about to wait.
    results: u64,
    is_stopped: bool,
}

impl Shared {
    pub(super) fn new(
        sync: Synchronizer,
        truth: Arc<dyn RevocationTruth>,
        feed: Option<Feed>,
        system_time: Box<dyn Fn() -> NumericDate + Send + Sync>,
    ) -> Self {
        Self {
            truth,
            feed,
            system_time,
            state: Mutex::new(State {
                sync,
                outbox: VecDeque::new(),
                results: 0,
                is_stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Ends the threads, without waiting for them.
    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_all();
    }

    /// Waits until the replica is current, at most until this monotonic time.
    pub(super) fn wait_until_current(&self, replica: &Replica, until: Duration) {
        let mut state = self.state();
        while replica.state((self.system_time)(), monotonic()).is_err() && monotonic() < until {
            state = self.wait(state, until);
        }
    }

    /// Publishes an entry that is part of the truth.
    pub(super) fn publish(&self, entry: RevocationEntry) -> Result<(), RevocationError> {
        self.state().sync.insert(&entry);
        let Some(feed) = &self.feed else {
            return Ok(());
        };
        match feed.append(&entry) {
            Ok(true) => return Ok(()),
            // The row needn't be appended again: if a failover loses it, all processes read the truth.
            Ok(false) => {}
            Err(_) => self.append_later(entry),
        }
        Err(RevocationError::NotInForce)
    }

    fn append_later(&self, entry: RevocationEntry) {
        let mut state = self.state();
        // Entries that don't fit take effect when the truth is read again, as all others after a restart.
        if state.outbox.len() < MAX_OUTBOX {
            state.outbox.push_back(entry);
        }
    }

    /// Queries the stream, and passes on the reads of the truth, until the store is dropped.
    pub(super) fn follow(&self, reads: &Sender<TruthRead>) {
        loop {
            let mut state = self.state();
            if state.is_stopped {
                return;
            }
            let results = state.results;
            match state.sync.next(monotonic(), (self.system_time)()) {
                SyncAction::QueryStream(query) => {
                    drop(state);
                    self.query(&query);
                }
                SyncAction::ReadTruth(read) => {
                    if reads.send(read).is_err() {
                        state.sync.truth_failed(read.number);
                    }
                }
                SyncAction::WaitUntil(until) => {
                    while state.results == results && !state.is_stopped && monotonic() < until {
                        state = self.wait(state, until);
                    }
                }
            }
        }
    }

    fn query(&self, query: &StreamQuery) {
        let Some(feed) = &self.feed else { return };
        let response = feed.query(query);
        self.report(|sync| match &response {
            Ok(response) => sync.handle_response(query.number, response),
            Err(_) => sync.query_failed(query.number),
        });
        if response.is_ok() {
            self.append_pending(feed);
        }
    }

    /// Appends what couldn't be appended before.
    fn append_pending(&self, feed: &Feed) {
        let first = || self.state().outbox.pop_front();
        for entry in std::iter::from_fn(first).take(MAX_APPENDED) {
            if feed.append_late(&entry).is_err() {
                self.state().outbox.push_front(entry);
                return;
            }
        }
    }

    /// Reads the truth, until the follower ends.
    pub(super) fn read_truth(&self, reads: &Receiver<TruthRead>) {
        for read in reads {
            let result = catch_unwind(AssertUnwindSafe(|| self.read(&read)));
            self.report(|sync| match result {
                Ok(Ok(())) => sync.truth_complete(read.number),
                _ => sync.truth_failed(read.number),
            });
        }
    }

    fn read(&self, read: &TruthRead) -> Result<(), RevocationError> {
        let mut page = Vec::with_capacity(PAGE_SIZE);
        let pass_on = |page: &mut Vec<_>| {
            let mut state = self.state();
            state.sync.handle_truth(read.number, page.drain(..));
        };
        self.truth.read(read, &mut |entry| {
            page.push(entry);
            if page.len() >= PAGE_SIZE {
                pass_on(&mut page);
            }
        })?;
        pass_on(&mut page);
        Ok(())
    }

    fn report(&self, report: impl FnOnce(&mut Synchronizer)) {
        let mut state = self.state();
        report(&mut state.sync);
        state.results += 1;
        self.changed.notify_all();
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, until: Duration) -> MutexGuard<'s, State> {
        // The clock of the operating system's timeout can stop while the machine is suspended.
        let duration = until.saturating_sub(monotonic()).min(MAX_WAIT);
        let result = self.changed.wait_timeout(state, duration);
        result.unwrap_or_else(PoisonError::into_inner).0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The maximum number of entries that are appended after a query, so that the next one isn't late.
const MAX_APPENDED: usize = 100;

/// The maximum number of entries that wait for the stream.
const MAX_OUTBOX: usize = 100_000;

const MAX_WAIT: Duration = Duration::from_millis(500);

/// The number of entries of the truth that are added at once.
const PAGE_SIZE: usize = 1000;
