//! The decisions about what to read when, and until when a replica is current.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_types::NumericDate;

use super::entry::RevocationEntry;
use super::memory::Replica;
use super::query::{StreamQuery, StreamResponse};
use super::random::Random;
use super::settings::SyncSettings;
use super::stream::{Loss, Position, Progress};

/// What the caller of a [`Synchronizer`] does next.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SyncAction {
    /// Query the stream, and call [`handle_response`](Synchronizer::handle_response) or
    /// [`query_failed`](Synchronizer::query_failed).
    QueryStream(StreamQuery),
    /// Read the truth, and call [`handle_truth`](Synchronizer::handle_truth) for its entries, in one or several parts,
    /// then [`truth_complete`](Synchronizer::truth_complete) or [`truth_failed`](Synchronizer::truth_failed).
    ReadTruth(TruthRead),
    /// Call [`next`](Synchronizer::next) again at this monotonic time, or after a pending result was reported.
    WaitUntil(Duration),
}

/// A read of the truth: the database with all entries.
///
/// It must begin after [`Synchronizer::next`] returned this, on the primary server, and see everything that was
/// committed by then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthRead {
    /// The number with which the result is reported.
    pub number: u64,
    /// Whether all entries must be read. Otherwise, those suffice that were added or changed since the last read that
    /// was complete began, if that is certain: a transaction may commit long after it wrote the time of an entry.
    pub is_full: bool,
    /// Entries that are kept until this time, or an earlier one, can be omitted.
    pub expired_at: NumericDate,
}

/// A state machine that keeps a [`Replica`] current. It performs no I/O and reads no clock.
///
/// The caller repeats [`next`](Self::next), carries out the action, and reports the result. It may read the truth in
/// another thread and query the stream meanwhile. There is at most one action of each kind at a time. A query without a
/// result is repeated after `max_staleness`; a result that arrives later is ignored. The result of reading the truth
/// must always be reported.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use boltguard_revocation::RevocationQuery;
/// use boltguard_revocation::replica::{Replica, RevocationEntry, SyncAction, SyncSettings, Synchronizer};
/// use boltguard_types::NumericDate;
///
/// let replica = Arc::new(Replica::new(1_000_000));
/// let settings = SyncSettings::new(Duration::from_secs(5));
/// let mut sync = Synchronizer::polling(Arc::clone(&replica), settings);
///
/// // The clocks of the caller.
/// let (monotonic, now) = (Duration::from_secs(100), NumericDate::from_secs(1_700_000_000));
/// let SyncAction::ReadTruth(read) = sync.next(monotonic, now) else { panic!() };
/// sync.handle_truth(read.number, [RevocationEntry::token("some-id", None)]);
/// sync.truth_complete(read.number);
///
/// let check = |id, monotonic| replica.check(&RevocationQuery::new(id), now, monotonic);
/// assert_eq!(check("some-id", monotonic), Ok(true));
/// assert_eq!(check("another", monotonic), Ok(false));
/// assert!(check("another", monotonic + Duration::from_secs(5)).is_err());
/// ```
pub struct Synchronizer {
    replica: Arc<Replica>,
    settings: SyncSettings,
    /// `None` if the truth is polled.
    position: Option<Position>,
    monotonic: Duration,
    now: NumericDate,
    last_number: u64,
    query: Option<Sent>,
    next_query: Duration,
    truth: Option<Read>,
    next_read: Duration,
    next_full_read: Duration,
    /// The time before which the truth isn't read again, even after a loss.
    earliest_read: Duration,
    /// Whether the truth has been read since the last loss, so that rows of the stream are all that is missing.
    is_proven: bool,
    /// Whether the whole list has been read, and no entry that is required has been removed or rejected since. What the
    /// truth had at the last read is then in the replica, even after a loss of rows of the stream.
    is_whole: bool,
    /// How often `is_whole` has been cleared.
    removals: u64,
    random: Random,
    losses: u64,
    last_loss: Loss,
    /// When the last query was sent whose response, with those before it, leads from the last loss to the end of the
    /// stream.
    complete_at: Option<Duration>,
}

/// A query whose result is pending.
struct Sent {
    query: StreamQuery,
    at: Duration,
}

/// A read of the truth whose result is pending.
struct Read {
    number: u64,
    begun: Duration,
    losses: u64,
    removals: u64,
    is_full: bool,
    is_truncated: bool,
    /// The time up to which expired entries can be missing if the read succeeds.
    horizon: f64,
}

impl Synchronizer {
    /// Creates a state machine that reads the truth once and then follows a stream.
    #[must_use]
    pub fn new(replica: Arc<Replica>, settings: SyncSettings) -> Self {
        Self::with_position(replica, settings, Some(Position::default()))
    }

