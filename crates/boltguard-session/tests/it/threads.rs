//! Simultaneous requests with one token.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use boltguard_session::{
    IssuedToken, MemorySessionStore, SessionError, SessionId, SessionState, SessionStore, Sessions,
};
use boltguard_types::NumericDate;

use crate::support::{LOGIN, after, keys, policy};

const THREADS: usize = 16;

/// A store in which each thread reads before any of them writes, so that all but one lose the race.
struct Synchronized {
    inner: MemorySessionStore,
    reads: Barrier,
}

impl SessionStore for Synchronized {
    type Error = std::convert::Infallible;

    fn find(&self, id: &SessionId) -> Result<Option<SessionState>, Self::Error> {
        let found = self.inner.find(id);
        if matches!(&found, Ok(Some(state)) if state.generation == 0) {
            self.reads.wait();
        }
        found
    }

    fn insert(&self, state: &SessionState) -> Result<bool, Self::Error> {
        self.inner.insert(state)
    }

    fn rotate(&self, next: &SessionState) -> Result<bool, Self::Error> {
        self.inner.rotate(next)
    }

    fn end(&self, id: &SessionId, now: NumericDate) -> Result<bool, Self::Error> {
        self.inner.end(id, now)
    }
}

/// Refreshes with one token in many threads.
fn refresh_all<S: SessionStore<Error: Send>>(
    sessions: &Sessions<S>,
    token: &str,
    now: NumericDate,
) -> Vec<Result<IssuedToken, SessionError<S::Error>>> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let refresh = || {
            start.wait();
            sessions.refresh(token, now)
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(refresh)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Checks that one request rotated the token, and that all received the same bytes.
fn check_single_rotation(issued: &[IssuedToken], generation: u32) {
    let rotations = issued.iter().filter(|issued| !issued.is_replay).count();
    let tokens: HashSet<_> = issued.iter().map(|issued| issued.token.expose()).collect();
    assert_eq!((rotations, tokens.len(), issued.len()), (1, 1, THREADS));
    assert!(
        issued
            .iter()
            .all(|issued| issued.state.generation == generation)
    );
}

fn unwrap_all<E: std::fmt::Debug>(results: Vec<Result<IssuedToken, E>>) -> Vec<IssuedToken> {
    results.into_iter().map(Result::unwrap).collect()
}

#[test]
fn requests_that_all_read_before_the_first_write_receive_the_same_token() {
    let store = Synchronized {
        inner: MemorySessionStore::new(),
        reads: Barrier::new(THREADS),
    };
    let sessions = Sessions::new(store, keys(), policy());
    let first = sessions.create("42", LOGIN).unwrap();
    let issued = unwrap_all(refresh_all(&sessions, first.token.expose(), after(5)));
    check_single_rotation(&issued, 1);
}

#[test]
fn simultaneous_requests_receive_the_same_token_at_each_rotation() {
    let sessions = crate::support::sessions();
    let mut token = sessions.create("42", LOGIN).unwrap().token;
    for generation in 1..=50 {
        let mut issued = unwrap_all(refresh_all(&sessions, token.expose(), after(5)));
        check_single_rotation(&issued, generation);
        token = issued.swap_remove(0).token;
    }
}

#[test]
fn simultaneous_reuse_ends_the_session_for_all() {
    let sessions = crate::support::sessions();
    let first = sessions.create("42", LOGIN).unwrap();
    let second = sessions.refresh(first.token.expose(), after(5)).unwrap();
    for result in refresh_all(&sessions, first.token.expose(), after(10)) {
        assert!(matches!(
            result,
            Err(SessionError::Reused(_) | SessionError::Ended)
        ));
    }
    for result in refresh_all(&sessions, second.token.expose(), after(10)) {
        assert_eq!(result.unwrap_err(), SessionError::Ended);
    }
}
