//! How long keys are used, and how often they are fetched.

use std::time::Duration;

use crate::JwksConfigError;

/// The limits of how long keys are used and how often they are fetched.
///
/// ```
/// use std::time::Duration;
/// use boltguard_jwks::RefreshPolicy;
///
/// let policy = RefreshPolicy { ttl: Duration::from_secs(600), ..RefreshPolicy::default() };
/// assert!(policy.check().is_ok());
/// assert!(RefreshPolicy { ttl: Duration::ZERO, ..policy }.check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// How long a set is fresh; 300 s by default. The server's `max-age` can shorten this, but not below `cooldown`.
    pub ttl: Duration,
    /// Minimum time between the end of a fetch and the next one for an unknown `kid`; 30 s by default.
    ///
    /// It is also the longest delay after failed fetches. The first delay is one second, and it doubles with each
    /// further failure.
    pub cooldown: Duration,
    /// How long a stale set is still used if it can't be fetched; one hour by default. After that, no token is
    /// accepted.
    pub stale: Duration,
    /// Time after which a fetch is considered lost and another one may start; 15 s by default. It must be longer than
    /// the timeout of the HTTP client.
    pub lock_timeout: Duration,
}

impl RefreshPolicy {
    /// The longest allowed value of each duration.
    pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

    /// Validates the durations.
    ///
    /// # Errors
    ///
    /// - [`JwksConfigError::Ttl`], [`JwksConfigError::Cooldown`] or [`JwksConfigError::LockTimeout`] if it is zero or
    ///   over a year.
    /// - [`JwksConfigError::Stale`] if it is longer than a year.
    pub fn check(&self) -> Result<(), JwksConfigError> {
        let is_sound = |time: Duration| !time.is_zero() && time <= Self::LONGEST;
        match self {
            Self { ttl, .. } if !is_sound(*ttl) => Err(JwksConfigError::Ttl),
            Self { cooldown, .. } if !is_sound(*cooldown) => Err(JwksConfigError::Cooldown),
            Self { lock_timeout, .. } if !is_sound(*lock_timeout) => {
                Err(JwksConfigError::LockTimeout)
            }
            Self { stale, .. } if *stale > Self::LONGEST => Err(JwksConfigError::Stale),
            _ => Ok(()),
        }
    }

    /// Returns how long a response is fresh, RFC 9111 §4.2.
    ///
    /// The server can shorten the TTL, but not so far that the set would be fetched for every request.
    pub(crate) fn freshness_lifetime(&self, max_age: Option<Duration>) -> Duration {
        let requested = max_age.unwrap_or(self.ttl);
        requested.max(self.cooldown).min(self.ttl)
    }

    /// Returns the delay after this many consecutive failures.
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        FIRST_DELAY
            .saturating_mul(1 << doublings)
            .min(self.cooldown)
    }
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            cooldown: Duration::from_secs(30),
            stale: Duration::from_secs(3600),
            lock_timeout: Duration::from_secs(15),
        }
    }
}

const FIRST_DELAY: Duration = Duration::from_secs(1);
