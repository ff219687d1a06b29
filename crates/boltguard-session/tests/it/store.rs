//! The store in memory.

use std::slice;

use boltguard_session::{MemorySessionStore, SessionState, SessionStore};
use boltguard_types::Subject;

use crate::support::{LOGIN, after, id, policy};

fn state(session: &str, subject: &str) -> SessionState {
    SessionState::new(id(session), subject, LOGIN)
}

fn store(states: &[SessionState]) -> MemorySessionStore {
    let store = MemorySessionStore::new();
    for state in states {
        assert_eq!(store.insert(state), Ok(true));
    }
    store
}

fn next(state: &SessionState) -> SessionState {
    SessionState {
        generation: state.generation + 1,
        last_used: after(5),
        ..state.clone()
    }
}

#[test]
fn known_id_is_not_replaced() {
    let first = state("0123456789ab", "42");
    let store = store(slice::from_ref(&first));
    assert_eq!(store.insert(&state("0123456789ab", "43")), Ok(false));
    assert_eq!(store.find(&first.id), Ok(Some(first)));
}

#[test]
fn rotation_requires_the_generation_before() {
    let first = state("0123456789ab", "42");
    let (second, third) = (next(&first), next(&next(&first)));
    let store = store(slice::from_ref(&first));
    assert_eq!(store.rotate(&third), Ok(false));
    assert_eq!(store.rotate(&first), Ok(false));
    assert_eq!(store.rotate(&second), Ok(true));
    assert_eq!(store.rotate(&second), Ok(false));
    assert_eq!(store.find(&first.id), Ok(Some(second)));
}

#[test]
fn ended_session_is_not_rotated() {
    let first = state("0123456789ab", "42");
    let store = store(slice::from_ref(&first));
    assert_eq!(store.end(&first.id, after(1)), Ok(true));
    assert_eq!(store.end(&first.id, after(2)), Ok(false));
    assert_eq!(store.rotate(&next(&first)), Ok(false));
    let ended = SessionState {
        ended: Some(after(1)),
        ..first.clone()
    };
    assert_eq!(store.find(&first.id), Ok(Some(ended)));
}

#[test]
fn unknown_session_is_not_changed() {
    let (store, unknown) = (MemorySessionStore::new(), state("0123456789ab", "42"));
    assert_eq!(store.find(&unknown.id), Ok(None));
    assert_eq!(store.rotate(&next(&unknown)), Ok(false));
    assert_eq!(store.end(&unknown.id, LOGIN), Ok(false));
    assert!(store.is_empty());
}

#[test]
fn all_sessions_of_one_user_end() {
    let (ada, bob) = (Subject::from("ada"), Subject::from("bob"));
    let later = SessionState {
        created: after(1),
        ..state("AAAAAAAAAAAA", "ada")
    };
    let store = store(&[
        later,
        state("BBBBBBBBBBBB", "ada"),
        state("CCCCCCCCCCCC", "bob"),
    ]);
    let ids = store
        .sessions_of(&ada)
        .into_iter()
        .map(|state| state.id.to_string());
    assert!(ids.eq(["BBBBBBBBBBBB", "AAAAAAAAAAAA"]));
    assert_eq!(store.end(&id("AAAAAAAAAAAA"), after(1)), Ok(true));
    assert_eq!(store.end_all(&ada, after(2)), 1);
    assert!(
        store
            .sessions_of(&ada)
            .iter()
            .all(|state| state.ended.is_some())
    );
    assert!(
        store
            .sessions_of(&bob)
            .iter()
            .all(|state| state.ended.is_none())
    );
}

#[test]
fn expired_sessions_are_purged() {
    let first = state("0123456789ab", "42");
    let store = store(&[first.clone(), state("AAAAAAAAAAAA", "42")]);
    assert_eq!(store.rotate(&next(&first)), Ok(true));
    store.purge(&policy(), after(19));
    assert_eq!(store.len(), 2);
    store.purge(&policy(), after(20));
    assert_eq!(store.len(), 1);
    store.purge(&policy(), after(25));
    assert!(store.is_empty());
}
