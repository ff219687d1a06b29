//! Two processes with one list, whose invariant is checked all the time.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use boltguard_revocation::replica::{RevocationEntry, TruthRead};
use boltguard_revocation::{
    ReplicatedRevocation, ReplicatedRevocationBuilder, RevocationError, RevocationLevel,
    RevocationQuery, RevocationStore, RevocationTruth, Watermark,
};
use boltguard_types::NumericDate;

use crate::server::now;

pub(super) const MAX_STALENESS: Duration = Duration::from_millis(500);

pub(super) struct Fleet {
    pub(super) truth: Arc<Table>,
    pub(super) clock: Arc<TestClock>,
    writer: ReplicatedRevocation,
    reader: Arc<ReplicatedRevocation>,
    revoked: usize,
    acknowledged: Arc<Mutex<Vec<(String, Instant)>>>,
    is_done: Arc<AtomicBool>,
    checker: Option<JoinHandle<usize>>,
}

impl Fleet {
    /// Starts a process that revokes, and one that checks, with the servers at these URLs.
    pub(super) fn new(writer: &str, reader: &str) -> Self {
        let truth = Arc::new(Table::default());
        let build = |url| ReplicatedRevocation::builder(url, Arc::clone(&truth)).unwrap();
        Self::start(Arc::clone(&truth), [build(writer), build(reader)])
    }

    pub(super) fn polling() -> Self {
        let truth = Arc::new(Table::default());
        let build = || ReplicatedRevocation::polling(Arc::clone(&truth));
        Self::start(Arc::clone(&truth), [build(), build()])
    }

    fn start(truth: Arc<Table>, builders: [ReplicatedRevocationBuilder; 2]) -> Self {
        let clock = Arc::new(TestClock::default());
        let [writer, reader] = builders.map(|builder| builder.with_max_staleness(MAX_STALENESS));
        let of_reader = Arc::clone(&clock);
        let reader = reader.with_system_clock(move || of_reader.now_or_pause());
        let reader = Arc::new(reader.start().unwrap());
        let (acknowledged, is_done) = (Arc::default(), Arc::default());
        let checker = {
            let (reader, clock) = (Arc::clone(&reader), Arc::clone(&clock));
            let (acknowledged, is_done) = (Arc::clone(&acknowledged), Arc::clone(&is_done));
            thread::spawn(move || check_all(&reader, &clock, &acknowledged, &is_done))
        };
        let fleet = Self {
            truth,
            clock,
            writer: writer.start().unwrap(),
            reader,
            revoked: 0,
            acknowledged,
            is_done,
            checker: Some(checker),
        };
        fleet
            .writer
            .wait_until_current(Duration::from_secs(30))
            .unwrap();
        fleet.recover();
        fleet
    }

    /// Revokes a new token, which must succeed at the first or a later attempt.
    pub(super) fn revoke(&mut self) {
        self.revoked += 1;
        let id = format!("token {}", self.revoked);
        self.acknowledge(&id);
    }

    /// Revokes a token. A busy machine can need several attempts.
    pub(super) fn acknowledge(&self, id: &str) {
        wait_until(|| self.try_revoke(id).is_ok());
        let entry = (id.to_owned(), Instant::now());
        self.acknowledged.lock().unwrap().push(entry);
    }

    pub(super) fn try_revoke(&self, id: &str) -> Result<(), RevocationError> {
        let until = now() + Duration::from_secs(3600);
        self.writer.revoke(id, Some(until), now())
    }

    pub(super) fn wait_until_stale(&self) {
        wait_until(|| self.check("other").is_err());
    }

    pub(super) fn wait_until_revoked(&self, id: &str) {
        wait_until(|| self.check(id) == Ok(true));
    }

    /// Waits until the reader is available, and has all entries.
    pub(super) fn recover(&self) {
        wait_until(|| self.check("other") == Ok(false));
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        for (id, _) in acknowledged {
            self.wait_until_revoked(&id);
        }
    }

