//! The checks of a policy, in their order.

use std::time::Duration;

use boltguard_jws::Header;
use boltguard_types::NumericDate;

use crate::claims::{Body, Registered};
use crate::class::{LABELED, is_other_class};
use crate::field::{Claim, Field};
use crate::{AccountSource, AdmittedClaims, Claims, ClaimsError, ClaimsPolicy, media_type};

impl ClaimsPolicy {
    /// Validates the claims at the time `now`.
    ///
    /// # Errors
    ///
    /// The [`ClaimsError`] of the first check that fails.
    #[inline(always)]
    pub fn admit(
        &self,
        claims: Claims<'_>,
        now: NumericDate,
    ) -> Result<AdmittedClaims, ClaimsError> {
        self.check(&claims, now)?;
        AdmittedClaims::new(claims.body, self, now)
    }

    /// Validates the dates of admitted claims at a later time `now`, because a token can expire while the request waits
    /// for a slow check.
    ///
    /// # Errors
    ///
    /// - [`ClaimsError::Expired`] if the token has expired in the meantime.
    /// - [`ClaimsError::TooOld`] if it has reached the largest age.
    /// - [`ClaimsError::NotYetValid`] if `nbf` is in the future, because the clock was set back.
    pub fn check_again(
        &self,
        claims: &AdmittedClaims,
        now: NumericDate,
    ) -> Result<(), ClaimsError> {
        self.check_dates(claims.registered(), now)
    }

    /// Returns whether the user's id is required: by default, if it is in another claim than `sub`.
    #[inline]
    pub(crate) fn requires_user_id(&self) -> bool {
        self.user_id_is_required
            .unwrap_or_else(|| &*self.user_id_claim != "sub")
    }

    #[inline]
    pub(crate) fn account_source(&self, body: &Body) -> AccountSource {
        let has_issuer = || !matches!(body.registered.issuer(), Field::Absent);
        match self.accounts {
            // Another service may use the same key and have a user with the same id.
            AccountSource::Local if !self.restricts_issuer() && has_issuer() => {
                AccountSource::Unknown
            }
            source => source,
        }
    }

    #[inline(never)]
    pub(crate) fn check(&self, claims: &Claims<'_>, now: NumericDate) -> Result<(), ClaimsError> {
        let body = &claims.body;
        self.check_settings().map_err(ClaimsError::Policy)?;
        // A client can replace an expired token, so the dates precede the checks that a new token would fail too.
        self.check_type(&claims.header)?;
        self.check_dates(&body.registered, now)?;
        self.check_issuer(body)?;
        self.check_audience(body)?;
        self.check_names(body)?;
        self.check_class(claims)?;
        self.rules.check(body)
    }

    #[inline]
    fn check_type(&self, header: &Header) -> Result<(), ClaimsError> {
        match (&self.media_type, header.media_type()) {
            (None, _) => Ok(()),
            (Some(expected), Some(found)) if media_type::is_same(expected, found) => Ok(()),
            _ => Err(ClaimsError::TypeMismatch),
        }
    }

    #[inline]
    fn check_dates(&self, claims: &Registered, now: NumericDate) -> Result<(), ClaimsError> {
        match self.value(Claim::Expires, claims.expires())? {
            Some(exp) if now >= exp + self.leeway && self.checks(Claim::Expires) => {
                return Err(ClaimsError::Expired { exp, now });
            }
            _ => {}
        }
        match self.value(Claim::NotBefore, claims.not_before())? {
            Some(nbf) if now + self.leeway < nbf && self.checks(Claim::NotBefore) => {
                return Err(ClaimsError::NotYetValid { nbf, now });
            }
            _ => {}
        }
        // RFC 7519 §4.1.6 gives no reason to reject an `iat` in the future.
        let issued = self.value(Claim::Issued, claims.issued())?;
        match self.max_age {
            Some(max_age) => self.check_age(issued, max_age, now),
            None => Ok(()),
        }
    }

