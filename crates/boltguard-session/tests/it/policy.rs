//! Limits, and the dates that follow from them.

use boltguard_session::{PolicyError, SessionLimits, SessionPolicy, SessionState};
use proptest::prelude::*;

use crate::support::{LIMITS, LOGIN, after, id, policy, seconds};

fn check(limits: SessionLimits, message: &str) {
    let error = SessionPolicy::new(limits).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn errors_name_the_value() {
    check(
        SessionLimits {
            refresh_lifetime: seconds(0),
            ..LIMITS
        },
        "refresh_lifetime is 0ns; it must be at least 1s",
    );
    check(
        SessionLimits {
            reuse_grace: seconds(61),
            ..LIMITS
        },
        "reuse_grace is 61s; it must be at most 60s",
    );
    check(
        SessionLimits {
            session_lifetime: seconds(19),
            ..LIMITS
        },
        "session_lifetime is 19s; it must be at least refresh_lifetime, which is 20s",
    );
    check(
        SessionLimits {
            session_lifetime: seconds(1_000_000_000),
            ..LIMITS
        },
        "session_lifetime is 1000000000s; it must be at most 315619200s",
    );
}

#[test]
fn limits_are_inclusive() {
    let limits = SessionLimits {
        refresh_lifetime: seconds(1),
        session_lifetime: seconds(1),
        reuse_grace: SessionPolicy::MAX_REUSE_GRACE,
    };
    assert_eq!(SessionPolicy::new(limits).unwrap().limits(), limits);
    let longest = SessionPolicy::MAX_SESSION_LIFETIME;
    let limits = SessionLimits {
        refresh_lifetime: longest,
        session_lifetime: longest,
        reuse_grace: seconds(0),
    };
    assert!(SessionPolicy::new(limits).is_ok());
}

#[test]
fn default_limits_are_accepted() {
    let policy = SessionPolicy::new(SessionLimits::default());
    assert_eq!(policy, Ok::<_, PolicyError>(SessionPolicy::default()));
}

fn state(last_used: u64) -> SessionState {
    SessionState {
        generation: 1,
        last_used: after(last_used),
        ..SessionState::new(id("0123456789ab"), "42", LOGIN)
    }
}

#[test]
fn session_expires_at_the_earlier_date() {
    for (last_used, expires) in [(0, 20), (39, 59), (40, 60), (41, 60), (59, 60)] {
        assert_eq!(
            policy().expires(&state(last_used)),
            after(expires),
            "{last_used}"
        );
    }
}

#[test]
fn access_token_never_outlives_the_session() {
    for (last_used, lifetime, expires) in [(0, 5, 5), (0, 21, 20), (50, 10, 60), (55, 10, 60)] {
        let exp = policy().access_expires(&state(last_used), seconds(lifetime));
        assert_eq!(exp, after(expires), "{last_used} {lifetime}");
    }
}

proptest! {
    #[test]
    fn access_token_expires_with_its_session(last_used in 0..60_u64, lifetime in 0..100_u64) {
        let state = state(last_used);
        let expires = policy().access_expires(&state, seconds(lifetime));
        prop_assert!(expires <= policy().expires(&state));
        prop_assert!(expires <= state.last_used + seconds(lifetime));
    }
}
