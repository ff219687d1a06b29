//! Errors of claims and policies.

use std::error::Error;
use std::fmt;

use boltguard_types::{NumericDate, ReasonCode};

/// A claims set was rejected.
///
/// It never contains the value of a claim, except `exp`, `iat` and `nbf`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimsError {
    /// `aud` doesn't contain an expected audience, or is present when none is expected, RFC 7519 §4.1.3.
    AudienceMismatch,
    /// `aud` is absent, and an audience is required, RFC 7519 §4.1.3.
    AudienceMissing,
    /// The time `now` is not before `exp`, leeway included, RFC 7519 §4.1.4.
    Expired {
        /// The claim `exp`.
        exp: NumericDate,
        /// The time of the check.
        now: NumericDate,
    },
    /// `iss` is not one of the expected issuers, RFC 7519 §4.1.1.
    IssuerMismatch,
    /// `iss` is absent, and an issuer is required, RFC 7519 §4.1.1.
    IssuerMissing,
    /// The payload is not a JSON object with distinct member names, RFC 7519 §7.2.
    Malformed,
    /// The claim doesn't have a required value.
    Mismatch(ClaimName),
    /// The required claim is absent or `null`.
    Missing(ClaimName),
    /// This claim, or the header parameter `typ`, names a class of tokens other than access tokens, RFC 8725 §3.12.
    NotAccessToken(ClaimName),
    /// The time `now` is before `nbf`, leeway included, RFC 7519 §4.1.5.
    NotYetValid {
        /// The claim `nbf`.
        nbf: NumericDate,
        /// The time of the check.
        now: NumericDate,
    },
    /// The policy has a [mistake](crate::ClaimsPolicy::check_settings), so it admits no claims.
    Policy(PolicyError),
    /// `sub` is not the expected subject, RFC 7519 §4.1.2.
    SubjectMismatch,
    /// The claim with the user's id, `sub` unless configured otherwise, is absent or empty.
    SubjectMissing(ClaimName),
    /// The time `now` is not before `iat` plus the largest age, leeway included.
    TooOld {
        /// The claim `iat`.
        iat: NumericDate,
        /// The time of the check.
        now: NumericDate,
    },
    /// The header's `typ` is not the expected media type, RFC 8725 §3.11.
    TypeMismatch,
    /// The claim has the wrong type, RFC 7519 §4.1.
    WrongType(ClaimName),
}

impl ClaimsError {
    /// Returns the reason code.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        match self {
            Self::AudienceMismatch => ReasonCode::AudienceMismatch,
            Self::AudienceMissing => ReasonCode::AudienceMissing,
            Self::Expired { .. } => ReasonCode::TokenExpired,
            Self::IssuerMismatch => ReasonCode::IssuerMismatch,
            Self::IssuerMissing => ReasonCode::IssuerMissing,
            Self::Malformed | Self::WrongType(_) => ReasonCode::ClaimsMalformed,
            Self::Mismatch(_) | Self::SubjectMismatch => ReasonCode::ClaimMismatch,
            Self::Missing(_) => ReasonCode::ClaimMissing,
            Self::NotAccessToken(_) => ReasonCode::NotAccessToken,
            Self::NotYetValid { .. } => ReasonCode::TokenNotYetValid,
            Self::Policy(mistake) => mistake.code(),
            Self::SubjectMissing(_) => ReasonCode::SubjectMissing,
            Self::TooOld { .. } => ReasonCode::TokenTooOld,
            Self::TypeMismatch => ReasonCode::TypeMismatch,
        }
    }

    /// Returns the name of the claim that is missing, has the wrong value or the wrong type.
    ///
    /// `None` if the [code](Self::code) identifies the claim, or the error doesn't concern a single claim.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::AudienceMissing => Some("aud"),
            Self::IssuerMissing => Some("iss"),
            Self::Mismatch(name)
            | Self::Missing(name)
            | Self::NotAccessToken(name)
            | Self::SubjectMissing(name)
            | Self::WrongType(name) => Some(name.as_str()),
            _ => None,
        }
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AudienceMismatch => f.write_str("the token is for another audience"),
            Self::AudienceMissing => f.write_str("the token doesn't have the claim \"aud\""),
            Self::Expired { exp, now } => {
                write!(f, "the token has expired (exp is {exp}, the time is {now})")
            }
            Self::IssuerMismatch => f.write_str("the token is from another issuer"),
            Self::IssuerMissing => f.write_str("the token doesn't have the claim \"iss\""),
            Self::Malformed => {
                f.write_str("the payload is not a JSON object with distinct member names")
            }
            Self::Mismatch(name) => write!(f, "the claim {name} doesn't have a required value"),
            Self::Missing(name) => write!(f, "the token doesn't have the claim {name}"),
            Self::NotAccessToken(name) => {
                write!(f, "the token is not an access token, according to {name}")
            }
            Self::NotYetValid { nbf, now } => {
                write!(
                    f,
                    "the token is not valid yet (nbf is {nbf}, the time is {now})"
                )
            }
            Self::Policy(mistake) => write!(f, "the policy admits no claims: {mistake}"),
            Self::SubjectMismatch => f.write_str("the token is about another subject"),
            Self::SubjectMissing(name) => {
                write!(
                    f,
                    "the claim {name}, which identifies the user, is absent or empty"
                )
            }
            Self::TooOld { iat, now } => {
                write!(f, "the token is too old (iat is {iat}, the time is {now})")
            }
            Self::TypeMismatch => f.write_str("the header doesn't have the expected typ"),
            Self::WrongType(name) => write!(f, "the claim {name} has the wrong type"),
        }
    }
}

