//! Errors in issuing a token.

use std::error::Error;
use std::fmt;

use boltguard_jws::JwsSignError;
use boltguard_keys::RandomError;

/// The error of a token that can't be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// The list of audiences is empty or contains an empty string.
    Audience,
    /// A claim was added twice, RFC 7519 §4.
    DuplicateClaim,
    /// The token ID or the session ID is empty.
    EmptyId,
    /// The lifetime is zero, or the expiry date is out of range.
    Lifetime,
    /// The claims aren't a JSON object.
    NotAnObject,
    /// A claim isn't valid JSON, or can't be serialized to JSON, such as a map with keys that aren't strings.
    NotJson,
    /// The random number generator of the system, which is required for `jti`, is unavailable.
    Random,
    /// A claim would replace `sub`, `exp`, `iat` or `jti`.
    ReservedClaim,
    /// A scope is empty, or contains a space or another invalid character, RFC 6749 §3.3.
    Scope,
    /// Signing failed.
    Sign,
    /// The claims are nested deeper than [`MAX_DEPTH`](boltguard_encoding::json::MAX_DEPTH), so the token would be
    /// rejected.
    TooDeep,
    /// The token is longer than [`MAX_TOKEN_LEN`](boltguard_jws::MAX_TOKEN_LEN), so it would be rejected.
    TooLarge,
    /// A registered claim has the wrong type, so the token would be rejected, RFC 7519 §4.1. `iss` must be a string,
    /// `aud` a string or an array of strings, and `nbf` a number.
    WrongType,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audience => "the list of audiences is empty or contains an empty string",
            Self::DuplicateClaim => "a claim was added twice",
            Self::EmptyId => "the token ID or the session ID is empty",
            Self::Lifetime => "the lifetime must be positive, and the expiry date must be in range",
            Self::NotAnObject => "the claims are not a JSON object",
            Self::NotJson => "a claim can't be serialized to JSON",
            Self::Random => "the random number generator of the system is unavailable",
            Self::ReservedClaim => "the claims `sub`, `exp`, `iat` and `jti` can't be replaced",
            Self::Scope => "a scope is empty, or contains a space, a quote, a backslash or a character that is not printable ASCII",
            Self::Sign => "signing failed",
            Self::TooDeep => "the claims are nested deeper than 64 levels",
            Self::TooLarge => "the token is longer than 16 KiB",
            Self::WrongType => {
                "a registered claim has the wrong type: `iss` must be a string, `aud` a string or an array of strings, `nbf` a number"
            }
        })
    }
}

impl Error for MintError {}

impl From<RandomError> for MintError {
    fn from(_: RandomError) -> Self {
        Self::Random
    }
}

impl From<JwsSignError> for MintError {
    fn from(error: JwsSignError) -> Self {
        match error {
            JwsSignError::TooLarge => Self::TooLarge,
            _ => Self::Sign,
        }
    }
}