    /// Creates a state machine that only reads the truth, at each interval, for services without a stream.
    #[must_use]
    pub fn polling(replica: Arc<Replica>, settings: SyncSettings) -> Self {
        Self::with_position(replica, settings, None)
    }

    fn with_position(
        replica: Arc<Replica>,
        settings: SyncSettings,
        position: Option<Position>,
    ) -> Self {
        Self {
            replica,
            settings,
            position,
            monotonic: Duration::ZERO,
            now: NumericDate::from_secs(0),
            last_number: 0,
            query: None,
            next_query: Duration::ZERO,
            truth: None,
            next_read: Duration::ZERO,
            next_full_read: Duration::ZERO,
            earliest_read: Duration::ZERO,
            is_proven: false,
            is_whole: false,
            removals: 0,
            random: Random::new(settings.seed),
            losses: 0,
            last_loss: Loss::Start,
            complete_at: None,
        }
    }

    /// Returns what to do at this time.
    ///
    /// Both clocks must be read before the call. `monotonic` is the time since any fixed point, and must include the
    /// time during which the machine was suspended.
    pub fn next(&mut self, monotonic: Duration, now: NumericDate) -> SyncAction {
        self.monotonic = monotonic;
        self.set_now(now);
        if self.is_read_due() {
            return SyncAction::ReadTruth(self.begin_read());
        }
        match self.query_if_due() {
            Some(query) => SyncAction::QueryStream(query),
            None => SyncAction::WaitUntil(self.next_due()),
        }
    }

    /// Handles the response to a query. Ignored if its number isn't the one of the last query.
    pub fn handle_response(&mut self, number: u64, response: &StreamResponse) {
        let Some(sent) = self.query.take_if(|sent| sent.query.number == number) else {
            return;
        };
        let (replica, now) = (&self.replica, self.now);
        let Some(position) = &mut self.position else {
            return;
        };
        let insert = |entry: &RevocationEntry| replica.insert(entry, now).map_err(|_| Loss::Full);
        match position.advance(&sent.query, response, insert) {
            Ok(Progress::Complete) => {
                self.complete_at = Some(sent.at);
                self.publish();
            }
            Ok(Progress::More) => self.next_query = Duration::ZERO,
            // If the server hasn't created it, this is repeated at the next interval.
            Ok(Progress::NoEpoch) if sent.query.new_epoch.is_some() => {}
            Ok(Progress::NoEpoch) => self.next_query = Duration::ZERO,
            Err(loss) => {
                self.lose(loss);
                self.complete_at = Some(sent.at).filter(|_| loss != Loss::NotPrimary);
            }
        }
    }

    /// Handles a query without a valid response, because the server or the connection failed.
    pub fn query_failed(&mut self, number: u64) {
        self.query.take_if(|sent| sent.query.number == number);
    }

    /// Adds an entry that this process has written to the truth, so that it takes effect here at once, also before the
    /// first call of [`next`](Self::next). The replica isn't more current than before.
    pub fn insert(&mut self, entry: &RevocationEntry) {
        // If the replica is full, this is detected when the entry is read from the stream or the truth.
        let _ = self.replica.insert(entry, self.now);
    }

    /// Adds entries of the truth.
    pub fn handle_truth(
        &mut self,
        number: u64,
        entries: impl IntoIterator<Item = RevocationEntry>,
    ) {
        let Some(read) = self.truth.as_mut().filter(|read| read.number == number) else {
            return;
        };
        let mut entries = entries.into_iter();
        read.is_truncated |= entries.any(|entry| self.replica.insert(&entry, self.now).is_err());
    }

    /// Handles the end of a read of the truth. All of its entries must have been added.
    pub fn truth_complete(&mut self, number: u64) {
        let Some(read) = self.truth.take_if(|read| read.number == number) else {
            return;
        };
        if read.is_truncated {
            return self.lose(Loss::Full);
        }
        if read.is_full && read.removals == self.removals {
            self.is_whole = true;
            self.replica.set_horizon(read.horizon);
            self.replica.set_full(false);
        }
        self.is_proven |= self.is_whole && read.losses == self.losses;
        if (read.is_full || self.is_whole) && !self.replica.is_full() {
            // Whatever was acknowledged before the read began is part of the truth, even without the stream.
            let until = read.begun.saturating_add(self.settings.max_staleness);
            self.replica.set_fresh_until(until);
        }
        self.publish();
    }

    /// Handles a read of the truth that failed, also because of an invalid entry.
    pub fn truth_failed(&mut self, number: u64) {
        if self
            .truth
            .take_if(|read| read.number == number)
            .is_some_and(|read| read.is_full)
        {
            self.next_full_read = self.earliest_read;
        }
    }

