//! The keys of another issuer, and whose turn it is to fetch them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use boltguard_keys::{Algorithm, KeySet, LoadedKeySet, RotatingKeySet, SkippedKey};

use crate::schedule::{Flight, Next, Schedule};
use crate::{ConfigError, FetchError, Limits, Times, Turn, Unavailable, Waiting};

/// What keys are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// For one who knows that the set has changed: fetched at once, whatever the times say. Never for a token's sake.
    Anew,
    /// To verify with a current set.
    Current,
    /// For a token whose key is not in the set.
    Unknown,
}

impl Need {
    /// What is needed by one who has waited for another's fetch. Whoever knows of a change asks once more, since that
    /// fetch may have begun before the change; one that begins then is new enough.
    #[must_use]
    pub fn behind_wait(self) -> Self {
        match self {
            Self::Anew => Self::Anew,
            Self::Current | Self::Unknown => Self::Current,
        }
    }
}

/// What is to be done by one who needs keys.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Fetch, and tell the [`Turn`] what came of it. Nobody else fetches meanwhile.
    Fetch(Turn),
    /// There are no keys that may be used, and it is too early to fetch again: the request is refused with 503.
    Unavailable(Unavailable),
    /// Use these. They may be beyond their time, while others are being fetched or can't be had.
    Use(Arc<KeySet>),
    /// Another one fetches: wait for it, and ask again.
    Wait(Waiting),
}

/// One who has to learn of new keys before anybody takes them for current.
///
/// It is told under a lock: it must not ask the [`RemoteKeySet`] anything.
pub trait Follower: Send + Sync {
    /// Trusts these keys instead of those before; none, where those before are too old.
    fn trust(&self, keys: &KeySet);
}

/// The keys of another issuer, fetched by whoever finds that it is time to.
///
/// It reads no clock and opens no connection: `now` is an argument, and of a fetch it is told what came of it.
/// [`JwksClient`](crate::JwksClient) puts the two together.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use boltguard_jwks::{Need, RemoteKeySet, Response, Step, Times};
/// use boltguard_keys::Algorithm;
///
/// let remote = Arc::new(RemoteKeySet::new(&[Algorithm::EdDsa], Times::default())?);
/// let start = Instant::now();
///
/// // There are no keys yet. The first one who asks fetches, and the next one waits.
/// let Step::Fetch(turn) = remote.step(Need::Current, start) else { unreachable!() };
/// assert!(matches!(remote.step(Need::Current, start), Step::Wait(_)));
/// let body = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026",
///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let response = Response { status: 200, cache_control: None, body: body.to_vec() };
/// assert_eq!(turn.finish(Ok(response), start).keys()?.len(), 1);
///
/// // Until the TTL is over, this is all that is asked.
/// assert!(remote.is_settled(Need::Current, start + Duration::from_secs(299)));
/// assert!(!remote.is_settled(Need::Current, start + Duration::from_secs(300)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RemoteKeySet {
    algorithms: Box<[Algorithm]>,
    limits: Limits,
    keys: RotatingKeySet,
    /// The first moment that was ever named, from which all others count.
    start: OnceLock<Instant>,
    /// In nanoseconds: so much more has passed since.
    skipped: AtomicU64,
    /// For each need, in nanoseconds from the start: until then the keys are used and nothing else is asked.
    settled_until: [AtomicU64; 3],
    is_failing: AtomicBool,
    is_fetching: AtomicBool,
    times: Times,
    /// Replaced in a forked process, since a thread that is not there may hold the lock.
    shared: ArcSwap<Shared>,
    /// Changed under the lock alone, and outside of it, so that a forked process has them.
    followers: ArcSwap<Vec<Weak<dyn Follower>>>,
}

struct Shared {
    state: Mutex<State>,
    landed: Condvar,
}

#[derive(Clone)]
struct State {
    schedule: Schedule,
    cause: Option<FetchError>,
    skipped: Arc<[SkippedKey]>,
}

impl Shared {
    fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            landed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(times: Times) -> Self {
        Self {
            schedule: Schedule::new(times),
            cause: None,
            skipped: Arc::default(),
        }
    }
}

