//! A session store in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use boltguard_types::{NumericDate, Subject};

use crate::{SessionId, SessionPolicy, SessionState, SessionStore};

/// A session store in memory, for tests and for services with one process. A restart ends all sessions.
///
/// Call [`purge`](Self::purge) regularly to remove expired sessions.
#[derive(Debug, Default)]
pub struct MemorySessionStore {
    sessions: Mutex<HashMap<SessionId, SessionState>>,
}

impl MemorySessionStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the sessions of a user, including those that have ended or expired, by login date.
    #[must_use]
    pub fn sessions_of(&self, subject: &Subject) -> Vec<SessionState> {
        let sessions = self.lock();
        let of_subject = sessions.values().filter(|state| state.subject == *subject);
        let mut found: Vec<_> = of_subject.cloned().collect();
        found.sort_by(|one, other| one.created.as_f64().total_cmp(&other.created.as_f64()));
        found
    }

    /// Ends all sessions of a user, and returns how many of them hadn't ended before.
    pub fn end_all(&self, subject: &Subject, now: NumericDate) -> usize {
        let mut sessions = self.lock();
        let of_subject = sessions
            .values_mut()
            .filter(|state| state.subject == *subject);
        of_subject
            .filter_map(|state| end(state, now).then_some(()))
            .count()
    }

    /// Removes the sessions that have expired. Ended sessions are kept until they would have expired, so that they are
    /// recognized.
    pub fn purge(&self, policy: &SessionPolicy, now: NumericDate) {
        self.lock().retain(|_, state| now < policy.expires(state));
    }

    /// Returns the number of sessions, including those that have ended or expired.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns whether there are no sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, SessionState>> {
        // No code that runs while the lock is held leaves a session half-written if it panics.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionStore for MemorySessionStore {
    type Error = Infallible;

    fn find(&self, id: &SessionId) -> Result<Option<SessionState>, Infallible> {
        Ok(self.lock().get(id).cloned())
    }

    fn insert(&self, state: &SessionState) -> Result<bool, Infallible> {
        match self.lock().entry(state.id.clone()) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(entry) => {
                entry.insert(state.clone());
                Ok(true)
            }
        }
    }

    fn rotate(&self, next: &SessionState) -> Result<bool, Infallible> {
        let mut sessions = self.lock();
        let stored = sessions.get_mut(&next.id).filter(|stored| {
            stored.ended.is_none() && stored.generation.checked_add(1) == Some(next.generation)
        });
        let Some(stored) = stored else {
            return Ok(false);
        };
        stored.generation = next.generation;
        stored.last_used = next.last_used;
        Ok(true)
    }

    fn end(&self, id: &SessionId, now: NumericDate) -> Result<bool, Infallible> {
        Ok(self.lock().get_mut(id).is_some_and(|state| end(state, now)))
    }
}

/// Ends a session, and returns whether it was active.
fn end(state: &mut SessionState, now: NumericDate) -> bool {
    let was_active = state.ended.is_none();
    state.ended.get_or_insert(now);
    was_active
}
