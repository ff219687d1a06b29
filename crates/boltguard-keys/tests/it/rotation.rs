//! Signing keys that are rotated: exactly one signs, and verifiers know every key of an acceptable token.

use std::time::Duration;

use boltguard_keys::{
    Algorithm, Key, KeyState, KeyTimes, RotationError, RotationPolicy, RotationSchedule,
    SigningKey, SigningKeys,
};
use boltguard_testing::keys;
use boltguard_types::NumericDate;
use proptest::prelude::*;

const POLICY: RotationPolicy = RotationPolicy {
    token_lifetime: Duration::from_secs(900),
    cache_lifetime: Duration::from_secs(3600),
    leeway: Duration::from_secs(30),
};

fn at(secs: i64) -> NumericDate {
    NumericDate::from_secs(secs)
}

fn first(signs_from: i64) -> KeyTimes {
    KeyTimes {
        published_from: None,
        signs_from: at(signs_from),
    }
}

fn later(published_from: i64, signs_from: i64) -> KeyTimes {
    KeyTimes {
        published_from: Some(at(published_from)),
        signs_from: at(signs_from),
    }
}

fn key(algorithm: Algorithm) -> SigningKey {
    keys::signing_key(algorithm)
}

#[test]
fn states_follow_the_times() {
    let schedule = RotationSchedule::new(vec![first(0), later(10_000, 13_600)], POLICY).unwrap();
    let end = 13_600 + 900 + 30 + 60;
    for (now, states) in [
        (-1, [KeyState::Next, KeyState::Pending]),
        (0, [KeyState::Signing, KeyState::Pending]),
        (9_999, [KeyState::Signing, KeyState::Pending]),
        (10_000, [KeyState::Signing, KeyState::Next]),
        (13_599, [KeyState::Signing, KeyState::Next]),
        (13_600, [KeyState::Retiring, KeyState::Signing]),
        (end - 1, [KeyState::Retiring, KeyState::Signing]),
        (end, [KeyState::Retired, KeyState::Signing]),
        (i64::MAX, [KeyState::Retired, KeyState::Signing]),
    ] {
        assert_eq!(schedule.states(at(now)), states, "{now}");
    }
    assert_eq!(schedule.published_until(0), Some(at(end)));
    assert_eq!(schedule.published_until(1), None);
    assert_eq!(schedule.published_until(usize::MAX), None);
}

#[test]
fn key_must_be_published_for_the_lifetime_of_caches_before_it_signs() {
    let new = |signs_from| RotationSchedule::new(vec![first(0), later(100, signs_from)], POLICY);
    assert!(new(3700).is_ok());
    let (index, earliest) = (1, at(3700));
    assert_eq!(
        new(3699),
        Err(RotationError::SignsTooEarly { index, earliest })
    );
}

#[test]
fn invalid_schedules_are_rejected() {
    let new = |keys| RotationSchedule::new(keys, POLICY).unwrap_err();
    assert_eq!(new(vec![]), RotationError::NoKeys);
    let unpublished = vec![first(0), first(10_000)];
    assert_eq!(new(unpublished), RotationError::NotPublished { index: 1 });
    for signs_from in [0, -1] {
        let keys = vec![first(0), later(-9_000, signs_from)];
        assert_eq!(new(keys), RotationError::OutOfOrder { index: 1 });
    }
}

#[test]
fn secrets_and_duplicates_are_rejected() {
    let new = |keys: Vec<SigningKey>| {
        let times = [first(0), later(0, 5_000)];
        SigningKeys::new(keys.into_iter().zip(times).collect(), POLICY)
    };
    let [es256, eddsa, hs256] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256].map(key);
    let unnamed =
        SigningKey::new(&Key::generate(Algorithm::Es384).unwrap(), Algorithm::Es384).unwrap();
    for (keys, expected) in [
        (
            vec![es256.clone(), hs256],
            RotationError::Symmetric { index: 1 },
        ),
        (
            vec![es256.clone(), es256.clone().with_key_id("other")],
            RotationError::Duplicate { index: 1 },
        ),
        (
            vec![es256.clone().with_key_id("a"), eddsa.with_key_id("a")],
            RotationError::Duplicate { index: 1 },
        ),
    ] {
        assert_eq!(new(keys).unwrap_err(), expected);
    }
    let thumbprint = unnamed.verifying_key().public_key().unwrap().thumbprint();
    let keys = new(vec![unnamed]).unwrap();
    assert_eq!(keys.keys()[0].key_id().unwrap().as_str(), thumbprint);
}