impl RemoteKeySet {
    /// No keys yet; those that are fetched are trusted for these algorithms, none of which may be symmetric.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::NoAlgorithm`] or [`ConfigError::Symmetric`] for the algorithms.
    /// - Those of [`Times::check`].
    pub fn new(algorithms: &[Algorithm], times: Times) -> Result<Self, ConfigError> {
        if algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        if let Some(symmetric) = algorithms.iter().find(|one| one.is_symmetric()) {
            return Err(ConfigError::Symmetric(*symmetric));
        }
        times.check()?;
        Ok(Self {
            algorithms: algorithms.into(),
            limits: Limits::default(),
            keys: RotatingKeySet::new(KeySet::default()),
            start: OnceLock::new(),
            skipped: AtomicU64::new(0),
            settled_until: Default::default(),
            is_failing: AtomicBool::new(false),
            is_fetching: AtomicBool::new(false),
            times,
            shared: ArcSwap::from_pointee(Shared::new(State::new(times))),
            followers: ArcSwap::default(),
        })
    }

    /// Reads more of an answer, or less.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How much of an answer is read; whoever fetches need not go beyond.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The algorithms that the keys are trusted for.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The keys in hand, whatever their age; none before the first fetch and after the last has become too old.
    #[must_use]
    pub fn load(&self) -> LoadedKeySet {
        self.keys.load()
    }

    /// As [`load`](Self::load), to keep.
    #[must_use]
    pub fn load_full(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// Tells this one of each new set, as long as it is there, and at once of the one in hand.
    pub fn add_follower(&self, follower: &Arc<impl Follower + 'static>) {
        let shared = self.shared.load_full();
        let _state = shared.lock();
        let alive = |follower: &&Weak<dyn Follower>| follower.strong_count() > 0;
        let mut followers: Vec<_> = self
            .followers
            .load()
            .iter()
            .filter(alive)
            .cloned()
            .collect();
        let known = followers
            .iter()
            .any(|other| std::ptr::addr_eq(other.as_ptr(), Arc::as_ptr(follower)));
        if !known {
            let weak = Arc::downgrade(follower);
            followers.push(weak);
            self.followers.store(Arc::new(followers));
            follower.trust(&self.keys.load());
        }
    }

    /// Makes this set usable in a forked process, which calls it before anything else: only the thread that forks
    /// exists there, so a fetch of another does not end, and a lock that another held is not released. The keys in hand
    /// stay, unless another thread was replacing them at that moment.
    pub fn reset_after_fork(&self) {
        let old = self.shared.load_full();
        let state = match old.state.try_lock() {
            Ok(state) => state.clone(),
            Err(TryLockError::Poisoned(state)) => state.into_inner().clone(),
            Err(TryLockError::WouldBlock) => State::new(self.times),
        };
        let state = State {
            schedule: state.schedule.in_child(),
            ..state
        };
        self.settle(&state);
        self.shared.store(Arc::new(Shared::new(state)));
    }

    /// Whether the keys in hand are all that there is for this need, so that [`step`](Self::step) would say no more. It
    /// costs a comparison, and no lock.
    #[must_use]
    #[inline]
    pub fn is_settled(&self, need: Need, now: Instant) -> bool {
        let until = &self.settled_until[need as usize];
        nanos(self.since_start(now)) < until.load(Ordering::Acquire)
    }

    /// Whether the last fetch failed, so that nobody can say whether a key that is not in hand exists. It costs no
    /// lock.
    #[must_use]
    #[inline]
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }

    /// Whether a fetch is under way, so that nobody can say yet whether a key that is not in hand exists. It costs no
    /// lock.
    #[must_use]
    #[inline]
    pub fn is_fetching(&self) -> bool {
        self.is_fetching.load(Ordering::Acquire)
    }

