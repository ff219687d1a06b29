//! The keys of another issuer, and which caller fetches them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use boltguard_keys::{Algorithm, KeySet, LoadedKeySet, RotatingKeySet, SkippedKey};

use crate::schedule::{Action, InFlight};
use crate::shared::{Shared, State};
use crate::{
    FetchError, FetchPermit, FetchWait, JwksConfigError, Limits, RefreshPolicy, Unavailable,
};

/// Why keys may have to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// The caller knows that the set has changed: fetches it immediately, regardless of the policy. Never use this
    /// because of a token.
    Force,
    /// The caller needs a fresh set.
    IfStale,
    /// The caller has a token whose key isn't in the set.
    UnknownKid,
}

impl Refresh {
    /// Returns the reason that applies after waiting for another caller's fetch.
    ///
    /// [`Force`](Self::Force) requires another fetch, since that one may have started before the set changed.
    #[must_use]
    pub fn after_wait(self) -> Self {
        match self {
            Self::Force => Self::Force,
            Self::IfStale | Self::UnknownKid => Self::IfStale,
        }
    }
}

/// What a caller that needs keys must do next.
#[derive(Debug)]
#[must_use]
pub enum RefreshStep {
    /// Fetch the set, and pass the response to [`FetchPermit::finish`]. No other caller fetches in the meantime.
    Fetch(FetchPermit),
    /// There are no usable keys, and it is too early to fetch again. The request should be rejected with status 503.
    Unavailable(Unavailable),
    /// Use these keys. They may be stale while new ones are being fetched or are unavailable.
    Use(Arc<KeySet>),
    /// Another caller is fetching: wait for it, and call [`RemoteKeySet::step`] again.
    Wait(FetchWait),
}

/// An observer that is called with new keys before any caller can use them.
///
/// It is called while a lock is held, so it must not call methods of the [`RemoteKeySet`].
pub trait KeyObserver: Send + Sync {
    /// Replaces the keys with these. The set is empty if the previous keys are too old.
    fn on_keys(&self, keys: &KeySet);
}

/// The keys of another issuer, which callers fetch according to a [`RefreshPolicy`].
///
/// It doesn't read a clock or open connections: `now` and responses are arguments. [`JwksClient`](crate::JwksClient)
/// provides both.
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
/// // There are no keys yet. The first caller fetches them, and the next one waits.
/// let RefreshStep::Fetch(permit) = remote.step(Refresh::IfStale, start) else { unreachable!() };
/// assert!(matches!(remote.step(Refresh::IfStale, start), RefreshStep::Wait(_)));
/// let body = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026",
///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let response = Response { status: 200, cache_control: None, body: body.to_vec() };
/// assert_eq!(permit.finish(Ok(response), start).keys()?.len(), 1);
///
/// // The keys are used without a further check until the TTL has passed.
/// assert!(remote.is_up_to_date(Refresh::IfStale, start + Duration::from_secs(299)));
/// assert!(!remote.is_up_to_date(Refresh::IfStale, start + Duration::from_secs(300)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RemoteKeySet {
    algorithms: Box<[Algorithm]>,
    limits: Limits,
    keys: RotatingKeySet,
    /// The first `now`. All other times are durations since then.
    start: OnceLock<Instant>,
    /// For each [`Refresh`], until when [`is_up_to_date`](Self::is_up_to_date), in nanoseconds since the start.
    up_to_date_until: [AtomicU64; 3],
    is_failing: AtomicBool,
    is_fetching: AtomicBool,
    policy: RefreshPolicy,
    /// Replaced in a forked process, since a thread that doesn't exist there may hold the lock.
    shared: ArcSwap<Shared>,
    /// Only changed while the lock is held, but stored separately, so that a forked process keeps them.
    observers: ArcSwap<Vec<Weak<dyn KeyObserver>>>,
}

