//! The interface of revocation stores, and the retention of entries.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_types::{NumericDate, ReasonCode};

/// A revocation list with synchronous, non-blocking lookups.
///
/// Authenticators call it while they process a request, possibly on the thread of an async runtime. A list in a
/// database or in Redis must be queried by the application instead.
///
/// ```
/// use std::sync::Arc;
/// use boltguard_revocation::{MemoryRevocation, RevocationStore};
/// use boltguard_types::NumericDate;
///
/// let store: Arc<dyn RevocationStore> = Arc::new(MemoryRevocation::new());
/// let now = NumericDate::from_secs(1_700_000_000);
/// store.revoke("some-id", None, now)?;
/// assert!(store.is_revoked("some-id", now)?);
/// # Ok::<(), boltguard_revocation::RevocationError>(())
/// ```
pub trait RevocationStore: Send + Sync {
    /// Returns whether the token with this ID is revoked at `now`.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the store is unavailable. The token must be rejected then.
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError>;

    /// Revokes the token with this ID until `until`, or permanently if it is `None`.
    ///
    /// Revoking a token again can extend the entry, but never shortens it.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if the store is full.
    /// - [`RevocationError::Unavailable`] if the store is unavailable.
    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError>;

    /// Announces that tokens are accepted for this duration after their `exp`.
    ///
    /// An authenticator calls it when it is configured with the store. A store that implements it keeps all entries,
    /// including earlier ones, for longer by the largest leeway. By default, this does nothing.
    fn bind_leeway(&self, leeway: Duration) {
        let _ = leeway;
    }
}

impl<S: RevocationStore + ?Sized> RevocationStore for Arc<S> {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        (**self).is_revoked(token_id, now)
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke(token_id, until, now)
    }

    fn bind_leeway(&self, leeway: Duration) {
        (**self).bind_leeway(leeway);
    }
}

/// Returns how long an entry must be kept: until `exp` plus the largest leeway of all services that accept the token,
/// plus [`CLOCK_SKEW_MARGIN`].
///
/// If an entry was removed at `exp`, the token would be accepted again during the leeway. A token without `exp` never
/// expires, so its entry must be kept forever.
///
/// ```
/// use std::time::Duration;
/// use boltguard_revocation::{CLOCK_SKEW_MARGIN, retain_until};
/// use boltguard_types::NumericDate;
///
/// let exp = NumericDate::from_secs(1_700_000_000);
/// let leeway = Duration::from_secs(30);
/// assert_eq!(retain_until(Some(exp), leeway), Some(exp + leeway + CLOCK_SKEW_MARGIN));
/// assert_eq!(retain_until(None, leeway), None);
/// ```
#[must_use]
pub fn retain_until(exp: Option<NumericDate>, leeway: Duration) -> Option<NumericDate> {
    Some(exp? + leeway + CLOCK_SKEW_MARGIN)
}

/// The maximum assumed difference between the clocks of the services that revoke and check a token.
pub const CLOCK_SKEW_MARGIN: Duration = Duration::from_secs(60);

/// The error of a revocation store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationError {
    /// The store is full, and no entry has expired.
    Full,
    /// The store is unavailable.
    Unavailable,
    /// The URL of the store is invalid.
    Url,
}

impl RevocationError {
    /// Returns the reason code: [`ReasonCode::RevocationUnavailable`].
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::RevocationUnavailable
    }
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => {
                "the revocation store is full; increase its limit, or issue tokens with `exp`"
            }
            Self::Unavailable => "the revocation store is unavailable",
            Self::Url => {
                "the URL of the revocation store is invalid; expected `redis://host:port/database`"
            }
        })
    }
}

impl Error for RevocationError {}