    /// Returns the last reason why the truth had to be read.
    #[must_use]
    pub fn last_loss(&self) -> Loss {
        self.last_loss
    }

    /// Returns how often the truth had to be read because of a loss, including at the start.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.losses
    }

    /// Returns the replica.
    #[must_use]
    pub fn replica(&self) -> &Arc<Replica> {
        &self.replica
    }

    /// Entries that were removed as expired are required again if the system clock is set back.
    fn set_now(&mut self, now: NumericDate) {
        self.now = now;
        let horizon = self.replica.omits_until(now);
        let mut is_complete = self.replica.is_complete(now);
        if let Some(read) = &mut self.truth {
            read.horizon = read.horizon.max(horizon);
            is_complete |= read.is_full && !self.is_proven;
        }
        if !is_complete {
            self.lose(Loss::ClockMoved);
        }
    }

    fn is_read_due(&self) -> bool {
        let has_position = self.position.as_ref().is_none_or(Position::is_known);
        let next = match self.is_proven {
            true => self.next_read.max(self.earliest_read),
            false => self.earliest_read,
        };
        self.truth.is_none() && has_position && self.monotonic >= next
    }

    fn begin_read(&mut self) -> TruthRead {
        let is_full = !self.is_whole || self.monotonic >= self.next_full_read;
        self.earliest_read = self.monotonic.saturating_add(self.settings.interval);
        if is_full {
            self.next_full_read = self.after_most_of(self.settings.full_read_interval);
        }
        self.next_read = match self.position {
            Some(_) => self.after_most_of(self.settings.read_interval),
            None => self.earliest_read,
        };
        let read = Read {
            number: self.next_number(),
            begun: self.monotonic,
            losses: self.losses,
            removals: self.removals,
            is_full,
            is_truncated: false,
            horizon: self.replica.omits_until(self.now),
        };
        // Entries that have expired can be omitted from now on.
        self.replica.raise_horizon(read.horizon);
        let expired_at = NumericDate::from_f64(read.horizon).unwrap_or(self.now);
        let number = read.number;
        self.truth = Some(read);
        TruthRead {
            number,
            is_full,
            expired_at,
        }
    }

    /// Returns a random time in the last quarter of an interval, so that many processes that started at once, or lost
    /// the same server, don't read the truth at the same times.
    fn after_most_of(&mut self, interval: Duration) -> Duration {
        let part = interval.mul_f64(self.random.fraction() / 4.0);
        self.monotonic.saturating_add(interval - part)
    }

    fn query_if_due(&mut self) -> Option<StreamQuery> {
        if self.monotonic < self.query_due()? {
            return None;
        }
        let number = self.next_number();
        let position = self.position.as_ref()?;
        let query = position.query(number, self.settings.page_size);
        self.next_query = self.monotonic.saturating_add(self.settings.interval);
        self.query = Some(Sent {
            query: query.clone(),
            at: self.monotonic,
        });
        Some(query)
    }

    /// Returns when the next query is due. One without a result is given up then.
    fn query_due(&self) -> Option<Duration> {
        self.position.as_ref()?;
        Some(match &self.query {
            Some(sent) => sent.at.saturating_add(self.settings.max_staleness),
            None => self.next_query,
        })
    }

    fn next_due(&self) -> Duration {
        let read = match (&self.truth, self.is_proven) {
            (Some(_), _) => Duration::MAX,
            (None, true) => self.next_read.max(self.earliest_read),
            (None, false) => self.earliest_read,
        };
        let read = match self.position.as_ref().is_none_or(Position::is_known) {
            true => read,
            false => Duration::MAX,
        };
        self.query_due().map_or(read, |query| query.min(read))
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn lose(&mut self, loss: Loss) {
        self.is_proven = false;
        self.losses += 1;
        self.last_loss = loss;
        if matches!(loss, Loss::ClockMoved | Loss::Full) {
            self.is_whole = false;
            self.removals += 1;
        }
        if loss == Loss::Full {
            self.replica.set_full(true);
            // Entries have to expire first.
            self.earliest_read = self.monotonic.saturating_add(self.settings.read_interval);
        }
    }

    fn publish(&mut self) {
        if let Some(sent) = self.complete_at.filter(|_| self.is_proven) {
            let until = sent.saturating_add(self.settings.max_staleness);
            self.replica.set_fresh_until(until);
        }
    }
}

impl fmt::Debug for Synchronizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Synchronizer")
            .field("replica", &self.replica)
            .field("is_proven", &self.is_proven)
            .field("last_loss", &self.last_loss)
            .finish_non_exhaustive()
    }
}
