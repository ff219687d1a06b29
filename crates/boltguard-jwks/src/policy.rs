//! How long keys serve, and how often they are fetched.

use std::time::Duration;

use crate::JwksConfigError;

/// How long keys serve, and how often they are fetched.
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
    /// So long a set is current: 300 s. The server's `max-age` may shorten it, to `cooldown` at the least.
    pub ttl: Duration,
    /// So long after the end of a fetch none begins for the sake of keys that are not in the set: 30 s. It is also the
    /// longest pause after a fetch that failed; the first is a second, and each further one twice as long.
    pub cooldown: Duration,
    /// So long a set serves beyond its time, while no other can be had: one hour. Then nothing verifies.
    pub stale: Duration,
    /// A fetch that takes longer is given up, and another one may begin: 15 s. It has to be longer than the time-out of
    /// whatever fetches.
    pub lock_timeout: Duration,
}

impl RefreshPolicy {
    /// The longest that any of them may be: a year.
    pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

    /// Checks the durations.
    ///
    /// # Errors
    ///
    /// - [`JwksConfigError::Ttl`], [`JwksConfigError::Cooldown`] or [`JwksConfigError::LockTimeout`] if it is zero or
    ///   over a year.
    /// - [`JwksConfigError::Stale`] if it is over a year.
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

    /// A server may shorten the time, and not so far that it would be asked at every request.
    pub(crate) fn lifetime(&self, max_age: Option<Duration>) -> Duration {
        let asked = max_age.unwrap_or(self.ttl);
        asked.max(self.cooldown).min(self.ttl)
    }

    /// The pause after this many failures in a row.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        FIRST_PAUSE
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

const FIRST_PAUSE: Duration = Duration::from_secs(1);
