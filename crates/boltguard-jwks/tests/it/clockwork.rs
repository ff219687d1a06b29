use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use boltguard_jwks::{
    ConfigError, FetchError, Follower, Need, RemoteKeySet, Response, Step, Times,
};
use boltguard_keys::{Algorithm, KeyError, KeySet};

use crate::support::{ALGORITHMS, Scene, answer, body, jwks, names, seconds};

#[test]
fn the_first_one_fetches_and_the_others_wait() {
    let scene = Scene::new(Times::default());
    let turn = scene.fetch(Need::Current);
    for need in [Need::Current, Need::Unknown] {
        assert!(matches!(scene.step(need), Step::Wait(_)));
    }
    turn.finish(Ok(answer(&["a"])), scene.now).keys().unwrap();
    assert_eq!(scene.uses(Need::Current), ["a"]);
}

#[test]
fn a_set_is_current_for_its_ttl_and_no_longer() {
    let mut scene = Scene::with_keys(&["a"]);
    assert!(scene.remote.is_settled(Need::Current, scene.now));
    scene.now += seconds(300) - Duration::from_nanos(1);
    assert!(scene.remote.is_settled(Need::Current, scene.now));
    scene.now += Duration::from_nanos(1);
    assert!(!scene.remote.is_settled(Need::Current, scene.now));
    drop(scene.fetch(Need::Current));
}

#[test]
fn it_fails_from_a_failed_fetch_to_the_next_good_one() {
    let mut scene = Scene::with_keys(&["a"]);
    assert!(!scene.remote.is_failing());
    let turn = scene.after(300).fetch(Need::Current);
    let _ = turn.finish(Err(FetchError::Timeout), scene.now);
    assert!(scene.remote.is_failing());
    let turn = scene.after(1).fetch(Need::Current);
    assert!(scene.remote.is_failing());
    turn.finish(Ok(answer(&["a"])), scene.now).keys().unwrap();
    assert!(!scene.remote.is_failing());
}

#[test]
fn while_one_fetches_the_others_use_what_is_there() {
    let mut scene = Scene::with_keys(&["a"]);
    let turn = scene.after(300).fetch(Need::Current);
    assert!(scene.remote.is_settled(Need::Current, scene.now));
    assert_eq!(scene.uses(Need::Current), ["a"]);
    turn.finish(Ok(answer(&["b"])), scene.now).keys().unwrap();
    assert_eq!(scene.uses(Need::Current), ["b"]);
}

#[test]
fn a_max_age_shortens_the_ttl_to_the_cooldown_at_the_least() {
    for (max_age, current) in [
        ("max-age=100", 100),
        ("max-age=0", 30),
        ("no-store", 30),
        ("max-age=86400", 300),
    ] {
        let mut scene = Scene::new(Times::default());
        let response = Response {
            cache_control: Some(max_age.to_owned()),
            ..answer(&["a"])
        };
        scene
            .fetch(Need::Current)
            .finish(Ok(response), scene.now)
            .keys()
            .unwrap();
        scene.after(current - 1);
        assert!(
            scene.remote.is_settled(Need::Current, scene.now),
            "{max_age}"
        );
        scene.after(1);
        assert!(
            !scene.remote.is_settled(Need::Current, scene.now),
            "{max_age}"
        );
    }
}

#[test]
fn a_flood_of_unknown_keys_causes_one_fetch_a_cooldown() {
    let mut scene = Scene::with_keys(&["a"]);
    let (mut fetches, mut settled) = (0, 0);
    for _ in 0..1_000 {
        scene.now += Duration::from_millis(250);
        settled += usize::from(scene.remote.is_settled(Need::Unknown, scene.now));
        if let Step::Fetch(turn) = scene.step(Need::Unknown) {
            fetches += 1;
            turn.finish(Ok(answer(&["a"])), scene.now).keys().unwrap();
        }
    }
    // 250 seconds, the first 30 of which follow the fetch at the start.
    assert_eq!((fetches, settled), (8, 992));
}

