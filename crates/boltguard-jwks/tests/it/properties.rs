use std::time::{Duration, Instant};

use boltguard_jwks::{FetchError, FetchPermit, Refresh, RefreshPolicy, RefreshStep, Response};
use proptest::prelude::*;

use crate::support::{Scene, response};

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
