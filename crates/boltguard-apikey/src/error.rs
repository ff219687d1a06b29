//! Errors of API keys.

use std::error::Error;
use std::fmt;

use boltguard_keys::RandomError;
use boltguard_types::ReasonCode;

/// The error of an API key that was presented or configured.
///
/// Messages never contain a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// A configured key has surrounding whitespace, or a character that is not printable ASCII.
    Character,
    /// The checksum is wrong: the key is mistyped.
    Checksum,
    /// Two configured keys are equal.
    Duplicate,
    /// A configured key is empty.
    Empty,
    /// The key has expired.
    Expired,
    /// The key doesn't have the expected format: its prefix, length or alphabet is different.
    Format,
    /// The prefix isn't 2 to 24 characters long, or doesn't consist of words of `a` to `z` and `0` to `9` separated by
    /// `_`.
    Prefix,
    /// The random number generator of the system is unavailable.
    Random,
    /// The key was revoked.
    Revoked,
    /// A configured key is longer than 512 bytes.
    TooLong,
    /// The store of keys is unavailable.
    Unavailable,
    /// There is no key with this ID and this secret.
    Unknown,
    /// Permissions are configured for a key that isn't in the set.
    UnlistedPermissions,
}

impl ApiKeyError {
    /// Returns the reason code.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Checksum | Self::Format | Self::Unknown => ReasonCode::ApiKeyInvalid,
            Self::Expired => ReasonCode::ApiKeyExpired,
            Self::Unavailable => ReasonCode::ApiKeysUnavailable,
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
                "an API key has surrounding whitespace, or a character that is not printable ASCII"
            }
            Self::Checksum => "the checksum of the API key is wrong; check for a typing error",
            Self::Duplicate => "an API key is listed twice",
            Self::Empty => "an API key is empty",
            Self::Expired => "the API key has expired",
            Self::Format => "the API key does not have the expected format",
            Self::Prefix => {
                "the prefix of an API key must have 2 to 24 characters, and consist of words of `a` to `z` and `0` to `9` separated by `_`"
            }
            Self::Random => "the random number generator of the system is unavailable",
            Self::Revoked => "the API key has been revoked",
            Self::TooLong => "an API key is longer than 512 bytes",
            Self::Unavailable => "the store of API keys is unavailable",
            Self::Unknown => "the API key is unknown",
            Self::UnlistedPermissions => {
                "permissions are configured for an API key that is not in the set of keys"
            }
        })
    }
}

impl Error for ApiKeyError {}

/// A store of keys is unavailable, so it is unknown whether a key exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreUnavailable;

impl fmt::Display for StoreUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ApiKeyError::Unavailable.fmt(f)
    }
}

impl Error for StoreUnavailable {}

impl From<StoreUnavailable> for ApiKeyError {
    fn from(StoreUnavailable: StoreUnavailable) -> Self {
        Self::Unavailable
    }
}

impl From<RandomError> for ApiKeyError {
    fn from(_: RandomError) -> Self {
        Self::Random
    }
}