#[test]
fn tokens_are_signed_with_one_key_and_verified_with_all_published_ones() {
    let named = |algorithm, name: &str| key(algorithm).with_key_id(name);
    let pairs = vec![
        (named(Algorithm::Es256, "a"), first(0)),
        (named(Algorithm::EdDsa, "b"), later(0, 5_000)),
    ];
    let keys = SigningKeys::new(pairs, POLICY).unwrap();
    let signing = |now| Some(keys.signing(at(now))?.key_id()?.as_str().to_owned());
    assert_eq!(signing(-1), None);
    assert_eq!(signing(4_999).as_deref(), Some("a"));
    assert_eq!(signing(5_000).as_deref(), Some("b"));
    for (now, expected) in [(1, "ab"), (5_000, "ab"), (9_000, "b")] {
        let published = keys.published(at(now));
        let names = published.keys().iter();
        let names: String = names.map(|key| key.key_id().unwrap().as_str()).collect();
        assert_eq!(names, expected, "{now}");
    }
}

#[test]
fn errors_name_the_key_and_no_secret() {
    let messages = [
        RotationError::Duplicate { index: 1 },
        RotationError::NoKeys,
        RotationError::NotPublished { index: 1 },
        RotationError::OutOfOrder { index: 1 },
        RotationError::SignsTooEarly {
            index: 1,
            earliest: at(5),
        },
        RotationError::Symmetric { index: 1 },
    ]
    .map(|error| error.to_string());
    for message in &messages {
        assert!(message.contains("key 1") || message.contains("no signing keys"));
    }
    assert!(messages[4].ends_with("the earliest possible time is 5 seconds since the epoch"));
}

prop_compose! {
    fn policies()(token in 1_u64..100_000, cache in 0_u64..100_000, leeway in 0_u64..1000) -> RotationPolicy {
        RotationPolicy {
            token_lifetime: Duration::from_secs(token),
            cache_lifetime: Duration::from_secs(cache),
            leeway: Duration::from_secs(leeway),
        }
    }
}

prop_compose! {
    /// Keys that follow each other quickly, each published as late as is allowed or earlier.
    fn schedules()(
        policy in policies(),
        gaps in proptest::collection::vec((1_i64..50_000, 0_i64..50_000), 0..5),
    ) -> (RotationSchedule, RotationPolicy, Vec<KeyTimes>) {
        let mut times = vec![first(0)];
        let mut signs_from = 0;
        for (gap, early) in gaps {
            signs_from += gap;
            let cached = i64::try_from(policy.cache_lifetime.as_secs()).unwrap();
            times.push(later(signs_from - cached - early, signs_from));
        }
        (RotationSchedule::new(times.clone(), policy).unwrap(), policy, times)
    }
}

proptest! {
    #[test]
    fn exactly_one_key_signs(((schedule, _, _), now) in (schedules(), 0_i64..500_000)) {
        let states = schedule.states(at(now));
        let signing = states.iter().filter(|state| **state == KeyState::Signing).count();
        prop_assert_eq!(signing, 1);
        prop_assert_eq!(states[schedule.signing(at(now)).unwrap()], KeyState::Signing);
        // Older keys are further in their life, except that a key may be published before its predecessor.
        let lives = states.into_iter().map(|state| state.max(KeyState::Next));
        prop_assert!(lives.rev().is_sorted());
    }

    #[test]
    fn every_key_of_an_acceptable_token_is_published(
        ((schedule, policy, _), issued, passed) in (schedules(), 0_i64..300_000, 0.0..1.0)
    ) {
        let index = schedule.signing(at(issued)).unwrap();
        let accepted = policy.token_lifetime + policy.leeway;
        let verified = at(issued) + accepted.mul_f64(passed);
        prop_assert!(schedule.states(verified)[index].is_published());
    }

    #[test]
    fn every_cache_knows_the_key_of_a_new_token(
        ((schedule, policy, _), now, passed) in (schedules(), 0_i64..300_000, 0.0..=1.0)
    ) {
        let index = schedule.signing(at(now)).unwrap();
        let age = policy.cache_lifetime.mul_f64(passed).as_secs();
        let cached = at(now - i64::try_from(age).unwrap());
        prop_assert!(schedule.states(cached)[index].is_published());
    }

    #[test]
    fn states_stay_the_same_until_the_next_change(
        ((schedule, _, _), now, passed) in (schedules(), -200_000_i64..500_000, 0.0..1.0)
    ) {
        let states = schedule.states(at(now));
        let Some(change) = schedule.next_change(at(now)) else {
            prop_assert_eq!(schedule.states(at(i64::MAX)), states);
            return Ok(());
        };
        let until = Duration::from_secs_f64((change.as_f64() - at(now).as_f64()) * passed);
        prop_assert_eq!(schedule.states(at(now) + until), states);
    }
}
