//! Causes for which credentials are rejected.

use std::sync::Arc;

use boltguard_jwt::ClaimsError;
use boltguard_types::ReasonCode;

/// The cause for which a credential was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    reason: ReasonCode,
    claim: Option<Arc<ClaimName>>,
}

/// The name of a claim, behind a thin pointer: a failure is moved at each step of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimName(pub(crate) Box<str>);

impl Failure {
    /// Returns the precise cause, for logs.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// Returns the claim at fault, if the reason can be about any of several claims.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        self.claim.as_ref().map(|name| &*name.0)
    }

    /// Returns the failure of the backend that got further, the earlier one if both got equally far.
    ///
    /// The client most likely means the backend that got furthest: "the token has expired" is more helpful than "no key
    /// verifies it".
    #[cold]
    pub(crate) fn furthest(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(earlier) if !is_further(later.reason, earlier.reason) => earlier,
            _ => later,
        }
    }
}

impl From<ReasonCode> for Failure {
    fn from(reason: ReasonCode) -> Self {
        Self {
            reason,
            claim: None,
        }
    }
}

impl From<ClaimsError> for Failure {
    #[cold]
    fn from(error: ClaimsError) -> Self {
        Self {
            reason: error.code(),
            claim: error.claim().map(|name| Arc::new(ClaimName(name.into()))),
        }
    }
}

/// Returns whether a credential that was rejected for `reason` came further than one that was rejected for `other`.
pub(crate) fn is_further(reason: ReasonCode, other: ReasonCode) -> bool {
    stage(reason) > stage(other)
}

/// Returns how far a credential came: 0 if its form was rejected or its key is unknown, 1 if its signature was
/// rejected, and 2 if it is genuine.
fn stage(reason: ReasonCode) -> u8 {
    match reason {
        ReasonCode::AlgorithmNotAllowed
        | ReasonCode::ApiKeyInvalid
        | ReasonCode::CookieDuplicated
        | ReasonCode::CredentialsInvalid
        | ReasonCode::CriticalHeader
        | ReasonCode::HeaderInvalid
        | ReasonCode::KeyNotFound
        | ReasonCode::TokenMalformed
        | ReasonCode::TokenTooLarge => 0,
        ReasonCode::SignatureInvalid => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_of_the_backend_that_got_furthest_is_used() {
        use ReasonCode::{
            ApiKeyInvalid, CredentialsInvalid, KeyNotFound, SignatureInvalid, TokenExpired,
        };
        for (earlier, later, kept) in [
            (KeyNotFound, TokenExpired, TokenExpired),
            (TokenExpired, KeyNotFound, TokenExpired),
            (CredentialsInvalid, TokenExpired, TokenExpired),
            (CredentialsInvalid, ApiKeyInvalid, CredentialsInvalid),
            (KeyNotFound, ApiKeyInvalid, KeyNotFound),
            (KeyNotFound, SignatureInvalid, SignatureInvalid),
        ] {
            let failure = Failure::furthest(Some(earlier.into()), later.into());
            assert_eq!(failure.reason(), kept);
        }
        assert_eq!(
            Failure::furthest(None, KeyNotFound.into()).reason(),
            KeyNotFound
        );
    }
}
