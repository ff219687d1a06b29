//! What can go wrong when a token is issued.

use std::error::Error;
use std::fmt;

use boltguard_jws::SignError;
use boltguard_keys::RandomError;

/// No token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// The list of audiences is empty, or one of them is the empty string, so that no service would be meant.
    Audience,
    /// A claim was given twice, RFC 7519 §4.
    DuplicateClaim,
    /// The lifetime is zero, or ends beyond any date.
    Lifetime,
    /// The claims are no JSON object.
    NotAnObject,
    /// A claim is not JSON, or has no JSON as a map whose keys are no texts.
    NotJson,
    /// The system gave no randomness for the token's `jti`.
    Random,
    /// A claim would replace `sub`, `exp`, `iat` or `jti`.
    ReservedClaim,
    /// A scope is empty, or holds a space or another character that none may hold, RFC 6749 §3.3.
    Scope,
    /// The key could not sign.
    Sign,
    /// The claims would be nested deeper than [`MAX_DEPTH`](boltguard_encoding::json::MAX_DEPTH), so that they would be
    /// refused.
    TooDeep,
    /// The token would be longer than [`MAX_TOKEN_LEN`](boltguard_jws::MAX_TOKEN_LEN), so that it would be refused.
    TooLarge,
    /// `iss` is no text, `aud` neither a text nor a list of texts, or `nbf` no number, so that the claims would be
    /// refused, RFC 7519 §4.1.
    WrongType,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audience => "the list of audiences is empty, or has an empty string in it",
            Self::DuplicateClaim => "a claim is given twice",
            Self::Lifetime => "the lifetime has to be longer than nothing and end at some date",
            Self::NotAnObject => "the claims are no JSON object",
            Self::NotJson => "a claim's value has no JSON",
            Self::Random => "no randomness from the system",
            Self::ReservedClaim => "a claim would replace `sub`, `exp`, `iat` or `jti`",
            Self::Scope => "a scope is empty, or holds a space, a quote, a backslash or what is not ASCII",
            Self::Sign => "the key could not sign",
            Self::TooDeep => "the claims would be nested deeper than 64 levels",
            Self::TooLarge => "the token would be longer than 16 KiB",
            Self::WrongType => {
                "a registered claim has the wrong type: `iss` is a text, `aud` a text or a list of texts, `nbf` a number"
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

impl From<SignError> for MintError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::TooLarge => Self::TooLarge,
            _ => Self::Sign,
        }
    }
}
