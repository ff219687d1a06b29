#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use boltguard_jwks::{
    AsyncJwksClient, FetchError, FetchPermit, JwksClient, JwksUrl, Refresh, RefreshPolicy,
    RefreshStep, RemoteKeySet, Response, Unavailable,
};
use boltguard_keys::KeySet;
use proptest::prelude::*;

use crate::support::{ALGORITHMS, Scene, body, names, ready, response, seconds};

/// An event.
#[derive(Clone, Debug)]
enum Event {
    Refresh(Refresh),
    Fail,
    Lose,
    Pass(Duration),
    Succeed(Option<u64>),
}

fn event() -> impl Strategy<Value = Event> {
    let need = prop_oneof![Just(Refresh::IfStale), Just(Refresh::UnknownKid)];
    prop_oneof![
        4 => need.prop_map(Event::Refresh),
        1 => Just(Event::Fail),
        1 => Just(Event::Lose),
        4 => (0..60_000_u64).prop_map(|millis| Event::Pass(Duration::from_millis(millis))),
        2 => proptest::option::of(0..200_u64).prop_map(Event::Succeed),
    ]
}

fn policy() -> impl Strategy<Value = RefreshPolicy> {
    (1..120_u64, 1..60_u64, 0..200_u64, 1..30_u64).prop_map(
        |(ttl, cooldown, stale, lock_timeout)| {
            let [ttl, cooldown, stale, lock_timeout] =
                [ttl, cooldown, stale, lock_timeout].map(Duration::from_secs);
            RefreshPolicy {
                ttl,
                cooldown,
                stale,
                lock_timeout,
            }
        },
    )
}

/// The observed history.
#[derive(Default)]
struct Seen {
    /// The permits, with the times at which they began.
    permits: Vec<(FetchPermit, Instant)>,
    /// The time at which the newest set was received, and the time at which its fetch began.
    landed: Option<Instant>,
    newest: Option<Instant>,
    failed: Option<Instant>,
    begun: Option<Instant>,
    /// The time at which the last completed fetch ended.
    ended: Option<Instant>,
}

impl Seen {
    /// Notes that this permit failed at `now`, unless it had already expired.
    fn fail(&mut self, begun: Instant, now: Instant, policy: RefreshPolicy) {
        if self.begun == Some(begun) && now < begun + policy.lock_timeout {
            self.failed = Some(now);
        }
    }
}

fn respond(max_age: Option<u64>) -> Response {
    Response {
        cache_control: max_age.map(|age| format!("max-age={age}")),
        ..response(&["a"])
    }
}

proptest! {
    #[test]
    fn fetches_are_limited_and_old_keys_are_not_used(
        policy in policy(),
        events in proptest::collection::vec(event(), 0..120),
    ) {
        let mut scene = Scene::new(policy);
        let mut seen = Seen::default();
        for event in events {
            match event {
                Event::Pass(time) => scene.now += time,
                Event::Refresh(need) => refresh(&scene, &mut seen, need, policy)?,
                Event::Succeed(max_age) => if let Some((permit, begun)) = seen.permits.pop() {
                    let fetched = permit.finish(Ok(respond(max_age)), scene.now);
                    seen.ended = seen.ended.max(Some(scene.now));
                    prop_assert_eq!(fetched.problem(), None);
                    if seen.newest <= Some(begun) {
                        seen.newest = Some(begun);
                        seen.landed = Some(scene.now);
                        seen.failed = None;
                    }
                },
                Event::Fail => if let Some((permit, begun)) = seen.permits.pop() {
                    let fetched = permit.finish(Err(FetchError::Timeout), scene.now);
                    seen.ended = seen.ended.max(Some(scene.now));
                    prop_assert_eq!(fetched.problem(), Some(FetchError::Timeout));
                    seen.fail(begun, scene.now, policy);
                },
                Event::Lose => if let Some((permit, begun)) = seen.permits.pop() {
                    drop(permit);
                    seen.fail(begun, begun, policy);
                },
            }
            if scene.remote.is_up_to_date(Refresh::IfStale, scene.now) {
                prop_assert!(!scene.remote.load().is_empty());
                prop_assert!(seen.landed.is_some_and(|landed| scene.now < landed + policy.ttl + policy.stale));
            }
        }
    }
}