impl RemoteKeySet {
    /// Creates a set without keys. Fetched keys are trusted for these algorithms, none of which may be symmetric.
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
            up_to_date_until: Default::default(),
            is_failing: AtomicBool::new(false),
            is_fetching: AtomicBool::new(false),
            policy,
            shared: ArcSwap::from_pointee(Shared::new(State::new(policy))),
            observers: ArcSwap::default(),
        })
    }

    /// Sets the limits for responses.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the limits for responses. HTTP clients can stop reading beyond them.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the algorithms that the keys are trusted for.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Returns the current keys without checking their age.
    ///
    /// The set is empty before the first fetch, and after the keys have become too old.
    #[must_use]
    pub fn load(&self) -> LoadedKeySet {
        self.keys.load()
    }

    /// Returns the same keys as [`load`](Self::load), for a longer time.
    #[must_use]
    pub fn load_full(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// Adds an observer, which is called with the current keys and with each new set until it is dropped.
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

    /// Makes this set usable in a forked process, which must call this first.
    ///
    /// Only the forking thread exists in the child, so fetches of other threads never end there, and their locks are
    /// never released. The current keys are kept, unless another thread was replacing them during the fork.
    pub fn reset_after_fork(&self) {
        let state = self.shared.load_full().in_child(self.policy);
        self.store_status(&state);
        self.shared.store(Arc::new(Shared::new(state)));
    }

    /// Returns whether the current keys can be used without calling [`step`](Self::step).
    ///
    /// This is a single comparison without a lock.
    #[must_use]
    #[inline]
    pub fn is_up_to_date(&self, refresh: Refresh, now: Instant) -> bool {
        let until = &self.up_to_date_until[refresh as usize];
        nanos(self.since_start(now)) < until.load(Ordering::Acquire)
    }

    /// Returns whether the last fetch failed, without taking a lock. It is then unknown whether a missing key exists.
    #[must_use]
    #[inline]
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }

    /// Returns whether a fetch is in progress, without taking a lock. It is then unknown whether a missing key exists.
    #[must_use]
    #[inline]
    pub fn is_fetching(&self) -> bool {
        self.is_fetching.load(Ordering::Acquire)
    }

    /// Returns the keys in the last response that were skipped, with the reasons.
    #[must_use]
    pub fn skipped(&self) -> Arc<[SkippedKey]> {
        Arc::clone(&self.shared.load().lock().skipped)
    }

    /// Returns the time until the set can be fetched again for an unknown `kid`.
    #[must_use]
    pub fn retry_in(&self, now: Instant) -> Duration {
        let now = self.since_start(now);
        self.shared
            .load()
            .lock()
            .schedule
            .retry_in_for_unknown_kid(now)
    }

    /// Returns the time until a caller that needs fresh keys has to fetch them.
    #[must_use]
    pub fn next_refresh_in(&self, now: Instant) -> Duration {
        let now = self.since_start(now);
        self.shared.load().lock().schedule.next_refresh_in(now)
    }

    /// Returns whether the current keys may be used at `now`, fresh or stale.
    #[must_use]
    pub fn is_usable(&self, now: Instant) -> bool {
        let now = self.since_start(now);
        self.shared.load().lock().schedule.is_usable(now)
    }

    /// Returns what a caller that needs keys at `now` must do.
    pub fn step(self: &Arc<Self>, refresh: Refresh, now: Instant) -> RefreshStep {
        let now = self.since_start(now);
        let shared = self.shared.load_full();
        let mut state = shared.lock();
        let is_lost = state.schedule.lost_fetch(now).is_some();
        let action = state.schedule.next_action(refresh, now);
        if !state.schedule.is_usable(now) {
            self.discard_keys();
        }
        self.store_status(&state);
        let cause = state.cause;
        drop(state);
        if is_lost {
            shared.wake_all();
        }
        match action {
            Action::Fetch(in_flight) => {
                RefreshStep::Fetch(FetchPermit::new(Arc::clone(self), in_flight))
            }
            Action::Unavailable { retry_in } => {
                RefreshStep::Unavailable(Unavailable { cause, retry_in })
            }
            Action::Use => RefreshStep::Use(self.keys.load_full()),
            Action::Wait(in_flight) => {
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
            // Before the set counts as fresh, so that every thread that sees it as fresh also sees the new keys.
            self.publish(keys);
        }
        self.finish_fetch(&shared, state, now)
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
        self.finish_fetch(&shared, state, now)
    }

    /// Blocks until this fetch ends or the timeout has passed.
    pub(crate) fn wait_for(&self, number: u64, timeout: Duration) {
        self.shared.load_full().wait_for(number, timeout);
    }

    /// Returns whether this fetch has ended. If not, the task is woken up at its end.
    pub(crate) fn poll_ended(
        &self,
        number: u64,
        task: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<()> {
        self.shared.load_full().poll_ended(number, task, context)
    }

    /// Records that a caller, and its task if it is one, no longer waits for this fetch.
    pub(crate) fn stop_waiting(&self, number: u64, task: Option<u64>) {
        let shared = self.shared.load_full();
        shared.lock().schedule.remove_waiter(number);
        if let Some(task) = task {
            shared.remove_task(task);
        }
    }

    /// Wakes up everyone who waits, so that one of them continues a fetch.
    pub(crate) fn wake_all(&self) {
        self.shared.load_full().wake_all();
    }

    pub(crate) fn set_skipped(&self, skipped: &Arc<[SkippedKey]>) {
        self.shared.load().lock().skipped = Arc::clone(skipped);
    }

    /// Wakes up the waiting callers, and returns the result for the caller that fetched.
    fn finish_fetch(
        &self,
        shared: &Shared,
        state: MutexGuard<'_, State>,
        now: Duration,
    ) -> Result<Arc<KeySet>, Unavailable> {
        self.store_status(&state);
        let result = match state.schedule.is_usable(now) {
            true => Ok(self.keys.load_full()),
            false => Err(Unavailable {
                cause: state.cause,
                retry_in: state.schedule.retry_in(now),
            }),
        };
        drop(state);
        shared.wake_all();
        result
    }

    /// Removes keys that are too old, so that they can't be used by mistake.
    fn discard_keys(&self) {
        if !self.keys.load().is_empty() {
            self.publish(KeySet::default());
        }
    }

    /// Passes the keys to the observers and stores them. The caller must hold the lock.
    fn publish(&self, keys: KeySet) {
        let observers = self.observers.load();
        let observers = observers.iter().filter_map(Weak::upgrade);
        observers.for_each(|observer| observer.on_keys(&keys));
        self.keys.replace(keys);
    }

    /// Stores what can be read without the lock.
    fn store_status(&self, state: &State) {
        self.is_failing
            .store(state.schedule.is_failing(), Ordering::Release);
        self.is_fetching
            .store(state.schedule.is_fetching(), Ordering::Release);
        for refresh in [Refresh::Force, Refresh::IfStale, Refresh::UnknownKid] {
            let until = nanos(state.schedule.up_to_date_until(refresh));
            self.up_to_date_until[refresh as usize].store(until, Ordering::Release);
        }
    }

    #[inline]
    pub(crate) fn since_start(&self, now: Instant) -> Duration {
        let start = self.start.get_or_init(|| now);
        now.saturating_duration_since(*start)
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
