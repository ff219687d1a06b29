//! The decision about a presented refresh token.

use boltguard_types::NumericDate;

use crate::{SessionPolicy, SessionState, VerifiedRefreshToken};

/// The decision about a presented refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The session has ended.
    Ended,
    /// The token and the session have expired.
    Expired,
    /// The token belongs to another session, or to a generation that this state doesn't have.
    Invalid,
    /// The previous token is used again within the grace period: issue the current token again.
    Replay {
        /// When the current token expires.
        expires: NumericDate,
    },
    /// A token that was replaced is used again: end the session.
    Reused,
    /// The current token is used: store `next` unless the session was changed in the meantime, and issue its token.
    Rotate {
        /// The state of the session with the next token.
        next: SessionState,
        /// When the next token expires.
        expires: NumericDate,
    },
}

impl SessionPolicy {
    /// Decides what happens to a session if a token is presented.
    ///
    /// [`Decision::Rotate`] is only valid if no other request has changed the session in the meantime; see
    /// [`SessionStore::rotate`](crate::SessionStore::rotate).
    #[must_use]
    pub fn decide(
        &self,
        state: &SessionState,
        presented: &VerifiedRefreshToken,
        now: NumericDate,
    ) -> Decision {
        if *presented.session_id() != state.id || presented.generation() > state.generation {
            return Decision::Invalid;
        }
        if state.ended.is_some() {
            return Decision::Ended;
        }
        let expires = self.expires(state);
        if now >= expires {
            return Decision::Expired;
        }
        match state.generation - presented.generation() {
            0 => self.rotate(state, now),
            1 if now < self.grace_ends(state) => Decision::Replay { expires },
            _ => Decision::Reused,
        }
    }

    fn rotate(&self, state: &SessionState, now: NumericDate) -> Decision {
        match state.rotated(now) {
            Some(next) => Decision::Rotate {
                expires: self.expires(&next),
                next,
            },
            None => Decision::Expired,
        }
    }
}
