//! The interface of revocation stores, and the retention of entries.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_types::{NumericDate, ReasonCode};

use crate::{RevocationLevel, RevocationQuery, Watermark};

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
///
/// A store that only implements the required methods revokes single tokens, and rejects other
/// [levels](RevocationLevel) with [`RevocationError::Unsupported`]. To support some or all of them, implement
/// [`check`](Self::check) and [`revoke_level`](Self::revoke_level). With the feature `contract-tests`, the module
/// `contract` tests such a store.
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

    /// Returns whether a token is revoked at `now`, at any level that the store supports.
    ///
    /// A store with levels returns `true` if the ID of the token is revoked, or if
    /// [`query.is_revoked_by`](RevocationQuery::is_revoked_by) returns `true` for the latest valid watermark of
    /// [`query.levels()`](RevocationQuery::levels). By default, only the ID is checked.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the store is unavailable. The token must be rejected then.
    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        self.is_revoked(query.token_id(), now)
    }

    /// Returns whether [`check`](Self::check) currently depends on more of a query than the ID of the token.
    ///
    /// Otherwise, callers can use [`is_revoked`](Self::is_revoked) instead, and needn't read the other parts of a
    /// token. By default, this is `true`. A store may return `false` while it has no watermarks.
    fn has_levels(&self) -> bool {
        true
    }

    /// Revokes all tokens of a level that were issued at or before the time of the watermark.
    ///
    /// If the level already has a watermark, the later time and the longer retention are kept, also if several threads
    /// or processes revoke at once.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if the store is full.
    /// - [`RevocationError::Unavailable`] if the store is unavailable.
    /// - [`RevocationError::Unsupported`] if the store doesn't support the level, which is the default.
    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let _ = (level, watermark, now);
        Err(RevocationError::Unsupported)
    }

    /// Revokes all tokens of the session with this `sid` until `until`, or permanently if it is `None`.
    ///
    /// # Errors
    ///
    /// Those of [`revoke_level`](Self::revoke_level).
    fn revoke_session(
        &self,
        session_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let watermark = Watermark::ALL.with_retention(until);
        self.revoke_level(RevocationLevel::Session(session_id), watermark, now)
    }

    /// Revokes the tokens of a subject of one issuer, or of any issuer if it is `None`.
    ///
    /// # Errors
    ///
    /// Those of [`revoke_level`](Self::revoke_level).
    fn revoke_subject(
        &self,
        subject: &str,
        issuer: Option<&str>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.revoke_level(RevocationLevel::Subject { subject, issuer }, watermark, now)
    }

    /// Revokes the tokens of an issuer.
    ///
    /// # Errors
    ///
    /// Those of [`revoke_level`](Self::revoke_level).
    fn revoke_issuer(
        &self,
        issuer: &str,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.revoke_level(RevocationLevel::Issuer(issuer), watermark, now)
    }

    /// Revokes the tokens whose header has this `kid`.
    ///
    /// This is for tokens that the owner of the key issued. Someone else who has the private key can omit `kid`, or
    /// write any `iat`: such a key must be removed from the trusted keys.
    ///
    /// # Errors
    ///
    /// Those of [`revoke_level`](Self::revoke_level).
    fn revoke_key(
        &self,
        key_id: &str,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.revoke_level(RevocationLevel::Key(key_id), watermark, now)
    }

    /// Announces that tokens are accepted for this duration after their `exp`.
    ///
    /// An authenticator calls it when it is configured with the store. The store must keep all entries, including
    /// earlier ones, for longer by the largest leeway: an entry that ends with its token accepts it again through the
    /// leeway.
    fn bind_leeway(&self, leeway: Duration);

    /// Returns after how long a client may retry while the store is unavailable, if that is known.
    ///
    /// It is the `Retry-After` of the response. By default, it is unknown.
    fn retry_in(&self) -> Option<Duration> {
        None
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

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        (**self).check(query, now)
    }

    fn has_levels(&self) -> bool {
        (**self).has_levels()
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke_level(level, watermark, now)
    }

    fn revoke_session(
        &self,
        session_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke_session(session_id, until, now)
    }

    fn revoke_subject(
        &self,
        subject: &str,
        issuer: Option<&str>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke_subject(subject, issuer, watermark, now)
    }

    fn revoke_issuer(
        &self,
        issuer: &str,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke_issuer(issuer, watermark, now)
    }

    fn revoke_key(
        &self,
        key_id: &str,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke_key(key_id, watermark, now)
    }

    fn bind_leeway(&self, leeway: Duration) {
        (**self).bind_leeway(leeway);
    }

    fn retry_in(&self) -> Option<Duration> {
        (**self).retry_in()
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
    /// The revocation is recorded, but other processes can accept the token for longer than `max_staleness`, because
    /// they couldn't be informed.
    NotInForce,
    /// The list can only be read by this process.
    ReadOnly,
    /// The settings of a replicated list are invalid.
    Settings,
    /// The store is unavailable.
    Unavailable,
    /// The store doesn't support this level of revocation.
    Unsupported,
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
            Self::NotInForce => {
                "the stream of revocations is unavailable; the revocation is recorded, but not in force everywhere yet"
            }
            Self::ReadOnly => "the revocation list is read-only in this process",
            Self::Settings => {
                "the settings of the replicated list are invalid: max_staleness, the limit and the stream length must \
                 be positive, and a list without a stream has no prefix, stream length or replica servers"
            }
            Self::Unavailable => "the revocation store is unavailable",
            Self::Unsupported => "the revocation store doesn't support this level of revocation",
            Self::Url => {
                "the URL of the revocation store is invalid; expected `redis://host:port/database`"
            }
        })
    }
}

impl Error for RevocationError {}
