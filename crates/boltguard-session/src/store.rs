//! The interface of session stores.

use std::sync::Arc;

use boltguard_types::NumericDate;

use crate::{SessionId, SessionState};

/// A synchronous store of sessions.
///
/// The four methods are one SQL statement each. Only [`rotate`](Self::rotate) is conditional on the state that was read
/// before:
///
/// ```sql
/// SELECT * FROM sessions WHERE id = $1;
/// INSERT INTO sessions (…) VALUES (…) ON CONFLICT DO NOTHING;
/// UPDATE sessions SET generation = $2, last_used = $3 WHERE id = $1 AND generation = $2 - 1 AND ended IS NULL;
/// UPDATE sessions SET ended = $2 WHERE id = $1 AND ended IS NULL;
/// ```
///
/// Read from the database that is written to, not from a replica, which may not have the latest generation yet.
pub trait SessionStore: Send + Sync {
    /// The error if the store is unavailable.
    type Error;

    /// Returns the session with this ID.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn find(&self, id: &SessionId) -> Result<Option<SessionState>, Self::Error>;

    /// Adds a session. Returns `false` and changes nothing if there is already a session with this ID.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn insert(&self, state: &SessionState) -> Result<bool, Self::Error>;

    /// Stores the generation and `last_used` of `next`, if the stored generation is the one before and the session
    /// hasn't ended. Otherwise, returns `false` and changes nothing.
    ///
    /// The comparison and the write must be atomic: of several requests with the same token, only one succeeds.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn rotate(&self, next: &SessionState) -> Result<bool, Self::Error>;

    /// Ends a session permanently, regardless of its generation. Returns whether it was active.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn end(&self, id: &SessionId, now: NumericDate) -> Result<bool, Self::Error>;
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    type Error = S::Error;

    fn find(&self, id: &SessionId) -> Result<Option<SessionState>, Self::Error> {
        (**self).find(id)
    }

    fn insert(&self, state: &SessionState) -> Result<bool, Self::Error> {
        (**self).insert(state)
    }

    fn rotate(&self, next: &SessionState) -> Result<bool, Self::Error> {
        (**self).rotate(next)
    }

    fn end(&self, id: &SessionId, now: NumericDate) -> Result<bool, Self::Error> {
        (**self).end(id, now)
    }
}