    #[cold]
    fn check_age(
        &self,
        issued: Option<NumericDate>,
        max_age: Duration,
        now: NumericDate,
    ) -> Result<(), ClaimsError> {
        match issued {
            Some(iat) if now >= iat + max_age + self.leeway => {
                Err(ClaimsError::TooOld { iat, now })
            }
            Some(_) => Ok(()),
            None => Err(ClaimsError::Missing(Claim::Issued.name().into())),
        }
    }

    #[inline]
    fn check_issuer(&self, body: &Body) -> Result<(), ClaimsError> {
        if !self.checks(Claim::Issuer) {
            return Ok(());
        }
        match self.value(Claim::Issuer, body.registered.issuer())? {
            _ if !self.restricts_issuer() => Ok(()),
            Some(issuer) if body.is_among(issuer, &self.issuers) => Ok(()),
            Some(issuer) if self.matches_template(body, &body.text(issuer)) => Ok(()),
            Some(_) => Err(ClaimsError::IssuerMismatch),
            None => Err(ClaimsError::IssuerMissing),
        }
    }

    #[cold]
    fn matches_template(&self, body: &Body, issuer: &str) -> bool {
        let mut templates = self.issuer_templates.iter();
        templates.any(|template| template.matches(issuer, |claim| body.get(claim)))
    }

    #[inline]
    fn check_audience(&self, body: &Body) -> Result<(), ClaimsError> {
        if !self.checks(Claim::Audience) {
            return Ok(());
        }
        // If no audience is expected, a token with an audience is rejected, RFC 7519 §4.1.3.
        let is_addressed = match self.value(Claim::Audience, body.registered.audience())? {
            Some(list) if body.registered.lists.contains(Claim::Audience) => {
                body.names_any(list, &self.audiences)
            }
            Some(audience) => body.is_among(audience, &self.audiences),
            None if self.audiences.is_empty() => true,
            None => return Err(ClaimsError::AudienceMissing),
        };
        if is_addressed {
            Ok(())
        } else {
            Err(ClaimsError::AudienceMismatch)
        }
    }

    #[inline]
    fn check_names(&self, body: &Body) -> Result<(), ClaimsError> {
        self.value(Claim::TokenId, body.registered.token_id())?;
        let subject = self.value(Claim::Subject, body.registered.subject())?;
        match (&self.subject, subject) {
            (None, _) => Ok(()),
            (Some(expected), Some(found)) if body.text(found) == **expected => Ok(()),
            _ => Err(ClaimsError::SubjectMismatch),
        }
    }

    #[inline]
    fn check_class(&self, claims: &Claims<'_>) -> Result<(), ClaimsError> {
        if !self.only_access_tokens {
            return Ok(());
        }
        let body = &claims.body;
        let is_labeled = !body.registered.present.and(LABELED).is_empty();
        let label = is_labeled
            .then(|| body.other_class(|name| self.rules.lists_values(name)))
            .flatten();
        let typ = || self.media_type.is_none() && is_of_other_class(&claims.header);
        match label.or_else(|| typ().then_some("typ")) {
            Some(name) => Err(ClaimsError::NotAccessToken(name.into())),
            None => Ok(()),
        }
    }

    /// Returns the value of a claim, or an error if it has the wrong type and its check is not disabled.
    #[inline]
    fn value<T>(&self, claim: Claim, field: Field<T>) -> Result<Option<T>, ClaimsError> {
        match field {
            Field::Mistyped if self.checks(claim) => {
                Err(ClaimsError::WrongType(claim.name().into()))
            }
            Field::Absent | Field::Mistyped => Ok(None),
            Field::Value(value) => Ok(Some(value)),
        }
    }

    #[inline]
    fn checks(&self, claim: Claim) -> bool {
        !self.ignored.contains(claim)
    }
}

#[inline]
fn is_of_other_class(header: &Header) -> bool {
    // An unreadable `typ` could name any class.
    header.has_mistyped_media_type() || header.media_type().is_some_and(is_other_class)
}
