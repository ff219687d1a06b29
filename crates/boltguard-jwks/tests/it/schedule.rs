use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use boltguard_jwks::{
    FetchError, JwksConfigError, KeyObserver, Refresh, RefreshPolicy, RefreshStep, RemoteKeySet,
    Response,
};
use boltguard_keys::{Algorithm, KeyError, KeySet};

use crate::support::{ALGORITHMS, Scene, body, jwks, names, response, seconds};

#[test]
fn the_first_one_fetches_and_the_others_wait() {
    let scene = Scene::new(RefreshPolicy::default());
    let permit = scene.fetch(Refresh::IfStale);
    for need in [Refresh::IfStale, Refresh::UnknownKid] {
        assert!(matches!(scene.step(need), RefreshStep::Wait(_)));
    }
    permit
        .finish(Ok(response(&["a"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
}

#[test]
fn a_set_is_current_for_its_ttl_and_no_longer() {
    let mut scene = Scene::with_keys(&["a"]);
    assert!(scene.remote.is_up_to_date(Refresh::IfStale, scene.now));
    scene.now += seconds(300) - Duration::from_nanos(1);
    assert!(scene.remote.is_up_to_date(Refresh::IfStale, scene.now));
    scene.now += Duration::from_nanos(1);
    assert!(!scene.remote.is_up_to_date(Refresh::IfStale, scene.now));
    drop(scene.fetch(Refresh::IfStale));
}

#[test]
fn fails_between_a_failed_fetch_and_the_next_success() {
    let mut scene = Scene::with_keys(&["a"]);
    assert!(!scene.remote.is_failing());
    let permit = scene.after(300).fetch(Refresh::IfStale);
    let _ = permit.finish(Err(FetchError::Timeout), scene.now);
    assert!(scene.remote.is_failing());
    let permit = scene.after(1).fetch(Refresh::IfStale);
    assert!(scene.remote.is_failing());
    permit
        .finish(Ok(response(&["a"])), scene.now)
        .keys()
        .unwrap();
    assert!(!scene.remote.is_failing());
}

#[test]
fn other_callers_use_existing_keys_during_a_fetch() {
    let mut scene = Scene::with_keys(&["a"]);
    let permit = scene.after(300).fetch(Refresh::IfStale);
    assert!(scene.remote.is_up_to_date(Refresh::IfStale, scene.now));
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    permit
        .finish(Ok(response(&["b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["b"]);
}

#[test]
fn max_age_shortens_the_ttl_down_to_the_cooldown() {
    for (max_age, current) in [
        ("max-age=100", 100),
        ("max-age=0", 30),
        ("no-store", 30),
        ("max-age=86400", 300),
    ] {
        let mut scene = Scene::new(RefreshPolicy::default());
        let response = Response {
            cache_control: Some(max_age.to_owned()),
            ..response(&["a"])
        };
        scene
            .fetch(Refresh::IfStale)
            .finish(Ok(response), scene.now)
            .keys()
            .unwrap();
        scene.after(current - 1);
        assert!(
            scene.remote.is_up_to_date(Refresh::IfStale, scene.now),
            "{max_age}"
        );
        scene.after(1);
        assert!(
            !scene.remote.is_up_to_date(Refresh::IfStale, scene.now),
            "{max_age}"
        );
    }
}

#[test]
fn unknown_keys_cause_one_fetch_per_cooldown() {
    let mut scene = Scene::with_keys(&["a"]);
    let (mut fetches, mut settled) = (0, 0);
    for _ in 0..1_000 {
        scene.now += Duration::from_millis(250);
        settled += usize::from(scene.remote.is_up_to_date(Refresh::UnknownKid, scene.now));
        if let RefreshStep::Fetch(permit) = scene.step(Refresh::UnknownKid) {
            fetches += 1;
            permit
                .finish(Ok(response(&["a"])), scene.now)
                .keys()
                .unwrap();
        }
    }
    // 250 seconds, the first 30 of which follow the fetch at the start.
    assert_eq!((fetches, settled), (8, 992));
}

#[test]
fn new_key_is_found_after_the_cooldown() {
    let mut scene = Scene::with_keys(&["a"]);
    assert_eq!(scene.after(29).uses(Refresh::UnknownKid), ["a"]);
    let permit = scene.after(1).fetch(Refresh::UnknownKid);
    // Callers that need the same key wait; others continue.
    assert!(matches!(
        scene.step(Refresh::UnknownKid),
        RefreshStep::Wait(_)
    ));
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    permit
        .finish(Ok(response(&["a", "b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::UnknownKid), ["a", "b"]);
}

#[test]
fn forced_refresh_fetches_immediately() {
    let mut scene = Scene::with_keys(&["a"]);
    let permit = scene.fetch(Refresh::Force);
    assert!(matches!(scene.step(Refresh::Force), RefreshStep::Wait(_)));
    permit
        .finish(Ok(response(&["b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["b"]);
    scene.after(300).fail(Refresh::IfStale);
    drop(scene.fetch(Refresh::Force));
}

#[test]
fn unknown_key_is_refused_while_the_issuer_fails() {
    let mut scene = Scene::with_keys(&["a"]);
    scene.after(30).fail(Refresh::UnknownKid);
    let _turn = scene.after(30).fetch(Refresh::UnknownKid);
    assert_eq!(scene.uses(Refresh::UnknownKid), ["a"]);
}

#[test]
fn few_callers_wait_for_an_unknown_key() {
    let mut scene = Scene::with_keys(&["a"]);
    let permit = scene.after(30).fetch(Refresh::UnknownKid);
    assert!(scene.remote.is_fetching());
    let mut waiting: Vec<_> = (0..2).map(|_| scene.step(Refresh::UnknownKid)).collect();
    assert!(
        waiting
            .iter()
            .all(|step| matches!(step, RefreshStep::Wait(_)))
    );
    for _ in 0..3 {
        assert_eq!(scene.uses(Refresh::UnknownKid), ["a"]);
        assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    }
    // If a waiting caller gives up, another one can wait. A caller that knows of a change always waits.
    waiting.pop();
    assert!(matches!(scene.step(Refresh::Force), RefreshStep::Wait(_)));
    waiting.push(scene.step(Refresh::UnknownKid));
    assert!(matches!(waiting.last(), Some(RefreshStep::Wait(_))));
    assert_eq!(scene.uses(Refresh::UnknownKid), ["a"]);
    permit
        .finish(Ok(response(&["a"])), scene.now)
        .keys()
        .unwrap();
    assert!(!scene.remote.is_fetching());
    // Callers that waited for the last fetch don't count for the next one.
    let _turn = scene.after(30).fetch(Refresh::UnknownKid);
    drop(waiting);
    let _waiting = [
        scene.step(Refresh::UnknownKid),
        scene.step(Refresh::UnknownKid),
    ];
    assert_eq!(scene.uses(Refresh::UnknownKid), ["a"]);
}

#[test]
fn all_callers_wait_for_the_first_fetch() {
    let mut scene = Scene::new(RefreshPolicy::default());
    let first = scene.fetch(Refresh::IfStale);
    let waiting: Vec<_> = (0..50).map(|_| scene.step(Refresh::IfStale)).collect();
    assert!(
        waiting
            .iter()
            .all(|step| matches!(step, RefreshStep::Wait(_)))
    );
    let _ = first.finish(Err(FetchError::Timeout), scene.now);
    drop(waiting);

    let second = scene.after(1).fetch(Refresh::IfStale);
    let _waiting = [
        scene.step(Refresh::IfStale),
        scene.step(Refresh::UnknownKid),
    ];
    for need in [Refresh::IfStale, Refresh::UnknownKid] {
        assert_eq!(scene.unavailable(need).retry_in(), seconds(1));
    }
    second
        .finish(Ok(response(&["a"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
}

#[test]
fn the_cooldown_begins_when_a_fetch_ends() {
    for succeeds in [true, false] {
        let mut scene = Scene::with_keys(&["a"]);
        let permit = scene.after(30).fetch(Refresh::UnknownKid);
        scene.after(14);
        let response = if succeeds {
            Ok(response(&["a"]))
        } else {
            Err(FetchError::Timeout)
        };
        permit.finish(response, scene.now).keys().unwrap();
        assert_eq!(scene.after(29).uses(Refresh::UnknownKid), ["a"]);
        drop(scene.after(1).fetch(Refresh::UnknownKid));
    }
}

#[test]
fn a_child_process_does_not_wait_for_a_fetch_of_its_parent() {
    let mut scene = Scene::with_keys(&["a"]);
    let counter = Arc::new(Counter::default());
    scene.remote.add_observer(&counter);
    let lost = scene.after(30).fetch(Refresh::UnknownKid);
    let _waiting = [
        scene.step(Refresh::UnknownKid),
        scene.step(Refresh::UnknownKid),
    ];
    scene.remote.reset_after_fork();
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    let permit = scene.fetch(Refresh::UnknownKid);
    // The result of the parent's fetch has no effect here.
    drop(lost);
    assert!(scene.remote.is_fetching() && !scene.remote.is_failing());
    permit
        .finish(Ok(response(&["a", "b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::UnknownKid), ["a", "b"]);
    assert_eq!(counter.0.load(Ordering::SeqCst), 2);
}

#[test]
fn a_child_process_without_keys_fetches_at_once() {
    let scene = Scene::new(RefreshPolicy::default());
    let _lost = scene.fetch(Refresh::IfStale);
    assert!(matches!(scene.step(Refresh::IfStale), RefreshStep::Wait(_)));
    scene.remote.reset_after_fork();
    drop(scene.fetch(Refresh::IfStale));
}

/// Resets while another thread holds the lock, which may happen during a fork.
struct Holder(std::sync::Weak<RemoteKeySet>);

impl KeyObserver for Holder {
    fn on_keys(&self, keys: &KeySet) {
        if keys.len() == 2 {
            self.0.upgrade().unwrap().reset_after_fork();
        }
    }
}

#[test]
fn a_lock_that_is_held_at_a_fork_does_not_hold_up_the_child() {
    let mut scene = Scene::with_keys(&["a"]);
    let holder = Arc::new(Holder(Arc::downgrade(&scene.remote)));
    let counter = Arc::new(Counter::default());
    scene.remote.add_observer(&holder);
    scene.remote.add_observer(&counter);
    let permit = scene.after(30).fetch(Refresh::UnknownKid);
    let _ = permit.finish(Ok(response(&["a", "b"])), scene.now);
    // It is unknown whether the other thread has finished, so the keys are fetched.
    let permit = scene.fetch(Refresh::IfStale);
    permit
        .finish(Ok(response(&["a", "b", "c"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["a", "b", "c"]);
    assert_eq!(counter.0.load(Ordering::SeqCst), 3);
}

#[test]
fn skipped_keys_are_listed_with_their_reasons() {
    let small = r#"{"kty":"RSA","kid":"small","n":"AQAB","e":"AQAB"}"#;
    let alone = body(format!(r#"{{"keys":[{small},{{"kty":"XYZ"}}]}}"#));
    let mut scene = Scene::new(RefreshPolicy::default());
    let fetched = scene.fetch(Refresh::IfStale).finish(Ok(alone), scene.now);
    assert_eq!(
        fetched.problem(),
        Some(FetchError::Keys(KeyError::NoUsableKey))
    );
    let text = fetched.explain().unwrap();
    for part in [
        "no key can be used",
        r#"key 0 (kid "small"): the RSA key is shorter"#,
        "key 1: `kty` names",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(scene.remote.skipped().len(), 2);

    let set = jwks(&["a"]).replace(r#"{"keys":["#, &format!(r#"{{"keys":[{small},"#));
    let fetched = scene
        .after(30)
        .fetch(Refresh::IfStale)
        .finish(Ok(body(set)), scene.now);
    assert_eq!((fetched.problem(), fetched.explain()), (None, None));
    assert_eq!(fetched.skipped()[0].kid().unwrap().as_str(), "small");
    assert_eq!(names(&fetched.keys().unwrap()), ["a"]);

    let many = vec![small; 99].join(",");
    let many = body(format!(r#"{{"keys":[{many}]}}"#));
    let fetched = scene
        .after(300)
        .fetch(Refresh::IfStale)
        .finish(Ok(many), scene.now);
    let text = fetched.explain().unwrap();
    assert!(
        text.ends_with("; and 89 more") && text.len() < 2000,
        "{text}"
    );
}

#[test]
fn the_old_set_serves_on_until_it_is_too_old() {
    let mut scene = Scene::with_keys(&["a"]);
    scene.after(300).fail(Refresh::IfStale);
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    scene.after(3599).fail(Refresh::IfStale);
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    scene.after(1);
    assert!(!scene.remote.is_up_to_date(Refresh::IfStale, scene.now));
    let unavailable = scene.unavailable(Refresh::IfStale);
    assert_eq!(unavailable.cause(), Some(FetchError::Connection));
    assert_eq!(unavailable.code().as_str(), "issuer_keys_unavailable");
    assert!(scene.remote.load().is_empty());

    scene
        .after(30)
        .fetch(Refresh::IfStale)
        .finish(Ok(response(&["b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["b"]);
}

#[test]
fn delays_double_up_to_the_cooldown_until_a_success() {
    let mut scene = Scene::new(RefreshPolicy::default());
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        scene.fail(Refresh::IfStale);
        assert_eq!(
            scene.unavailable(Refresh::IfStale).retry_in(),
            seconds(pause)
        );
        scene.after(pause - 1);
        assert_eq!(
            scene.unavailable(Refresh::UnknownKid).retry_in(),
            seconds(1)
        );
        scene.after(1);
    }
    scene
        .fetch(Refresh::IfStale)
        .finish(Ok(response(&["a"])), scene.now)
        .keys()
        .unwrap();
    scene.after(300).fail(Refresh::IfStale);
    scene.after(1).fail(Refresh::IfStale);
}

#[test]
fn stale_keys_are_as_fast_as_fresh_ones() {
    let mut scene = Scene::with_keys(&["a"]);
    scene.after(300).fail(Refresh::IfStale);
    assert!(scene.remote.is_up_to_date(Refresh::IfStale, scene.now));
    assert!(
        !scene
            .remote
            .is_up_to_date(Refresh::IfStale, scene.now + seconds(1))
    );
}

#[test]
fn a_turn_that_is_dropped_has_failed() {
    let mut scene = Scene::with_keys(&["a"]);
    drop(scene.after(300).fetch(Refresh::IfStale));
    assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    drop(scene.after(1).fetch(Refresh::IfStale));
}

#[test]
fn a_fetch_that_never_ends_is_given_up() {
    let mut scene = Scene::new(RefreshPolicy::default());
    let lost = scene.fetch(Refresh::IfStale);
    let RefreshStep::Wait(waiting) = scene.step(Refresh::IfStale) else {
        panic!("no wait")
    };
    assert_eq!(waiting.timeout(), seconds(15));
    assert_eq!(
        scene.after(15).unavailable(Refresh::IfStale).retry_in(),
        seconds(1)
    );
    let next = scene.after(1).fetch(Refresh::IfStale);
    // Its failure is outdated, and doesn't end the other fetch.
    lost.finish(Err(FetchError::Timeout), scene.now);
    assert!(matches!(scene.step(Refresh::IfStale), RefreshStep::Wait(_)));
    next.finish(Ok(response(&["a"])), scene.now).keys().unwrap();
}

#[test]
fn keys_that_come_late_do_not_replace_newer_ones() {
    let mut scene = Scene::new(RefreshPolicy::default());
    let late = scene.fetch(Refresh::IfStale);
    let next = match scene.after(15).step(Refresh::IfStale) {
        RefreshStep::Unavailable(_) => scene.after(1).fetch(Refresh::IfStale),
        other => panic!("{other:?}"),
    };
    next.finish(Ok(response(&["new"])), scene.now)
        .keys()
        .unwrap();
    late.finish(Ok(response(&["old"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["new"]);
}

#[test]
fn keys_that_come_late_are_better_than_none() {
    let mut scene = Scene::new(RefreshPolicy::default());
    let late = scene.fetch(Refresh::IfStale);
    let _ = scene.after(15).unavailable(Refresh::IfStale);
    late.finish(Ok(response(&["late"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Refresh::IfStale), ["late"]);
}

#[test]
fn invalid_response_keeps_the_old_set() {
    let scene_with = |response: &Response| {
        let mut scene = Scene::with_keys(&["a"]);
        let fetched = scene
            .after(300)
            .fetch(Refresh::IfStale)
            .finish(Ok(response.clone()), scene.now);
        assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
        fetched.problem().unwrap()
    };
    assert_eq!(scene_with(&body("{}")), FetchError::Keys(KeyError::Jwks));
    assert_eq!(
        scene_with(&body(r#"{"keys":[]}"#)),
        FetchError::Keys(KeyError::NoUsableKey)
    );
}

/// Counts the keys that it is given.
#[derive(Default)]
struct Counter(AtomicUsize);

impl KeyObserver for Counter {
    fn on_keys(&self, keys: &KeySet) {
        self.0.store(keys.len(), Ordering::SeqCst);
    }
}

#[test]
fn followers_learn_of_new_keys_and_of_their_end() {
    let mut scene = Scene::with_keys(&["a"]);
    let counter = Arc::new(Counter::default());
    scene.remote.add_observer(&counter);
    let trusts = || counter.0.load(Ordering::SeqCst);
    assert_eq!(trusts(), 1);
    scene
        .after(300)
        .fetch(Refresh::IfStale)
        .finish(Ok(response(&["a", "b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(trusts(), 2);
    drop(scene.after(300 + 3600).fetch(Refresh::IfStale));
    assert_eq!(trusts(), 0);
}

#[test]
fn kid_of_a_skipped_key_triggers_no_fetch() {
    let set = jwks(&["a"]).replace(r#"{"keys":["#, r#"{"keys":[{"kty":"XYZ","kid":"strange"},"#);
    let scene = Scene::new(RefreshPolicy::default());
    scene
        .fetch(Refresh::IfStale)
        .finish(Ok(body(set)), scene.now)
        .keys()
        .unwrap();
    let keys = scene.remote.load();
    assert_eq!(names(&keys), ["a"]);
    assert!(keys.names("strange") && keys.names("a") && !keys.names("b"));
}

#[test]
fn invalid_configuration_is_rejected() {
    let new = |algorithms: &[Algorithm], policy| RemoteKeySet::new(algorithms, policy).unwrap_err();
    let policy = RefreshPolicy::default();
    assert_eq!(new(&[], policy), JwksConfigError::NoAlgorithm);
    let symmetric = [Algorithm::Rs256, Algorithm::Hs256];
    assert_eq!(
        new(&symmetric, policy),
        JwksConfigError::Symmetric(Algorithm::Hs256)
    );
    let zero = Duration::ZERO;
    let long = RefreshPolicy::LONGEST + seconds(1);
    for time in [zero, long] {
        assert_eq!(
            new(
                ALGORITHMS,
                RefreshPolicy {
                    ttl: time,
                    ..policy
                }
            ),
            JwksConfigError::Ttl
        );
        assert_eq!(
            new(
                ALGORITHMS,
                RefreshPolicy {
                    cooldown: time,
                    ..policy
                }
            ),
            JwksConfigError::Cooldown
        );
        assert_eq!(
            new(
                ALGORITHMS,
                RefreshPolicy {
                    lock_timeout: time,
                    ..policy
                }
            ),
            JwksConfigError::LockTimeout
        );
    }
    assert_eq!(
        new(
            ALGORITHMS,
            RefreshPolicy {
                stale: long,
                ..policy
            }
        ),
        JwksConfigError::Stale
    );
    assert!(
        RemoteKeySet::new(
            ALGORITHMS,
            RefreshPolicy {
                stale: zero,
                ..policy
            }
        )
        .is_ok()
    );
}
