//! Why claims are not admitted.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

/// The claims were refused.
// As wide as a register, so that a `Result` of it is moved in whole words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(usize)]
pub enum ClaimsError {
    /// `aud` does not name this service, or names one where none is expected, RFC 7519 §4.1.3.
    Audience,
    /// `exp` is in the past, RFC 7519 §4.1.4.
    Expired,
    /// `iss` is none of the expected issuers, RFC 7519 §4.1.1.
    Issuer,
    /// The payload is no JSON object without duplicate members, RFC 7519 §7.2.
    Malformed,
    /// A required claim is absent or `null`.
    Missing,
    /// `nbf` is in the future, RFC 7519 §4.1.5.
    NotYetValid,
    /// `sub` is not the expected subject, RFC 7519 §4.1.2.
    Subject,
    /// The header's `typ` is not the expected one, RFC 8725 §3.11.
    Type,
    /// A registered claim has the wrong type, RFC 7519 §4.1.
    WrongType,
}

impl ClaimsError {
    /// The reason code.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Audience => ReasonCode::AudienceMismatch,
            Self::Expired => ReasonCode::TokenExpired,
            Self::Issuer => ReasonCode::IssuerMismatch,
            Self::Malformed | Self::WrongType => ReasonCode::ClaimsMalformed,
            Self::Missing => ReasonCode::ClaimMissing,
            Self::NotYetValid => ReasonCode::TokenNotYetValid,
            Self::Subject => ReasonCode::ClaimMismatch,
            Self::Type => ReasonCode::TypeMismatch,
        }
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audience => "the token is for another audience",
            Self::Expired => "the token has expired",
            Self::Issuer => "the token is from another issuer",
            Self::Malformed => "the payload is not a JSON object with distinct members",
            Self::Missing => "a required claim is missing",
            Self::NotYetValid => "the token is not valid yet",
            Self::Subject => "the token is about another subject",
            Self::Type => "the token is of another type",
            Self::WrongType => "a registered claim has the wrong type",
        })
    }
}

impl Error for ClaimsError {}
