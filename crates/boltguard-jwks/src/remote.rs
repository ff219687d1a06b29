//! The keys of another issuer, and who fetches them when.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use boltguard_keys::{Algorithm, KeySet, LoadedKeySet, RotatingKeySet, SkippedKey};

use crate::schedule::{InFlight, Next, Schedule};
use crate::{
    FetchError, FetchPermit, FetchWait, JwksConfigError, Limits, RefreshPolicy, Unavailable,
};

/// What keys are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// For one who knows that the set has changed: fetched at once, regardless of the policy. Never for a token's sake.
    Force,
    /// To verify with a current set.
    IfStale,
    /// For a token whose key is not in the set.
    UnknownKid,
}

impl Refresh {
    /// What is needed by one who has waited for another's fetch. Whoever knows of a change asks once more, since that
    /// fetch may have begun before the change; one that begins then is new enough.
    #[must_use]
    pub fn after_wait(self) -> Self {
        match self {
            Self::Force => Self::Force,
            Self::IfStale | Self::UnknownKid => Self::IfStale,
        }
    }
}

/// What is to be done by one who needs keys.
#[derive(Debug)]
#[must_use]
pub enum RefreshStep {
    /// Fetch, and tell the [`FetchPermit`] what came of it. Nobody else fetches meanwhile.
    Fetch(FetchPermit),
    /// There are no keys that may be used, and it is too early to fetch again: the request is refused with 503.
    Unavailable(Unavailable),
    /// Use these. They may be beyond their time, while others are being fetched or can't be had.
    Use(Arc<KeySet>),
    /// Another one fetches: wait for it, and ask again.
    Wait(FetchWait),
}

/// One who has to learn of new keys before anybody takes them for current.
///
/// It is told under a lock: it must not ask the [`RemoteKeySet`] anything.
pub trait KeyObserver: Send + Sync {
    /// Trusts these keys instead of those before; none, where those before are too old.
    fn on_keys(&self, keys: &KeySet);
}

