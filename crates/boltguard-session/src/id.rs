//! IDs of sessions.

use std::fmt;

use boltguard_apikey::KeyFormat;
use boltguard_keys::RandomError;

/// The public ID of a session: 12 digits and letters. It isn't a secret, and suits the claim `sid` of access tokens.
///
/// ```
/// use boltguard_session::SessionId;
///
/// let id = SessionId::generate()?;
/// assert_eq!(SessionId::parse(id.as_str()), Some(id));
/// assert_eq!(SessionId::parse("x"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Generates a random ID.
    ///
    /// # Errors
    ///
    /// [`RandomError`] if the random number generator of the system is unavailable.
    pub fn generate() -> Result<Self, RandomError> {
        KeyFormat::generate_id().map(|id| Self(id.into()))
    }

    /// Parses an ID, for example from a row or a claim. Returns `None` unless it consists of 12 digits and letters.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        KeyFormat::is_id(id).then(|| Self(id.into()))
    }

    /// Returns the ID as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
