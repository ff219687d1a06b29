//! Single decisions, at the boundaries.

use boltguard_session::{Decision, SessionLimits, SessionPolicy, SessionState};
use boltguard_types::NumericDate;

use crate::support::{LIMITS, LOGIN, after, id, policy, seconds, verified};

/// A session whose generation 5 was issued ten seconds after the login.
fn state() -> SessionState {
    SessionState {
        generation: 5,
        last_used: after(10),
        ..SessionState::new(id("0123456789ab"), "42", LOGIN)
    }
}

fn decide(state: &SessionState, generation: u32, now: NumericDate) -> Decision {
    policy().decide(state, &verified(&state.id, generation), now)
}

#[test]
fn current_token_is_rotated() {
    let next = SessionState {
        generation: 6,
        last_used: after(29),
        ..state()
    };
    let expires = after(49);
    assert_eq!(
        decide(&state(), 5, after(29)),
        Decision::Rotate { next, expires }
    );
}

#[test]
fn current_token_expires() {
    assert_eq!(decide(&state(), 5, after(30)), Decision::Expired);
}

#[test]
fn previous_token_is_replayed_until_the_grace_period_ends() {
    let replay = Decision::Replay { expires: after(30) };
    assert_eq!(decide(&state(), 4, after(10)), replay);
    assert_eq!(decide(&state(), 4, after(12)), replay);
    assert_eq!(decide(&state(), 4, after(13)), Decision::Reused);
}

#[test]
fn older_token_is_reused_even_within_the_grace_period() {
    for generation in 0..4 {
        assert_eq!(decide(&state(), generation, after(10)), Decision::Reused);
    }
}

#[test]
fn without_grace_period_each_second_use_is_reuse() {
    let limits = SessionLimits {
        reuse_grace: seconds(0),
        ..LIMITS
    };
    let policy = SessionPolicy::new(limits).unwrap();
    let previous = verified(&state().id, 4);
    assert_eq!(
        policy.decide(&state(), &previous, after(10)),
        Decision::Reused
    );
}

#[test]
fn grace_period_does_not_outlast_the_session() {
    let state = SessionState {
        last_used: after(59),
        ..state()
    };
    assert_eq!(decide(&state, 4, after(60)), Decision::Expired);
}

#[test]
fn clock_behind_the_last_use_neither_ends_nor_shortens_a_session() {
    assert_eq!(
        decide(&state(), 4, after(9)),
        Decision::Replay { expires: after(30) }
    );
    let next = SessionState {
        generation: 6,
        ..state()
    };
    assert_eq!(
        decide(&state(), 5, after(9)),
        Decision::Rotate {
            next,
            expires: after(30)
        }
    );
}

#[test]
fn ended_session_stays_ended() {
    let state = SessionState {
        ended: Some(after(11)),
        ..state()
    };
    for generation in 0..=5 {
        for seconds in [0, 11, 12, 1000] {
            assert_eq!(decide(&state, generation, after(seconds)), Decision::Ended);
        }
    }
}

#[test]
fn token_of_another_session_is_invalid() {
    let other = verified(&id("BBBBBBBBBBBB"), 0);
    assert_eq!(
        policy().decide(&state(), &other, after(11)),
        Decision::Invalid
    );
}

/// A store that was restored from a backup has an older generation.
#[test]
fn later_generation_than_the_stored_one_is_invalid() {
    assert_eq!(decide(&state(), 6, after(11)), Decision::Invalid);
}

#[test]
fn session_without_further_generations_expires() {
    let state = SessionState {
        generation: u32::MAX,
        ..state()
    };
    assert_eq!(decide(&state, u32::MAX, after(11)), Decision::Expired);
}
