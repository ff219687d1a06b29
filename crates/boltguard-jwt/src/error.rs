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
    /// `aud` is absent, and an audience is required, RFC 7519 §4.1.3.
    AudienceMissing,
    /// `exp` is in the past, RFC 7519 §4.1.4.
    Expired,
    /// `iss` is none of the expected issuers, RFC 7519 §4.1.1.
    Issuer,
    /// `iss` is absent, and an issuer is required, RFC 7519 §4.1.1.
    IssuerMissing,
    /// The payload is no JSON object without duplicate members, RFC 7519 §7.2.
    Malformed,
    /// A claim is none of the values that are required of it.
    Mismatch,
    /// A required claim is absent or `null`.
    Missing,
    /// The token calls itself something else than an access token, RFC 8725 §3.12.
    NotAccessToken,
    /// `nbf` is in the future, RFC 7519 §4.1.5.
    NotYetValid,
    /// `sub` is not the expected subject, RFC 7519 §4.1.2.
    Subject,
    /// `sub`, or the claim in its place, is absent or empty.
    SubjectMissing,
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
            Self::AudienceMissing => ReasonCode::AudienceMissing,
            Self::Expired => ReasonCode::TokenExpired,
            Self::Issuer => ReasonCode::IssuerMismatch,
            Self::IssuerMissing => ReasonCode::IssuerMissing,
            Self::Malformed | Self::WrongType => ReasonCode::ClaimsMalformed,
            Self::Mismatch | Self::Subject => ReasonCode::ClaimMismatch,
            Self::Missing => ReasonCode::ClaimMissing,
            Self::NotAccessToken => ReasonCode::NotAccessToken,
            Self::NotYetValid => ReasonCode::TokenNotYetValid,
            Self::SubjectMissing => ReasonCode::SubjectMissing,
            Self::Type => ReasonCode::TypeMismatch,
        }
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audience => "the token is for another audience",
            Self::AudienceMissing => "the token names no audience",
            Self::Expired => "the token has expired",
            Self::Issuer => "the token is from another issuer",
            Self::IssuerMissing => "the token names no issuer",
            Self::Malformed => "the payload is not a JSON object with distinct members",
            Self::Mismatch => "a claim has another value than the required one",
            Self::Missing => "a required claim is missing",
            Self::NotAccessToken => "the token is not an access token",
            Self::NotYetValid => "the token is not valid yet",
            Self::Subject => "the token is about another subject",
            Self::SubjectMissing => "the token doesn't say whom it is about",
            Self::Type => "the token is of another type",
            Self::WrongType => "a registered claim has the wrong type",
        })
    }
}

impl Error for ClaimsError {}

/// A policy would admit nothing, or more than it says: a setting was given nothing to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// An audience is the empty string.
    BlankAudience,
    /// An issuer is the empty string.
    BlankIssuer,
    /// The subject is the empty string.
    BlankSubject,
    /// The media type is the empty string.
    BlankType,
    /// The list of audiences is empty.
    NoAudience,
    /// A claim test was given an empty list of values.
    NoClaimValue,
    /// The list of issuers is empty.
    NoIssuer,
}

impl PolicyError {
    /// Why a token is refused that such a policy is asked about.
    pub(crate) const fn met(self) -> ClaimsError {
        match self {
            Self::BlankAudience | Self::NoAudience => ClaimsError::Audience,
            Self::BlankIssuer | Self::NoIssuer => ClaimsError::Issuer,
            Self::BlankSubject => ClaimsError::Subject,
            Self::BlankType => ClaimsError::Type,
            Self::NoClaimValue => ClaimsError::Mismatch,
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlankAudience => "audience contains an empty string: remove it",
            Self::BlankIssuer => "issuer contains an empty string: remove it",
            Self::BlankSubject => "the required subject is an empty string: give the subject",
            Self::BlankType => "typ is an empty string: omit it, or give the media type",
            Self::NoAudience => {
                "audience is an empty list, which no token matches: omit it, or give an audience"
            }
            Self::NoClaimValue => {
                "a claim test has an empty list of values, which no token matches: omit the list, or give a value"
            }
            Self::NoIssuer => {
                "issuer is an empty list, which no token matches: omit it, or give an issuer"
            }
        })
    }
}

impl Error for PolicyError {}
