//! Which claim it was, where a policy refused a token for one of several.

use crate::claims::{Body, Registered};
use crate::field::Claim;
use crate::{ClaimsError, ClaimsPolicy};

impl ClaimsPolicy {
    /// The name of the claim for which these `claims`, as JSON text, were refused with `error`: of a cause that may
    /// be any of several.
    #[cold]
    #[must_use]
    pub fn claim_at_fault(&self, error: ClaimsError, claims: &str) -> Option<&str> {
        let body = Body::read(claims.as_bytes()).ok()?;
        let rule = || self.rules.failing(&body, error);
        match error {
            ClaimsError::AudienceMissing => Some("aud"),
            ClaimsError::IssuerMissing => Some("iss"),
            ClaimsError::Mismatch => rule(),
            ClaimsError::Missing => rule().or_else(|| self.required().missing_in(&body)),
            ClaimsError::NotAccessToken => {
                body.other_class(|name| self.has_rule(name)).or(Some("typ"))
            }
            ClaimsError::SubjectMissing => Some(self.user_id_claim()),
            ClaimsError::WrongType => self.mistyped_claim(&body.registered),
            _ => None,
        }
    }

    fn mistyped_claim(&self, claims: &Registered) -> Option<&str> {
        let ignored = &self.ignored;
        let checked = [
            ("exp", Claim::Expires, ignored.expiry),
            ("nbf", Claim::NotBefore, ignored.not_before),
            ("iat", Claim::Issued, ignored.issued),
            ("iss", Claim::Issuer, ignored.issuer),
            ("aud", Claim::Audience, ignored.audience),
            ("jti", Claim::TokenId, ignored.token_id),
            ("sub", Claim::Subject, ignored.subject),
        ];
        let mut checked = checked.into_iter().filter(|(.., is_ignored)| !is_ignored);
        let mistyped = checked.find(|(_, claim, _)| claims.is_mistyped(*claim));
        mistyped.map_or(Some(self.user_id_claim()), |(name, ..)| Some(name))
    }
}
