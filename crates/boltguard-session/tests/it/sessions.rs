//! Sessions in a store, and stores that fail.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use boltguard_apikey::KeyFormat;
use boltguard_session::{
    MemorySessionStore, SessionError, SessionId, SessionState, SessionStore, Sessions,
};
use boltguard_types::{NumericDate, ReasonCode};

use crate::support::{LOGIN, after, id, keys, policy, sessions};

#[test]
fn wrong_secret_for_a_known_session_ends_nothing() {
    let sessions = sessions();
    let first = sessions.create("42", LOGIN).unwrap();
    let forged = KeyFormat::new("bgr")
        .unwrap()
        .compose(first.state.id.as_str(), &[0; 32])
        .unwrap();
    assert_eq!(
        sessions.refresh(forged.expose(), after(1)).unwrap_err(),
        SessionError::Invalid
    );
    assert!(sessions.refresh(first.token.expose(), after(1)).is_ok());
}

#[test]
fn token_of_an_unknown_session_is_invalid() {
    let token = keys().issue(&id("0123456789ab"), 0);
    let error = sessions().refresh(token.expose(), LOGIN).unwrap_err();
    assert_eq!(error, SessionError::Invalid);
}

#[test]
fn replay_returns_the_same_state_and_dates() {
    let sessions = sessions();
    let first = sessions.create("42", LOGIN).unwrap();
    let second = sessions.refresh(first.token.expose(), after(5)).unwrap();
    let replay = sessions.refresh(first.token.expose(), after(7)).unwrap();
    assert!(!second.is_replay && replay.is_replay);
    assert_eq!(second.token.expose(), replay.token.expose());
    assert_eq!(
        (second.state, second.expires),
        (replay.state, replay.expires)
    );
}

#[test]
fn reuse_returns_the_session_and_ends_it() {
    let sessions = sessions();
    let first = sessions.create("42", LOGIN).unwrap();
    let second = sessions.refresh(first.token.expose(), after(5)).unwrap();
    let error = sessions
        .refresh(first.token.expose(), after(8))
        .unwrap_err();
    assert_eq!(error, SessionError::Reused(second.state.clone()));
    let stored = sessions.store().find(&second.state.id).unwrap().unwrap();
    assert_eq!(stored.ended, Some(after(8)));
}

#[test]
fn logout_ends_the_session_once() {
    let sessions = sessions();
    let first = sessions.create("42", LOGIN).unwrap();
    assert_eq!(sessions.end(&first.state.id, after(1)), Ok(true));
    assert_eq!(sessions.end(&first.state.id, after(2)), Ok(false));
    let error = sessions
        .refresh(first.token.expose(), after(2))
        .unwrap_err();
    assert_eq!(error, SessionError::Ended);
}

/// A store that loses each race, has every ID already, or fails.
struct Broken {
    inner: MemorySessionStore,
    fails: bool,
    calls: AtomicUsize,
}

impl Broken {
    fn new(fails: bool) -> Arc<Self> {
        let (inner, calls) = (MemorySessionStore::new(), AtomicUsize::new(0));
        let state = SessionState::new(id("0123456789ab"), "42", LOGIN);
        assert_eq!(inner.insert(&state), Ok(true));
        Arc::new(Self {
            inner,
            fails,
            calls,
        })
    }

    fn refuse(&self) -> Result<bool, Down> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.fails { Err(Down) } else { Ok(false) }
    }
}

#[derive(Debug, PartialEq)]
struct Down;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("down")
    }
}

impl Error for Down {}

impl SessionStore for Broken {
    type Error = Down;

    fn find(&self, id: &SessionId) -> Result<Option<SessionState>, Down> {
        self.inner.find(id).map_err(|never| match never {})
    }

    fn insert(&self, _: &SessionState) -> Result<bool, Down> {
        self.refuse()
    }

    fn rotate(&self, _: &SessionState) -> Result<bool, Down> {
        self.refuse()
    }

    fn end(&self, _: &SessionId, _: NumericDate) -> Result<bool, Down> {
        self.refuse()
    }
}

/// Returns the errors of a login, and of refreshing with the current token.
fn errors(store: &Arc<Broken>) -> [SessionError<Down>; 2] {
    let sessions = Sessions::new(Arc::clone(store), keys(), policy());
    let token = keys().issue(&id("0123456789ab"), 0);
    let created = sessions.create("42", LOGIN);
    let refreshed = sessions.refresh(token.expose(), after(1));
    [created.unwrap_err(), refreshed.unwrap_err()]
}

#[test]
fn attempts_are_bounded() {
    let store = Broken::new(false);
    for error in errors(&store) {
        assert_eq!(error, SessionError::Contended);
        assert_eq!(error.code(), ReasonCode::SessionsUnavailable);
    }
    assert_eq!(store.calls.load(Ordering::Relaxed), 8);
}

#[test]
fn failure_of_the_store_is_returned_at_once() {
    let store = Broken::new(true);
    for error in errors(&store) {
        assert_eq!(error.source().unwrap().to_string(), "down");
        assert_eq!(error, SessionError::Store(Down));
    }
    assert_eq!(store.calls.load(Ordering::Relaxed), 2);
}

/// If the session can't be ended, the error must not claim that it was.
#[test]
fn failure_to_end_a_session_is_not_reported_as_reuse() {
    let store = Broken::new(true);
    for generation in 1..=2 {
        let state = SessionState {
            generation,
            ..SessionState::new(id("0123456789ab"), "42", LOGIN)
        };
        assert_eq!(store.inner.rotate(&state), Ok(true));
    }
    let sessions = Sessions::new(store, keys(), policy());
    let token = keys().issue(&id("0123456789ab"), 0);
    let error = sessions.refresh(token.expose(), after(1)).unwrap_err();
    assert_eq!(error, SessionError::Store(Down));
}

#[test]
fn each_cause_has_its_reason_code() {
    let state = SessionState::new(id("0123456789ab"), "42", LOGIN);
    for (error, code, message) in [
        (
            SessionError::Ended,
            "session_ended",
            "the session has ended",
        ),
        (
            SessionError::Expired,
            "refresh_token_expired",
            "the refresh token has expired",
        ),
        (
            SessionError::Invalid,
            "refresh_token_invalid",
            "the refresh token is invalid",
        ),
        (
            SessionError::Reused(state),
            "refresh_token_reused",
            "the refresh token was used again, so the session was ended",
        ),
        (
            SessionError::Store(Down),
            "sessions_unavailable",
            "the session store is unavailable",
        ),
    ] {
        assert_eq!(
            (error.code().as_str(), &*error.to_string()),
            (code, message)
        );
    }
}