#[test]
fn a_key_that_is_new_is_found_once_the_cooldown_is_over() {
    let mut scene = Scene::with_keys(&["a"]);
    assert_eq!(scene.after(29).uses(Need::Unknown), ["a"]);
    let turn = scene.after(1).fetch(Need::Unknown);
    // Those who need it too wait; those who do not go on.
    assert!(matches!(scene.step(Need::Unknown), Step::Wait(_)));
    assert_eq!(scene.uses(Need::Current), ["a"]);
    turn.finish(Ok(answer(&["a", "b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Need::Unknown), ["a", "b"]);
}

#[test]
fn who_knows_that_the_set_has_changed_fetches_at_once() {
    let mut scene = Scene::with_keys(&["a"]);
    let turn = scene.fetch(Need::Anew);
    assert!(matches!(scene.step(Need::Anew), Step::Wait(_)));
    turn.finish(Ok(answer(&["b"])), scene.now).keys().unwrap();
    assert_eq!(scene.uses(Need::Current), ["b"]);
    scene.after(300).fail(Need::Current);
    drop(scene.fetch(Need::Anew));
}

#[test]
fn time_can_be_skipped() {
    let scene = Scene::with_keys(&["a"]);
    scene.remote.skip(seconds(300));
    drop(scene.fetch(Need::Current));
    assert!(scene.remote.is_usable(scene.now));
    scene.remote.skip(seconds(3600));
    assert!(!scene.remote.is_usable(scene.now));
}

#[test]
fn nobody_waits_for_an_unknown_key_while_the_issuer_is_unwell() {
    let mut scene = Scene::with_keys(&["a"]);
    scene.after(30).fail(Need::Unknown);
    let _turn = scene.after(30).fetch(Need::Unknown);
    assert_eq!(scene.uses(Need::Unknown), ["a"]);
}

#[test]
fn a_few_wait_for_an_unknown_key_and_the_others_go_on_with_what_is_there() {
    let mut scene = Scene::with_keys(&["a"]);
    let turn = scene.after(30).fetch(Need::Unknown);
    assert!(scene.remote.is_fetching());
    let mut waiting: Vec<_> = (0..2).map(|_| scene.step(Need::Unknown)).collect();
    assert!(waiting.iter().all(|step| matches!(step, Step::Wait(_))));
    for _ in 0..3 {
        assert_eq!(scene.uses(Need::Unknown), ["a"]);
        assert_eq!(scene.uses(Need::Current), ["a"]);
    }
    // One who gives up makes room for another, and one who knows of a change always waits.
    waiting.pop();
    assert!(matches!(scene.step(Need::Anew), Step::Wait(_)));
    waiting.push(scene.step(Need::Unknown));
    assert!(matches!(waiting.last(), Some(Step::Wait(_))));
    assert_eq!(scene.uses(Need::Unknown), ["a"]);
    turn.finish(Ok(answer(&["a"])), scene.now).keys().unwrap();
    assert!(!scene.remote.is_fetching());
    // Those who waited for the last fetch take no room at the next one.
    let _turn = scene.after(30).fetch(Need::Unknown);
    drop(waiting);
    let _waiting = [scene.step(Need::Unknown), scene.step(Need::Unknown)];
    assert_eq!(scene.uses(Need::Unknown), ["a"]);
}

#[test]
fn without_keys_all_wait_for_the_first_fetch_and_a_few_for_one_after_a_failure() {
    let mut scene = Scene::new(Times::default());
    let first = scene.fetch(Need::Current);
    let waiting: Vec<_> = (0..50).map(|_| scene.step(Need::Current)).collect();
    assert!(waiting.iter().all(|step| matches!(step, Step::Wait(_))));
    let _ = first.finish(Err(FetchError::Timeout), scene.now);
    drop(waiting);

    let second = scene.after(1).fetch(Need::Current);
    let _waiting = [scene.step(Need::Current), scene.step(Need::Unknown)];
    for need in [Need::Current, Need::Unknown] {
        assert_eq!(scene.unavailable(need).retry_in(), seconds(1));
    }
    second.finish(Ok(answer(&["a"])), scene.now).keys().unwrap();
    assert_eq!(scene.uses(Need::Current), ["a"]);
}

#[test]
fn the_cooldown_begins_when_a_fetch_ends() {
    for succeeds in [true, false] {
        let mut scene = Scene::with_keys(&["a"]);
        let turn = scene.after(30).fetch(Need::Unknown);
        scene.after(14);
        let response = if succeeds {
            Ok(answer(&["a"]))
        } else {
            Err(FetchError::Timeout)
        };
        turn.finish(response, scene.now).keys().unwrap();
        assert_eq!(scene.after(29).uses(Need::Unknown), ["a"]);
        drop(scene.after(1).fetch(Need::Unknown));
    }
}

#[test]
fn a_child_process_does_not_wait_for_a_fetch_of_its_parent() {
    let mut scene = Scene::with_keys(&["a"]);
    let counter = Arc::new(Counter::default());
    scene.remote.add_follower(&counter);
    let lost = scene.after(30).fetch(Need::Unknown);
    let _waiting = [scene.step(Need::Unknown), scene.step(Need::Unknown)];
    scene.remote.reset_after_fork();
    assert_eq!(scene.uses(Need::Current), ["a"]);
    let turn = scene.fetch(Need::Unknown);
    // What the parent fetched changes nothing here.
    drop(lost);
    assert!(scene.remote.is_fetching() && !scene.remote.is_failing());
    turn.finish(Ok(answer(&["a", "b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Need::Unknown), ["a", "b"]);
    assert_eq!(counter.0.load(Ordering::SeqCst), 2);
}

#[test]
fn a_child_process_without_keys_fetches_at_once() {
    let scene = Scene::new(Times::default());
    let _lost = scene.fetch(Need::Current);
    assert!(matches!(scene.step(Need::Current), Step::Wait(_)));
    scene.remote.reset_after_fork();
    drop(scene.fetch(Need::Current));
}

/// Resets while another thread holds the lock, as it may at the moment of a fork.
struct Holder(std::sync::Weak<RemoteKeySet>);

impl Follower for Holder {
    fn trust(&self, keys: &KeySet) {
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
    scene.remote.add_follower(&holder);
    scene.remote.add_follower(&counter);
    let turn = scene.after(30).fetch(Need::Unknown);
    let _ = turn.finish(Ok(answer(&["a", "b"])), scene.now);
    // Nobody can say how far the other thread came, so that the keys are fetched.
    let turn = scene.fetch(Need::Current);
    turn.finish(Ok(answer(&["a", "b", "c"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Need::Current), ["a", "b", "c"]);
    assert_eq!(counter.0.load(Ordering::SeqCst), 3);
}

#[test]
fn keys_that_are_skipped_are_named_in_a_failure_and_beside_good_ones() {
    let small = r#"{"kty":"RSA","kid":"small","n":"AQAB","e":"AQAB"}"#;
    let alone = body(format!(r#"{{"keys":[{small},{{"kty":"XYZ"}}]}}"#));
    let mut scene = Scene::new(Times::default());
    let fetched = scene.fetch(Need::Current).finish(Ok(alone), scene.now);
    assert_eq!(
        fetched.problem(),
        Some(FetchError::Keys(KeyError::NoUsableKey))
    );
    let text = fetched.explain().unwrap();
    for part in [
        "no key fits",
        r#"key 0 (kid "small"): the RSA key is shorter"#,
        "key 1: `kty` names",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(scene.remote.skipped().len(), 2);

    let set = jwks(&["a"]).replace(r#"{"keys":["#, &format!(r#"{{"keys":[{small},"#));
    let fetched = scene
        .after(30)
        .fetch(Need::Current)
        .finish(Ok(body(set)), scene.now);
    assert_eq!((fetched.problem(), fetched.explain()), (None, None));
    assert_eq!(fetched.skipped()[0].kid().unwrap().as_str(), "small");
    assert_eq!(names(&fetched.keys().unwrap()), ["a"]);

    let many = vec![small; 99].join(",");
    let many = body(format!(r#"{{"keys":[{many}]}}"#));
    let fetched = scene
        .after(300)
        .fetch(Need::Current)
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
    scene.after(300).fail(Need::Current);
    assert_eq!(scene.uses(Need::Current), ["a"]);
    scene.after(3599).fail(Need::Current);
    assert_eq!(scene.uses(Need::Current), ["a"]);
    scene.after(1);
    assert!(!scene.remote.is_settled(Need::Current, scene.now));
    let unavailable = scene.unavailable(Need::Current);
    assert_eq!(unavailable.cause(), Some(FetchError::Connection));
    assert_eq!(unavailable.code().as_str(), "issuer_keys_unavailable");
    assert!(scene.remote.load().is_empty());

    scene
        .after(30)
        .fetch(Need::Current)
        .finish(Ok(answer(&["b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Need::Current), ["b"]);
}

#[test]
fn pauses_double_up_to_the_cooldown_and_begin_anew_after_a_success() {
    let mut scene = Scene::new(Times::default());
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        scene.fail(Need::Current);
        assert_eq!(scene.unavailable(Need::Current).retry_in(), seconds(pause));
        scene.after(pause - 1);
        assert_eq!(scene.unavailable(Need::Unknown).retry_in(), seconds(1));
        scene.after(1);
    }
    scene
        .fetch(Need::Current)
        .finish(Ok(answer(&["a"])), scene.now)
        .keys()
        .unwrap();
    scene.after(300).fail(Need::Current);
    scene.after(1).fail(Need::Current);
}

#[test]
fn stale_keys_in_a_pause_cost_no_more_than_fresh_ones() {
    let mut scene = Scene::with_keys(&["a"]);
    scene.after(300).fail(Need::Current);
    assert!(scene.remote.is_settled(Need::Current, scene.now));
    assert!(
        !scene
            .remote
            .is_settled(Need::Current, scene.now + seconds(1))
    );
}

#[test]
fn a_turn_that_is_dropped_has_failed() {
    let mut scene = Scene::with_keys(&["a"]);
    drop(scene.after(300).fetch(Need::Current));
    assert_eq!(scene.uses(Need::Current), ["a"]);
    drop(scene.after(1).fetch(Need::Current));
}

#[test]
fn a_fetch_that_never_ends_is_given_up() {
    let mut scene = Scene::new(Times::default());
    let lost = scene.fetch(Need::Current);
    let Step::Wait(waiting) = scene.step(Need::Current) else {
        panic!("no wait")
    };
    assert_eq!(waiting.at_most(), seconds(15));
    assert_eq!(
        scene.after(15).unavailable(Need::Current).retry_in(),
        seconds(1)
    );
    let next = scene.after(1).fetch(Need::Current);
    // Its failure is old news, and does not end the other one's turn.
    lost.finish(Err(FetchError::Timeout), scene.now);
    assert!(matches!(scene.step(Need::Current), Step::Wait(_)));
    next.finish(Ok(answer(&["a"])), scene.now).keys().unwrap();
}

#[test]
fn keys_that_come_late_do_not_replace_newer_ones() {
    let mut scene = Scene::new(Times::default());
    let late = scene.fetch(Need::Current);
    let next = match scene.after(15).step(Need::Current) {
        Step::Unavailable(_) => scene.after(1).fetch(Need::Current),
        other => panic!("{other:?}"),
    };
    next.finish(Ok(answer(&["new"])), scene.now).keys().unwrap();
    late.finish(Ok(answer(&["old"])), scene.now).keys().unwrap();
    assert_eq!(scene.uses(Need::Current), ["new"]);
}

#[test]
fn keys_that_come_late_are_better_than_none() {
    let mut scene = Scene::new(Times::default());
    let late = scene.fetch(Need::Current);
    let _ = scene.after(15).unavailable(Need::Current);
    late.finish(Ok(answer(&["late"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(scene.uses(Need::Current), ["late"]);
}

#[test]
fn an_answer_that_is_no_set_keeps_the_old_one() {
    let scene_with = |response: &Response| {
        let mut scene = Scene::with_keys(&["a"]);
        let fetched = scene
            .after(300)
            .fetch(Need::Current)
            .finish(Ok(response.clone()), scene.now);
        assert_eq!(scene.uses(Need::Current), ["a"]);
        fetched.problem().unwrap()
    };
    assert_eq!(scene_with(&body("{}")), FetchError::Keys(KeyError::Jwks));
    assert_eq!(
        scene_with(&body(r#"{"keys":[]}"#)),
        FetchError::Keys(KeyError::NoUsableKey)
    );
}

/// Counts the keys that it is told to trust.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Follower for Counter {
    fn trust(&self, keys: &KeySet) {
        self.0.store(keys.len(), Ordering::SeqCst);
    }
}

#[test]
fn followers_learn_of_new_keys_and_of_their_end() {
    let mut scene = Scene::with_keys(&["a"]);
    let counter = Arc::new(Counter::default());
    scene.remote.add_follower(&counter);
    let trusts = || counter.0.load(Ordering::SeqCst);
    assert_eq!(trusts(), 1);
    scene
        .after(300)
        .fetch(Need::Current)
        .finish(Ok(answer(&["a", "b"])), scene.now)
        .keys()
        .unwrap();
    assert_eq!(trusts(), 2);
    drop(scene.after(300 + 3600).fetch(Need::Current));
    assert_eq!(trusts(), 0);
}

#[test]
fn names_of_keys_that_are_passed_over_are_no_reason_to_fetch() {
    let set = jwks(&["a"]).replace(r#"{"keys":["#, r#"{"keys":[{"kty":"XYZ","kid":"strange"},"#);
    let scene = Scene::new(Times::default());
    scene
        .fetch(Need::Current)
        .finish(Ok(body(set)), scene.now)
        .keys()
        .unwrap();
    let keys = scene.remote.load();
    assert_eq!(names(&keys), ["a"]);
    assert!(keys.names("strange") && keys.names("a") && !keys.names("b"));
}

#[test]
fn configuration_that_cannot_be_meant_is_refused() {
    let new = |algorithms: &[Algorithm], times| RemoteKeySet::new(algorithms, times).unwrap_err();
    let times = Times::default();
    assert_eq!(new(&[], times), ConfigError::NoAlgorithm);
    let symmetric = [Algorithm::Rs256, Algorithm::Hs256];
    assert_eq!(
        new(&symmetric, times),
        ConfigError::Symmetric(Algorithm::Hs256)
    );
    let zero = Duration::ZERO;
    let long = Times::LONGEST + seconds(1);
    for time in [zero, long] {
        assert_eq!(
            new(ALGORITHMS, Times { ttl: time, ..times }),
            ConfigError::Ttl
        );
        assert_eq!(
            new(
                ALGORITHMS,
                Times {
                    cooldown: time,
                    ..times
                }
            ),
            ConfigError::Cooldown
        );
        assert_eq!(
            new(
                ALGORITHMS,
                Times {
                    patience: time,
                    ..times
                }
            ),
            ConfigError::Patience
        );
    }
    assert_eq!(
        new(
            ALGORITHMS,
            Times {
                stale: long,
                ..times
            }
        ),
        ConfigError::Stale
    );
    assert!(
        RemoteKeySet::new(
            ALGORITHMS,
            Times {
                stale: zero,
                ..times
            }
        )
        .is_ok()
    );
}