    /// The keys of the last response that are skipped, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> Arc<[SkippedKey]> {
        Arc::clone(&self.shared.load().lock().skipped)
    }

    /// So long nothing will be fetched, for a token whose key is not in hand.
    #[must_use]
    pub fn retry_in(&self, now: Instant) -> Duration {
        let now = self.since_start(now);
        self.shared.load().lock().schedule.next_for_unknown(now)
    }

    /// Whether the keys in hand may be used at `now`, current or not.
    #[must_use]
    pub fn is_usable(&self, now: Instant) -> bool {
        let now = self.since_start(now);
        self.shared.load().lock().schedule.is_usable(now)
    }

    /// Lets so much time pass, for tests that do not want to wait.
    pub fn skip(&self, time: Duration) {
        self.skipped.fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// What is to be done by one who needs keys at `now`.
    pub fn step(self: &Arc<Self>, need: Need, now: Instant) -> Step {
        let now = self.since_start(now);
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        let next = state.schedule.next(need, now);
        if !state.schedule.is_usable(now) {
            self.forget();
        }
        self.settle(&state);
        match next {
            Next::Fetch(flight) => Step::Fetch(Turn::new(Arc::clone(self), flight)),
            Next::Unavailable { retry_in } => Step::Unavailable(Unavailable {
                cause: state.cause,
                retry_in,
            }),
            Next::Use => Step::Use(self.keys.load_full()),
            Next::Wait(flight) => Step::Wait(Waiting::new(Arc::clone(self), flight, now)),
        }
    }

    pub(crate) fn land(
        &self,
        flight: Flight,
        keys: KeySet,
        max_age: Option<Duration>,
        now: Duration,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        if state.schedule.land(flight, max_age, now) {
            state.cause = None;
            // Whoever finds the set current must find it everywhere.
            self.publish(keys);
        }
        self.conclude(&shared, &state, now)
    }

    pub(crate) fn crash(
        &self,
        flight: Flight,
        cause: FetchError,
        now: Duration,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        if state.schedule.is_flying(flight.number) {
            state.cause = Some(cause);
        }
        state.schedule.fail(flight, now);
        self.conclude(&shared, &state, now)
    }

    /// Blocks until this fetch is over, or this time.
    pub(crate) fn wait_for(&self, number: u64, at_most: Duration) {
        let flies = |state: &mut State| state.schedule.is_flying(number);
        let shared = self.shared.load_full();
        // A lock that is poisoned leaves nothing to wait for.
        let _ = shared
            .landed
            .wait_timeout_while(shared.lock(), at_most, flies);
    }

    /// Notes that one who waited for this fetch goes on.
    pub(crate) fn leave(&self, number: u64) {
        self.shared.load().lock().schedule.leave(number);
    }

    pub(crate) fn note_skipped(&self, skipped: &Arc<[SkippedKey]>) {
        self.shared.load().lock().skipped = Arc::clone(skipped);
    }

    /// Wakes up who waits; the result is for the one who fetched.
    fn conclude(
        &self,
        shared: &Shared,
        state: &State,
        now: Duration,
    ) -> Result<Arc<KeySet>, Unavailable> {
        self.settle(state);
        shared.landed.notify_all();
        if state.schedule.is_usable(now) {
            return Ok(self.keys.load_full());
        }
        Err(Unavailable {
            cause: state.cause,
            retry_in: state.schedule.retry_in(now),
        })
    }

    /// Keys that are too old are not kept, so that nobody uses them by mistake.
    fn forget(&self) {
        if !self.keys.load().is_empty() {
            self.publish(KeySet::default());
        }
    }

    /// Called under the lock.
    fn publish(&self, keys: KeySet) {
        let followers = self.followers.load();
        let followers = followers.iter().filter_map(Weak::upgrade);
        followers.for_each(|follower| follower.trust(&keys));
        self.keys.replace(keys);
    }

    fn settle(&self, state: &State) {
        self.is_failing
            .store(state.schedule.is_failing(), Ordering::Release);
        self.is_fetching
            .store(state.schedule.is_fetching(), Ordering::Release);
        for need in [Need::Anew, Need::Current, Need::Unknown] {
            let until = nanos(state.schedule.settled_until(need));
            self.settled_until[need as usize].store(until, Ordering::Release);
        }
    }

    #[inline]
    pub(crate) fn since_start(&self, now: Instant) -> Duration {
        let start = self.start.get_or_init(|| now);
        let skipped = Duration::from_nanos(self.skipped.load(Ordering::Relaxed));
        now.saturating_duration_since(*start)
            .saturating_add(skipped)
    }
}

impl fmt::Debug for RemoteKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeySet")
            .field("algorithms", &self.algorithms)
            .field("keys", &*self.load())
            .finish_non_exhaustive()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