/// The keys of another issuer, fetched by whoever finds that it is time to.
///
/// It reads no clock and opens no connection: `now` is an argument, and of a fetch it is told what came of it.
/// [`JwksClient`](crate::JwksClient) puts the two together.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use boltguard_jwks::{Refresh, RemoteKeySet, Response, RefreshStep, RefreshPolicy};
/// use boltguard_keys::Algorithm;
///
/// let remote = Arc::new(RemoteKeySet::new(&[Algorithm::EdDsa], RefreshPolicy::default())?);
/// let start = Instant::now();
///
/// // There are no keys yet. The first one who asks fetches, and the next one waits.
/// let RefreshStep::Fetch(permit) = remote.step(Refresh::IfStale, start) else { unreachable!() };
/// assert!(matches!(remote.step(Refresh::IfStale, start), RefreshStep::Wait(_)));
/// let body = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026",
///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let response = Response { status: 200, cache_control: None, body: body.to_vec() };
/// assert_eq!(permit.finish(Ok(response), start).keys()?.len(), 1);
///
/// // Until the TTL is over, this is all that is asked.
/// assert!(remote.is_settled(Refresh::IfStale, start + Duration::from_secs(299)));
/// assert!(!remote.is_settled(Refresh::IfStale, start + Duration::from_secs(300)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RemoteKeySet {
    algorithms: Box<[Algorithm]>,
    limits: Limits,
    keys: RotatingKeySet,
    /// The first moment that was ever named, from which all others count.
    start: OnceLock<Instant>,
    /// By how many nanoseconds tests have moved the clock.
    #[cfg(feature = "testing")]
    skipped: AtomicU64,
    /// For each need, in nanoseconds from the start: until then the keys are used and nothing else is asked.
    settled_until: [AtomicU64; 3],
    is_failing: AtomicBool,
    is_fetching: AtomicBool,
    policy: RefreshPolicy,
    /// Replaced in a forked process, since a thread that is not there may hold the lock.
    shared: ArcSwap<Shared>,
    /// Changed under the lock alone, and outside of it, so that a forked process has them.
    observers: ArcSwap<Vec<Weak<dyn KeyObserver>>>,
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
    fn new(policy: RefreshPolicy) -> Self {
        Self {
            schedule: Schedule::new(policy),
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
    /// - [`JwksConfigError::NoAlgorithm`] or [`JwksConfigError::Symmetric`] for the algorithms.
    /// - Those of [`RefreshPolicy::check`].
    pub fn new(algorithms: &[Algorithm], policy: RefreshPolicy) -> Result<Self, JwksConfigError> {
        if algorithms.is_empty() {
            return Err(JwksConfigError::NoAlgorithm);
        }
        if let Some(symmetric) = algorithms.iter().find(|one| one.is_symmetric()) {
            return Err(JwksConfigError::Symmetric(*symmetric));
        }
        policy.check()?;
        Ok(Self {
            algorithms: algorithms.into(),
            limits: Limits::default(),
            keys: RotatingKeySet::new(KeySet::default()),
            start: OnceLock::new(),
            #[cfg(feature = "testing")]
            skipped: AtomicU64::new(0),
            settled_until: Default::default(),
            is_failing: AtomicBool::new(false),
            is_fetching: AtomicBool::new(false),
            policy,
            shared: ArcSwap::from_pointee(Shared::new(State::new(policy))),
            observers: ArcSwap::default(),
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
    pub fn add_observer(&self, observer: &Arc<impl KeyObserver + 'static>) {
        let shared = self.shared.load_full();
        let _state = shared.lock();
        let alive = |observer: &&Weak<dyn KeyObserver>| observer.strong_count() > 0;
        let mut observers: Vec<_> = self
            .observers
            .load()
            .iter()
            .filter(alive)
            .cloned()
            .collect();
        let known = observers
            .iter()
            .any(|other| std::ptr::addr_eq(other.as_ptr(), Arc::as_ptr(observer)));
        if !known {
            let weak = Arc::downgrade(observer);
            observers.push(weak);
            self.observers.store(Arc::new(observers));
            observer.on_keys(&self.keys.load());
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
            Err(TryLockError::WouldBlock) => State::new(self.policy),
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
    pub fn is_settled(&self, need: Refresh, now: Instant) -> bool {
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

    /// Moves the clock forward, for tests that can't pass `now`.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn skip(&self, time: Duration) {
        self.skipped.fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// What is to be done by one who needs keys at `now`.
    pub fn step(self: &Arc<Self>, need: Refresh, now: Instant) -> RefreshStep {
        let now = self.since_start(now);
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        let next = state.schedule.next(need, now);
        if !state.schedule.is_usable(now) {
            self.forget();
        }
        self.settle(&state);
        match next {
            Next::Fetch(in_flight) => {
                RefreshStep::Fetch(FetchPermit::new(Arc::clone(self), in_flight))
            }
            Next::Unavailable { retry_in } => RefreshStep::Unavailable(Unavailable {
                cause: state.cause,
                retry_in,
            }),
            Next::Use => RefreshStep::Use(self.keys.load_full()),
            Next::Wait(in_flight) => {
                RefreshStep::Wait(FetchWait::new(Arc::clone(self), in_flight, now))
            }
        }
    }

    pub(crate) fn complete(
        &self,
        in_flight: InFlight,
        keys: KeySet,
        max_age: Option<Duration>,
        now: Duration,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        if state.schedule.complete(in_flight, max_age, now) {
            state.cause = None;
            // Whoever finds the set current must find it everywhere.
            self.publish(keys);
        }
        self.conclude(&shared, &state, now)
    }

    pub(crate) fn fail(
        &self,
        in_flight: InFlight,
        cause: FetchError,
        now: Duration,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        if state.schedule.is_in_flight(in_flight.number) {
            state.cause = Some(cause);
        }
        state.schedule.fail(in_flight, now);
        self.conclude(&shared, &state, now)
    }

    /// Blocks until this fetch is over, or this time.
    pub(crate) fn wait_for(&self, number: u64, at_most: Duration) {
        let flies = |state: &mut State| state.schedule.is_in_flight(number);
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
        let observers = self.observers.load();
        let observers = observers.iter().filter_map(Weak::upgrade);
        observers.for_each(|observer| observer.on_keys(&keys));
        self.keys.replace(keys);
    }

    fn settle(&self, state: &State) {
        self.is_failing
            .store(state.schedule.is_failing(), Ordering::Release);
        self.is_fetching
            .store(state.schedule.is_fetching(), Ordering::Release);
        for need in [Refresh::Force, Refresh::IfStale, Refresh::UnknownKid] {
            let until = nanos(state.schedule.settled_until(need));
            self.settled_until[need as usize].store(until, Ordering::Release);
        }
    }

    #[inline]
    pub(crate) fn since_start(&self, now: Instant) -> Duration {
        let start = self.start.get_or_init(|| now);
        #[cfg(feature = "testing")]
        let skipped = Duration::from_nanos(self.skipped.load(Ordering::Relaxed));
        #[cfg(not(feature = "testing"))]
        let skipped = Duration::ZERO;
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
