//! How long sessions and their tokens are valid.

use std::time::Duration;

use boltguard_types::NumericDate;

use crate::{PolicyError, SessionState};

/// The limits of sessions, which [`SessionPolicy::new`] checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// How long a token can be used after it was issued. The default is 14 days.
    pub refresh_lifetime: Duration,
    /// How long a session can be continued after the login. The default is 90 days.
    pub session_lifetime: Duration,
    /// How long a token that was used can be used again, after its first use. Zero allows no second use. The default is
    /// 10 seconds.
    pub reuse_grace: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            refresh_lifetime: 14 * DAY,
            session_lifetime: 90 * DAY,
            reuse_grace: Duration::from_secs(10),
        }
    }
}

/// How long sessions and their tokens are valid.
///
/// ```
/// use std::time::Duration;
/// use boltguard_session::{SessionLimits, SessionPolicy};
///
/// let limits = SessionLimits { reuse_grace: Duration::from_secs(3600), ..Default::default() };
/// let error = SessionPolicy::new(limits).unwrap_err();
/// assert_eq!(error.to_string(), "reuse_grace is 3600s; it must be at most 60s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionPolicy {
    limits: SessionLimits,
}

impl SessionPolicy {
    /// The largest [`reuse_grace`](SessionLimits::reuse_grace), during which theft isn't detected.
    pub const MAX_REUSE_GRACE: Duration = Duration::from_secs(60);

    /// The largest [`session_lifetime`](SessionLimits::session_lifetime): ten years.
    pub const MAX_SESSION_LIFETIME: Duration = DAY.saturating_mul(3653);

    /// Checks the limits.
    ///
    /// # Errors
    ///
    /// - [`PolicyError::RefreshLifetime`] if `refresh_lifetime` is less than one second.
    /// - [`PolicyError::ReuseGrace`] if `reuse_grace` is more than [`MAX_REUSE_GRACE`](Self::MAX_REUSE_GRACE).
    /// - [`PolicyError::SessionLifetime`] if `session_lifetime` is more than
    ///   [`MAX_SESSION_LIFETIME`](Self::MAX_SESSION_LIFETIME).
    /// - [`PolicyError::ShorterThanToken`] if `session_lifetime` is less than `refresh_lifetime`.
    pub fn new(limits: SessionLimits) -> Result<Self, PolicyError> {
        let SessionLimits {
            refresh_lifetime,
            session_lifetime,
            reuse_grace,
        } = limits;
        if refresh_lifetime < Duration::from_secs(1) {
            return Err(PolicyError::RefreshLifetime(refresh_lifetime));
        }
        if session_lifetime > Self::MAX_SESSION_LIFETIME {
            return Err(PolicyError::SessionLifetime(session_lifetime));
        }
        if session_lifetime < refresh_lifetime {
            return Err(PolicyError::ShorterThanToken(limits));
        }
        if reuse_grace > Self::MAX_REUSE_GRACE {
            return Err(PolicyError::ReuseGrace(reuse_grace));
        }
        Ok(Self { limits })
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> SessionLimits {
        self.limits
    }

    /// Returns when the current token expires, and the session with it, unless the token is used before.
    ///
    /// This is `refresh_lifetime` after it was issued, but at the latest `session_lifetime` after the login.
    #[must_use]
    pub fn expires(&self, state: &SessionState) -> NumericDate {
        earlier(
            state.last_used + self.limits.refresh_lifetime,
            state.created + self.limits.session_lifetime,
        )
    }

    /// Returns the `exp` of the access token that is issued together with the current token.
    ///
    /// This is `lifetime` after it was issued, but at the latest when the session expires. Use
    /// [`SessionState::last_used`] as its `iat`: then a token that is used again receives the same dates.
    #[must_use]
    pub fn access_expires(&self, state: &SessionState, lifetime: Duration) -> NumericDate {
        earlier(state.last_used + lifetime, self.expires(state))
    }

    /// Returns when the previous token can't be used again any more.
    pub(crate) fn grace_ends(&self, state: &SessionState) -> NumericDate {
        state.last_used + self.limits.reuse_grace
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn earlier(one: NumericDate, other: NumericDate) -> NumericDate {
    if one < other { one } else { other }
}
