//! The stored state of a session.

use boltguard_types::{NumericDate, Subject};

use crate::SessionId;

/// The state of a session, to be stored as one row.
///
/// Store the dates without rounding, so that a token that is used again receives exactly the same dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The ID.
    pub id: SessionId,
    /// The user who logged in.
    pub subject: Subject,
    /// The generation of the current token. Older tokens have been used.
    pub generation: u32,
    /// When the user logged in.
    pub created: NumericDate,
    /// When the current token was issued: at login, and afterwards at the first use of the previous token.
    pub last_used: NumericDate,
    /// When the session was ended. An ended session is never continued.
    pub ended: Option<NumericDate>,
}

impl SessionState {
    /// Creates the state of a session that begins at `now`.
    #[must_use]
    pub fn new(id: SessionId, subject: impl Into<Subject>, now: NumericDate) -> Self {
        Self {
            id,
            subject: subject.into(),
            generation: 0,
            created: now,
            last_used: now,
            ended: None,
        }
    }

    /// Returns the state after the current token was used at `now`. `None` if there is no further generation.
    pub(crate) fn rotated(&self, now: NumericDate) -> Option<Self> {
        Some(Self {
            generation: self.generation.checked_add(1)?,
            // The clock of another server can be ahead.
            last_used: if now < self.last_used {
                self.last_used
            } else {
                now
            },
            ..self.clone()
        })
    }
}
