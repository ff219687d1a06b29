//! Why a key, a set of keys or a format was refused.

use std::error::Error;
use std::fmt;

use boltguard_keys::RandomError;
use boltguard_types::ReasonCode;

/// A key was refused: one that is presented, or one that is configured.
///
/// No message shows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// A configured key has white space around it, or a character that no header carries.
    Character,
    /// The checksum is wrong: the key was mistyped or cut.
    Checksum,
    /// Two configured keys are the same.
    Duplicate,
    /// A configured key is empty.
    Empty,
    /// The time of the key is over.
    Expired,
    /// The key has another form: another prefix, length or alphabet.
    Foreign,
    /// The prefix is not 2 to 24 characters of `a` to `z` and `0` to `9`, in words joined by `_`.
    Prefix,
    /// The system gave no randomness.
    Random,
    /// The key was revoked.
    Revoked,
    /// A configured key is longer than 512 bytes.
    TooLong,
    /// No key that is known has this id and this secret.
    Unknown,
    /// Permissions are configured for a key that is not among the keys.
    UnlistedPermissions,
}

impl ApiKeyError {
    /// The reason code of a request, or of a configuration, that met this error.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Checksum | Self::Foreign | Self::Unknown => ReasonCode::ApiKeyInvalid,
            Self::Expired => ReasonCode::ApiKeyExpired,
            Self::Revoked => ReasonCode::ApiKeyRevoked,
            Self::Character
            | Self::Duplicate
            | Self::Empty
            | Self::Prefix
            | Self::Random
            | Self::TooLong
            | Self::UnlistedPermissions => ReasonCode::KeyInvalid,
        }
    }
}

impl fmt::Display for ApiKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => {
                "an API key has white space around it, or a character other than printable ASCII"
            }
            Self::Checksum => "the API key is mistyped: its checksum is wrong",
            Self::Duplicate => "the same API key is given twice",
            Self::Empty => "an API key is empty",
            Self::Expired => "the API key has expired",
            Self::Foreign => "the API key is of another format",
            Self::Prefix => {
                "the prefix of an API key is 2 to 24 characters: words of `a` to `z` and `0` to `9`, joined by `_`"
            }
            Self::Random => "no randomness from the system",
            Self::Revoked => "the API key was revoked",
            Self::TooLong => "an API key is longer than 512 bytes",
            Self::Unknown => "the API key is not known",
            Self::UnlistedPermissions => {
                "permissions are given for an API key that is not among the keys"
            }
        })
    }
}

impl Error for ApiKeyError {}

impl From<RandomError> for ApiKeyError {
    fn from(_: RandomError) -> Self {
        Self::Random
    }
}