fn refresh(
    scene: &Scene,
    seen: &mut Seen,
    need: Refresh,
    policy: RefreshPolicy,
) -> Result<(), TestCaseError> {
    let now = scene.now;
    let was_current = scene.remote.is_up_to_date(Refresh::IfStale, now);
    let was_up_to_date = scene.remote.is_up_to_date(need, now);
    let step = scene.step(need);
    prop_assert!(!was_up_to_date || matches!(step, RefreshStep::Use(_)));
    match step {
        RefreshStep::Fetch(permit) => {
            // One fetch at a time, unless the last one takes too long.
            let is_lost = |begun: Instant| now >= begun + policy.lock_timeout;
            let flies = seen
                .permits
                .iter()
                .any(|(_, begun)| Some(*begun) == seen.begun && !is_lost(*begun));
            prop_assert!(!flies);
            // For an unknown key only, at most once per cooldown, which begins at the end of a fetch.
            let ended = seen.ended.or(seen.begun);
            let has_cooled = ended.is_none_or(|ended| now >= ended + policy.cooldown);
            prop_assert!(has_cooled || !was_current);
            // After a failure, there is a minimum delay.
            let pause = Duration::from_secs(1).min(policy.cooldown);
            prop_assert!(seen.failed.is_none_or(|failed| now >= failed + pause));
            seen.begun = Some(now);
            seen.permits.push((permit, now));
        }
        RefreshStep::Use(keys) => {
            prop_assert!(!keys.is_empty());
            prop_assert!(
                seen.landed
                    .is_some_and(|landed| now < landed + policy.ttl + policy.stale)
            );
        }
        RefreshStep::Unavailable(unavailable) => {
            prop_assert!(!was_current);
            prop_assert!(!unavailable.retry_in().is_zero());
            prop_assert!(unavailable.retry_in() <= policy.cooldown);
            prop_assert!(scene.remote.load().is_empty());
        }
        RefreshStep::Wait(waiting) => {
            prop_assert!(waiting.timeout() <= policy.lock_timeout);
            prop_assert!(need == Refresh::UnknownKid || !was_current);
        }
    }
    Ok(())
}

/// An issuer that responds with this script, again and again.
#[derive(Clone)]
struct Script {
    responses: Vec<Result<Response, FetchError>>,
    fetches: Arc<AtomicUsize>,
}

impl Script {
    fn new(responses: &[Result<Response, FetchError>]) -> Self {
        Self {
            responses: responses.to_vec(),
            fetches: Arc::default(),
        }
    }

    fn respond(&self) -> Result<Response, FetchError> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst);
        self.responses[number % self.responses.len()].clone()
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn scripted() -> impl Strategy<Value = Result<Response, FetchError>> {
    prop_oneof![
        2 => Just(Ok(response(&["a"]))),
        2 => Just(Ok(response(&["a", "b"]))),
        1 => Just(Ok(body("nonsense"))),
        2 => Just(Err(FetchError::Timeout)),
    ]
}

/// The keys, or why there are none.
fn found(result: Result<Arc<KeySet>, Unavailable>) -> Result<Vec<String>, Option<FetchError>> {
    let owned = |keys: Arc<KeySet>| names(&keys).into_iter().map(str::to_owned).collect();
    result.map(owned).map_err(|unavailable| unavailable.cause())
}

proptest! {
    #[test]
    fn both_clients_fetch_at_the_same_times(
        script in proptest::collection::vec(scripted(), 1..8),
        events in proptest::collection::vec((0..3_usize, 0..60_u64), 0..60),
    ) {
        // The times of events are far from the limits of the policy, since the duration of a fetch is measured.
        let policy = RefreshPolicy {
            ttl: seconds(10_000),
            cooldown: seconds(1_000),
            stale: seconds(100_000),
            ..RefreshPolicy::default()
        };
        let remote = || Arc::new(RemoteKeySet::new(ALGORITHMS, policy).unwrap());
        let scripts = [Script::new(&script), Script::new(&script)];
        let [one, two] = scripts.clone();
        let blocking = JwksClient::new(remote(), move |_: usize| one.respond());
        let url = JwksUrl::new("https://id.example.com/jwks").unwrap();
        let asynchronous = AsyncJwksClient::new(remote(), url, move |_, _| {
            let response = two.respond();
            async { response }
        });
        let mut now = Instant::now();
        for (refresh, pause) in events {
            let refresh = [Refresh::IfStale, Refresh::UnknownKid, Refresh::Force][refresh];
            now += seconds(300) * u32::try_from(pause.saturating_sub(20) * pause).unwrap();
            let results = [
                found(blocking.refresh(refresh, now)),
                found(ready(asynchronous.refresh(refresh, now))),
            ];
            prop_assert_eq!(&results[0], &results[1]);
            prop_assert_eq!(scripts[0].fetches(), scripts[1].fetches());
        }
    }
}