    fn check(&self, id: &str) -> Result<bool, RevocationError> {
        self.reader.is_revoked(id, self.clock.now())
    }
}

/// Checks the invariant until the end. Returns the number of checks.
fn check_all(
    reader: &ReplicatedRevocation,
    clock: &TestClock,
    acknowledged: &Mutex<Vec<(String, Instant)>>,
    is_done: &AtomicBool,
) -> usize {
    let mut checks = 0;
    while !is_done.load(Ordering::SeqCst) {
        let entries = acknowledged.lock().unwrap().clone();
        for (id, since) in entries {
            let now = clock.now_unless_expired();
            if let Some(now) = now.filter(|_| since.elapsed() >= MAX_STALENESS) {
                let result = reader.is_revoked(&id, now);
                assert_ne!(result, Ok(false), "{id}, after {:?}", since.elapsed());
                checks += 1;
            }
        }
        thread::sleep(Duration::from_millis(2));
    }
    checks
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        // So that the bound of all revocations has passed.
        thread::sleep(MAX_STALENESS);
        self.recover();
        thread::sleep(Duration::from_millis(50));
        self.is_done.store(true, Ordering::SeqCst);
        let checker = self.checker.take().map(JoinHandle::join);
        let checks = checker.unwrap().expect("the invariant holds");
        assert!(checks > 0);
    }
}

/// The system clock of the reader.
#[derive(Default)]
pub(super) struct TestClock {
    /// How far the clock is ahead, in seconds.
    pub(super) offset: AtomicI64,
    /// A follower waits while this is locked.
    pub(super) pause: Mutex<()>,
}

impl TestClock {
    fn now(&self) -> NumericDate {
        Self::at(self.offset.load(Ordering::SeqCst))
    }

    fn at(offset: i64) -> NumericDate {
        NumericDate::from_f64(now().as_f64() + offset as f64).unwrap()
    }

    fn now_or_pause(&self) -> NumericDate {
        drop(self.pause.lock().unwrap());
        self.now()
    }

    /// Returns the time, unless all entries have expired at it.
    fn now_unless_expired(&self) -> Option<NumericDate> {
        let offset = self.offset.load(Ordering::SeqCst);
        (offset < 3600).then(|| Self::at(offset))
    }
}

/// A table in a database.
#[derive(Default)]
pub(super) struct Table {
    entries: Mutex<Vec<RevocationEntry>>,
    pub(super) fails: AtomicBool,
    pub(super) is_slow: AtomicBool,
}

impl Table {
    pub(super) fn add(&self, id: &str) {
        self.entries
            .lock()
            .unwrap()
            .push(RevocationEntry::token(id, None));
    }

    pub(super) fn entries(&self) -> Vec<RevocationEntry> {
        self.entries.lock().unwrap().clone()
    }
}

impl RevocationTruth for Table {
    fn read(
        &self,
        _: &TruthRead,
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(RevocationError::Unavailable);
        }
        self.entries().into_iter().for_each(entries);
        Ok(())
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        let entry = RevocationEntry::token(token_id, until);
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        let entry = RevocationEntry::level(level, watermark);
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    fn check(&self, query: &RevocationQuery<'_>, _: NumericDate) -> Result<bool, RevocationError> {
        if self.is_slow.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_secs(1));
        }
        let wanted = RevocationEntry::token(query.token_id(), None);
        Ok(self.entries().contains(&wanted))
    }
}

/// The list of another service.
pub(super) struct ReadOnly;

impl RevocationTruth for ReadOnly {
    fn read(
        &self,
        _: &TruthRead,
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        entries(RevocationEntry::token("revoked", None));
        Ok(())
    }
}

pub(super) struct Panics;

impl RevocationTruth for Panics {
    fn read(
        &self,
        _: &TruthRead,
        _: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        panic!("the database driver has a bug")
    }
}

/// Waits, for far longer than a busy machine takes.
pub(super) fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition isn't fulfilled");
        thread::sleep(Duration::from_millis(5));
    }
}
