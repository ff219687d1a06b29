//! What a store of revoked tokens does, and how long it must remember one.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_types::{NumericDate, ReasonCode};

/// A deny-list that answers without waiting.
///
/// An authenticator asks it in the middle of a request, on whatever thread the request runs. A list
/// that lives elsewhere (a database, Redis) is asked by the edge instead, which may wait.
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
    /// Whether the token of this id is revoked at `now`.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the store can't tell; the token must not pass then.
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError>;

    /// Revokes the token of this id until `until`, or for good; a later call extends, it never shortens.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if there is no room for the entry.
    /// - [`RevocationError::Unavailable`] if the store can't keep it.
    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError>;

    /// Learns that tokens are accepted for this long after their `exp`. An authenticator calls it when it is given the
    /// store; the largest leeway counts.
    ///
    /// A store that implements it keeps each entry for so much longer, also those that were written before or by
    /// somebody who did not know of the leeway.
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

/// When an entry may be forgotten: `exp`, the largest leeway of all who accept the token, and [`CLOCK_SKEW_MARGIN`].
///
/// A store that forgets at `exp` alone lets the token live again through the leeway. A token without
/// `exp` is never over, and neither is its entry.
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

/// What clocks that are set by the network may differ between the one that revokes and those that ask.
pub const CLOCK_SKEW_MARGIN: Duration = Duration::from_secs(60);

/// The store has no answer, or no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationError {
    /// The address of the store is no URL of its kind.
    Address,
    /// Every place is taken by a token that could still be accepted.
    Full,
    /// The store can't be reached, or does not answer.
    Unavailable,
}

impl RevocationError {
    /// The reason code of a request that met this error.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::RevocationUnavailable
    }
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => {
                "the address of the revocation store is none, write `redis://host:port/database`"
            }
            Self::Full => "the revocation store is full: raise its limit, or give tokens an `exp`",
            Self::Unavailable => "the revocation store does not answer",
        })
    }
}

impl Error for RevocationError {}
