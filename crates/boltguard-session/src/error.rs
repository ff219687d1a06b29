//! Errors of sessions.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use boltguard_keys::RandomError;
use boltguard_types::ReasonCode;

use crate::{SessionLimits, SessionPolicy, SessionState};

/// The error of a session that can't be created, continued or ended. `E` is the error of the store.
///
/// Messages never contain a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError<E> {
    /// The store repeatedly refused a write, although each read allowed it.
    Contended,
    /// The session has ended.
    Ended,
    /// The token or the session has expired.
    Expired,
    /// The string isn't a refresh token of this server, or the session is unknown.
    Invalid,
    /// The random number generator of the system is unavailable.
    Random,
    /// A token that was replaced is used again. The session, which had this state, has been ended.
    Reused(SessionState),
    /// The store is unavailable.
    Store(E),
}

impl<E> SessionError<E> {
    /// Returns the reason code.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        match self {
            Self::Contended | Self::Random | Self::Store(_) => ReasonCode::SessionsUnavailable,
            Self::Ended => ReasonCode::SessionEnded,
            Self::Expired => ReasonCode::RefreshTokenExpired,
            Self::Invalid => ReasonCode::RefreshTokenInvalid,
            Self::Reused(_) => ReasonCode::RefreshTokenReused,
        }
    }
}

impl<E> fmt::Display for SessionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contended => {
                "the session store repeatedly refused a write; check that reads aren't stale"
            }
            Self::Ended => "the session has ended",
            Self::Expired => "the refresh token has expired",
            Self::Invalid => "the refresh token is invalid",
            Self::Random => "the random number generator of the system is unavailable",
            Self::Reused(_) => "the refresh token was used again, so the session was ended",
            Self::Store(_) => "the session store is unavailable",
        })
    }
}

impl<E: Error + 'static> Error for SessionError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl<E> From<RandomError> for SessionError<E> {
    fn from(_: RandomError) -> Self {
        Self::Random
    }
}

/// The error of limits that a policy doesn't accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// `refresh_lifetime` is less than one second.
    RefreshLifetime(Duration),
    /// `reuse_grace` is more than [`SessionPolicy::MAX_REUSE_GRACE`].
    ReuseGrace(Duration),
    /// `session_lifetime` is more than [`SessionPolicy::MAX_SESSION_LIFETIME`].
    SessionLifetime(Duration),
    /// `session_lifetime` is less than `refresh_lifetime`.
    ShorterThanToken(SessionLimits),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RefreshLifetime(value) => {
                write!(f, "refresh_lifetime is {value:?}; it must be at least 1s")
            }
            Self::ReuseGrace(value) => {
                let limit = SessionPolicy::MAX_REUSE_GRACE;
                write!(f, "reuse_grace is {value:?}; it must be at most {limit:?}")
            }
            Self::SessionLifetime(value) => {
                let limit = SessionPolicy::MAX_SESSION_LIFETIME;
                write!(
                    f,
                    "session_lifetime is {value:?}; it must be at most {limit:?}"
                )
            }
            Self::ShorterThanToken(limits) => write!(
                f,
                "session_lifetime is {:?}; it must be at least refresh_lifetime, which is {:?}",
                limits.session_lifetime, limits.refresh_lifetime
            ),
        }
    }
}

impl Error for PolicyError {}
