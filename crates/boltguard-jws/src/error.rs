//! Errors of verifying and of signing.

use std::error::Error;
use std::fmt;

use boltguard_keys::SignError;
use boltguard_types::ReasonCode;

/// A token was rejected before its claims were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwsError {
    /// `alg` is not a supported algorithm, or no trusted key is for this algorithm, RFC 8725 §3.1.
    AlgorithmNotAllowed,
    /// The header requires an extension that is not supported: it has `crit`, or `b64` isn't `true`, RFC 7515 §4.1.11.
    CriticalHeader,
    /// The header is not a JSON object, has a duplicate parameter, or a parameter has the wrong type, RFC 7515 §4.
    HeaderInvalid,
    /// No trusted key has the token's `kid`, RFC 7515 §4.1.4.
    KeyNotFound,
    /// The token doesn't consist of three base64url segments, RFC 7515 §7.1.
    Malformed,
    /// The signature is not valid, RFC 7515 §5.2.
    SignatureInvalid,
    /// The token is longer than [`MAX_TOKEN_LEN`](crate::MAX_TOKEN_LEN).
    TooLarge,
}

impl JwsError {
    /// Returns the reason code.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::AlgorithmNotAllowed => ReasonCode::AlgorithmNotAllowed,
            Self::CriticalHeader => ReasonCode::CriticalHeader,
            Self::HeaderInvalid => ReasonCode::HeaderInvalid,
            Self::KeyNotFound => ReasonCode::KeyNotFound,
            Self::Malformed => ReasonCode::TokenMalformed,
            Self::SignatureInvalid => ReasonCode::SignatureInvalid,
            Self::TooLarge => ReasonCode::TokenTooLarge,
        }
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlgorithmNotAllowed => "the token's algorithm is not allowed",
            Self::CriticalHeader => "the header requires an extension that is not supported",
            Self::HeaderInvalid => {
                "the header is not a JSON object, or a parameter is duplicate or has the wrong type"
            }
            Self::KeyNotFound => "no trusted key has the token's key id",
            Self::Malformed => "the token doesn't consist of three base64url segments",
            Self::SignatureInvalid => "the signature is not valid",
            Self::TooLarge => "the token is longer than 16 KiB",
        })
    }
}

impl Error for JwsError {}

/// A token could not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwsSignError {
    /// A verifier would reject the header.
    Header(JwsError),
    /// The key could not sign.
    Key(SignError),
    /// The token would be longer than [`MAX_TOKEN_LEN`](crate::MAX_TOKEN_LEN), so a verifier would reject it.
    TooLarge,
}

impl JwsSignError {
    /// Returns the reason code.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Header(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::TooLarge => ReasonCode::TokenTooLarge,
        }
    }
}

impl fmt::Display for JwsSignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => write!(f, "the token would be rejected: {error}"),
            Self::Key(error) => error.fmt(f),
            Self::TooLarge => f.write_str("the token would be longer than 16 KiB"),
        }
    }
}

impl Error for JwsSignError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Header(error) => Some(error),
            Self::Key(error) => Some(error),
            Self::TooLarge => None,
        }
    }
}

impl From<SignError> for JwsSignError {
    fn from(error: SignError) -> Self {
        Self::Key(error)
    }
}
