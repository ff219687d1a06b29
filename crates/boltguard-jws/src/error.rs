//! Why a text is no JWS that a key vouches for, and why none is made.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

/// The token was refused before its payload was looked at.
// As wide as a register, so that a `Result` of it is moved in whole words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(usize)]
pub enum JwsError {
    /// `alg` names no algorithm, or one that no trusted key serves, RFC 8725 §3.1.
    AlgorithmNotAllowed,
    /// `crit` is there, or `b64` is not `true`: extensions that are not supported, RFC 7515 §4.1.11.
    CriticalHeader,
    /// The header is no JSON object, names a parameter twice, or gives one the wrong type, RFC 7515 §4.
    HeaderInvalid,
    /// No trusted key has the token's `kid`, RFC 7515 §4.1.4.
    KeyNotFound,
    /// The token is not three segments of base64url, RFC 7515 §7.1.
    Malformed,
    /// The signature does not verify, RFC 7515 §5.2.
    SignatureInvalid,
    /// The token is longer than [`MAX_TOKEN_LEN`](crate::MAX_TOKEN_LEN).
    TooLarge,
}

impl JwsError {
    /// The reason code.
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
            Self::CriticalHeader => "the header demands an extension that is not supported",
            Self::HeaderInvalid => "the header is not a JSON object of the expected types",
            Self::KeyNotFound => "no trusted key has the token's key id",
            Self::Malformed => "not three segments of base64url",
            Self::SignatureInvalid => "the signature does not verify",
            Self::TooLarge => "the token is too large",
        })
    }
}

impl Error for JwsError {}

/// No token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The header would be refused, for this reason.
    Header(JwsError),
    /// The key could not sign.
    Key(boltguard_keys::SignError),
    /// The token would be longer than [`MAX_TOKEN_LEN`](crate::MAX_TOKEN_LEN), so that it would be refused.
    TooLarge,
}

impl SignError {
    /// The reason code.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Header(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::TooLarge => ReasonCode::TokenTooLarge,
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => write!(f, "the token would be refused: {error}"),
            Self::Key(error) => error.fmt(f),
            Self::TooLarge => f.write_str("the token would be longer than 16 KiB"),
        }
    }
}

impl Error for SignError {}

impl From<boltguard_keys::SignError> for SignError {
    fn from(error: boltguard_keys::SignError) -> Self {
        Self::Key(error)
    }
}
