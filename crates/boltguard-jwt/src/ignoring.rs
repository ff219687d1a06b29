//! Settings that switch off the check of one claim each.

use crate::ClaimsPolicy;
use crate::field::Claim;

impl ClaimsPolicy {
    /// Disables the check of `aud`.
    #[must_use]
    pub fn ignoring_audience(self) -> Self {
        self.ignoring(Claim::Audience)
    }

    /// Disables the check of `exp`, except that it is required.
    #[must_use]
    pub fn ignoring_expiry(self) -> Self {
        self.ignoring(Claim::Expires)
    }

    /// Disables the check of the type of `iat`.
    #[must_use]
    pub fn ignoring_issued_at(self) -> Self {
        self.ignoring(Claim::Issued)
    }

    /// Disables the check of `iss`.
    #[must_use]
    pub fn ignoring_issuer(self) -> Self {
        self.ignoring(Claim::Issuer)
    }

    /// Disables the check of `nbf`.
    #[must_use]
    pub fn ignoring_not_before(self) -> Self {
        self.ignoring(Claim::NotBefore)
    }

    /// Disables the check of the type of `sub`.
    #[must_use]
    pub fn ignoring_subject(self) -> Self {
        self.ignoring(Claim::Subject)
    }

    /// Disables the check of the type of `jti`.
    #[must_use]
    pub fn ignoring_token_id(self) -> Self {
        self.ignoring(Claim::TokenId)
    }

    fn ignoring(mut self, claim: Claim) -> Self {
        self.ignored.insert(claim);
        self
    }
}
