//! Errors of JWKs, for logs and error messages.

use std::error::Error;
use std::fmt;

use boltguard_types::KeyId;

use crate::KeyError;

/// The error of a JWK that can't be used: the cause, and the member of the JWK.
///
/// ```
/// use boltguard_keys::{Jwk, KeyError};
///
/// let problem = Jwk::parse_or_explain(r#"{"kty":"RSA","e":"AQAB"}"#).unwrap_err();
/// assert_eq!(problem.to_string(), "`n` is missing");
/// assert_eq!((problem.cause(), problem.member()), (KeyError::JwkMember, Some("n")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwkProblem {
    cause: KeyError,
    member: Option<&'static str>,
    fault: &'static str,
}

impl JwkProblem {
    /// Creates a problem of this member. `fault` follows its name in the message.
    pub(crate) const fn of(member: &'static str, cause: KeyError, fault: &'static str) -> Self {
        Self {
            cause,
            member: Some(member),
            fault,
        }
    }

    pub(crate) const fn missing(member: &'static str) -> Self {
        Self::of(member, KeyError::JwkMember, "is missing")
    }

    pub(crate) const fn of_type(member: &'static str) -> Self {
        Self::of(member, KeyError::JwkMember, "isn't a string")
    }

    pub(crate) const fn of_length(member: &'static str) -> Self {
        Self::of(member, KeyError::JwkMember, "has the wrong length")
    }

    /// Returns the cause.
    #[must_use]
    pub const fn cause(&self) -> KeyError {
        self.cause
    }

    /// Returns the member of the JWK, if the cause is about one.
    #[must_use]
    pub const fn member(&self) -> Option<&'static str> {
        self.member
    }
}

impl From<KeyError> for JwkProblem {
    fn from(cause: KeyError) -> Self {
        Self {
            cause,
            member: None,
            fault: "",
        }
    }
}

impl From<JwkProblem> for KeyError {
    fn from(problem: JwkProblem) -> Self {
        problem.cause
    }
}

impl fmt::Display for JwkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member {
            Some(member) => write!(f, "`{member}` {}", self.fault),
            None => self.cause.fmt(f),
        }
    }
}

impl Error for JwkProblem {}

/// A skipped key of a JWK Set, and the reason.
///
/// It is shown as `key 0 (kid "2026"): the RSA key is shorter than 2048 bits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    pub(crate) index: usize,
    pub(crate) kid: Option<KeyId>,
    pub(crate) problem: JwkProblem,
}

impl SkippedKey {
    /// Returns the index of the key in the set.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Returns the key's `kid`.
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// Returns why it is skipped.
    #[must_use]
    pub const fn problem(&self) -> JwkProblem {
        self.problem
    }
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.index)?;
        if let Some(kid) = &self.kid {
            // The publisher of the set controls it, so it is truncated and contains no line breaks.
            let shown: String = kid.as_str().chars().take(LONGEST_KID).collect();
            let more = if shown.len() < kid.as_str().len() {
                "…"
            } else {
                ""
            };
            write!(f, " (kid {shown:?}{more})")?;
        }
        write!(f, ": {}", self.problem)
    }
}

const LONGEST_KID: usize = 64;