impl Error for ClaimsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Policy(mistake) => Some(mistake),
            _ => None,
        }
    }
}

/// The name of a claim that a policy checks.
///
/// [`Display`](fmt::Display) writes it as a JSON string, so that it is safe in logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimName(Box<str>);

impl ClaimName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ClaimName {
    #[cold]
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A mistake in a policy: a setting without a value to compare with.
///
/// Such a policy would admit no claims, or more than its settings say.
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
    /// A list of claims with grants contains a path twice.
    DuplicateClaimPath,
    /// An issuer has braces that don't contain the name of a single claim, behind something else.
    IssuerTemplate,
    /// The list of audiences is empty.
    NoAudience,
    /// A list of claims with grants is empty.
    NoClaimPath,
    /// A claim test has an empty list of values.
    NoClaimValue,
    /// The list of issuers is empty.
    NoIssuer,
    /// The largest age of tokens is zero.
    NoMaxAge,
    /// A list of claims with grants has more than
    /// [`ClaimsPolicy::MAX_SOURCES`](crate::ClaimsPolicy::MAX_SOURCES) paths.
    TooManyClaimPaths,
}

impl PolicyError {
    /// The reason code of a token that is rejected because of the mistake.
    const fn code(self) -> ReasonCode {
        match self {
            Self::BlankAudience | Self::NoAudience => ReasonCode::AudienceMismatch,
            Self::BlankIssuer | Self::IssuerTemplate | Self::NoIssuer => ReasonCode::IssuerMismatch,
            Self::BlankSubject | Self::NoClaimValue => ReasonCode::ClaimMismatch,
            Self::BlankType => ReasonCode::TypeMismatch,
            Self::DuplicateClaimPath | Self::NoClaimPath | Self::TooManyClaimPaths => {
                ReasonCode::ClaimMismatch
            }
            Self::NoMaxAge => ReasonCode::TokenTooOld,
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlankAudience => "audience contains an empty string: remove it",
            Self::BlankIssuer => "issuer contains an empty string: remove it",
            Self::BlankSubject => "the required subject is an empty string: pass the subject",
            Self::BlankType => "typ is an empty string: omit it, or pass the media type",
            Self::DuplicateClaimPath => {
                "a list of claims with grants contains a path twice: remove one of them"
            }
            Self::IssuerTemplate => {
                "issuer contains braces, which must contain the name of one claim other than iss, behind a prefix, as in https://id.example.com/{tid}"
            }
            Self::NoAudience => {
                "audience is an empty list, which no token matches: omit it, or pass an audience"
            }
            Self::NoClaimPath => {
                "a list of claims with grants is empty: omit it, or pass the path of a claim"
            }
            Self::NoClaimValue => {
                "a claim test has an empty list of values, which no token matches: omit the list, or pass a value"
            }
            Self::NoIssuer => {
                "issuer is an empty list, which no token matches: omit it, or pass an issuer"
            }
            Self::NoMaxAge => "max_age is zero, so every token is too old: omit it, or pass a time",
            Self::TooManyClaimPaths => {
                "a list of claims with grants has more than 16 paths: remove some of them"
            }
        })
    }
}

impl Error for PolicyError {}
