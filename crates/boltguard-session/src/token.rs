//! Refresh tokens: `bgr_<id>_<secret><checksum>`, in the format of API keys.

use std::fmt;
use std::sync::LazyLock;

use boltguard_apikey::{GeneratedKey, KeyFormat, ParsedKey};

use crate::SessionId;

/// The format of refresh tokens, which secret scanners can detect.
pub(crate) static FORMAT: LazyLock<KeyFormat> =
    LazyLock::new(|| KeyFormat::new("bgr").expect("the prefix is valid"));

/// A refresh token, to be sent to the client. It is zeroized when dropped, and `Debug` hides the secret.
pub struct RefreshToken(GeneratedKey);

impl RefreshToken {
    /// The secret of a token must be derived with a key of the server.
    pub(crate) fn new(id: &SessionId, secret: &[u8; 32]) -> Self {
        let composed = FORMAT.compose(id.as_str(), secret);
        Self(composed.expect("session IDs have the form of key IDs"))
    }

    /// Returns the token.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns the ID of the session, which is not a secret.
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.0.id()
    }

    /// Returns a regular expression that matches refresh tokens, for secret scanners.
    ///
    /// ```
    /// use boltguard_session::RefreshToken;
    ///
    /// assert_eq!(RefreshToken::pattern(), r"\bbgr_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b");
    /// ```
    #[must_use]
    pub fn pattern() -> String {
        FORMAT.pattern()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session_id", &self.session_id())
            .finish_non_exhaustive()
    }
}

/// A string with the format of a refresh token and a correct checksum, whose secret isn't verified yet.
///
/// [`SessionKeys::verify`](crate::SessionKeys::verify) verifies it.
#[derive(Clone, Copy)]
pub struct UnverifiedRefreshToken<'a>(ParsedKey<'a>);

impl<'a> UnverifiedRefreshToken<'a> {
    /// Parses an untrusted string. Returns `None` if it isn't a refresh token, or if the checksum is wrong.
    #[must_use]
    pub fn parse(token: &'a str) -> Option<Self> {
        FORMAT.parse(token).ok().map(Self)
    }

    /// Returns the unverified ID of the session.
    #[must_use]
    pub const fn unverified_session_id(&self) -> &'a str {
        self.0.id()
    }

    pub(crate) fn secret(&self) -> Option<[u8; 32]> {
        self.0.secret()
    }
}

impl fmt::Debug for UnverifiedRefreshToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedRefreshToken")
            .field("session_id", &self.unverified_session_id())
            .finish_non_exhaustive()
    }
}

/// The session and the generation of a refresh token that was issued by this server.
///
/// Only [`SessionKeys::verify`](crate::SessionKeys::verify) creates it, so a decision about a session can't depend on a
/// forged token:
///
/// ```compile_fail
/// use boltguard_session::*;
///
/// fn decide(policy: &SessionPolicy, state: &SessionState, token: &UnverifiedRefreshToken<'_>) {
///     policy.decide(state, token, state.created);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRefreshToken {
    id: SessionId,
    generation: u32,
}

impl VerifiedRefreshToken {
    pub(crate) const fn new(id: SessionId, generation: u32) -> Self {
        Self { id, generation }
    }

    /// Returns the ID of the session.
    #[must_use]
    pub const fn session_id(&self) -> &SessionId {
        &self.id
    }

    /// Returns the generation: 0 for the token that was issued at login, and one more after each rotation.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }
}
