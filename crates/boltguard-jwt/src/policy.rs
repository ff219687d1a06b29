//! What a service asks of a token's claims.

use std::time::Duration;

use boltguard_jws::Header;
use boltguard_types::{Held, NumericDate};

use crate::claims::{Body, Registered};
use crate::field::Field;
use crate::{AdmittedClaims, Claims, ClaimsError, KeptClaims};

/// Decides which claims are admitted.
///
/// The default is strict: `exp` is required and in the future, `nbf` is honoured, a token for some audience is
/// refused, and registered claims must be of their types. What relaxes a check is named `ignoring_…`.
#[derive(Clone, Debug)]
pub struct ClaimsPolicy {
    audiences: Vec<Box<str>>,
    issuers: Vec<Box<str>>,
    subject: Option<Box<str>>,
    required: Vec<Box<str>>,
    media_type: Option<Box<str>>,
    user_id_claim: Box<str>,
    leeway: Duration,
    ignored: Ignored,
}

/// Checks that are switched off.
#[derive(Clone, Copy, Debug, Default)]
struct Ignored {
    audience: bool,
    expiry: bool,
    issued: bool,
    issuer: bool,
    not_before: bool,
    subject: bool,
    token_id: bool,
}

impl Default for ClaimsPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl ClaimsPolicy {
    /// The strict default.
    #[must_use]
    pub fn new() -> Self {
        Self {
            audiences: Vec::new(),
            issuers: Vec::new(),
            subject: None,
            required: vec!["exp".into()],
            media_type: None,
            user_id_claim: "sub".into(),
            leeway: Duration::ZERO,
            ignored: Ignored::default(),
        }
    }

    /// Requires that `aud` names at least one of these, RFC 7519 §4.1.3.
    #[must_use]
    pub fn with_audience<'a>(mut self, audiences: impl IntoIterator<Item = &'a str>) -> Self {
        self.audiences.extend(audiences.into_iter().map(Box::from));
        self
    }

    /// Requires that `iss` is one of these, RFC 7519 §4.1.1.
    #[must_use]
    pub fn with_issuer<'a>(mut self, issuers: impl IntoIterator<Item = &'a str>) -> Self {
        self.issuers.extend(issuers.into_iter().map(Box::from));
        self
    }

    /// Requires that `sub` is this, RFC 7519 §4.1.2.
    #[must_use]
    pub fn with_subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Requires these claims, and no others: `exp` too is optional unless it is among them.
    ///
    /// A claim that is `null` counts as absent.
    #[must_use]
    pub fn requiring_only<'a>(mut self, claims: impl IntoIterator<Item = &'a str>) -> Self {
        self.required = claims.into_iter().map(Box::from).collect();
        self
    }

    /// Requires that the header's `typ` is this media type, RFC 8725 §3.11; ASCII case and a leading
    /// `application/` aside, RFC 7515 §4.1.9.
    #[must_use]
    pub fn with_type(mut self, media_type: &str) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Takes the user's id from this claim instead of `sub`: a string, or a whole number.
    #[must_use]
    pub fn with_user_id_claim(mut self, claim: &str) -> Self {
        self.user_id_claim = claim.into();
        self
    }

    /// Lets clocks differ by this much where `exp` and `nbf` are checked, RFC 7519 §4.1.4.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How much clocks may differ.
    #[must_use]
    pub fn leeway(&self) -> Duration {
        self.leeway
    }

    /// Does not look at `aud`.
    #[must_use]
    pub fn ignoring_audience(mut self) -> Self {
        self.ignored.audience = true;
        self
    }

    /// Does not look at `exp`, beyond requiring it.
    #[must_use]
    pub fn ignoring_expiry(mut self) -> Self {
        self.ignored.expiry = true;
        self
    }

    /// Does not look at the type of `iat`.
    #[must_use]
    pub fn ignoring_issued_at(mut self) -> Self {
        self.ignored.issued = true;
        self
    }

    /// Does not look at `iss`.
    #[must_use]
    pub fn ignoring_issuer(mut self) -> Self {
        self.ignored.issuer = true;
        self
    }

    /// Does not look at `nbf`.
    #[must_use]
    pub fn ignoring_not_before(mut self) -> Self {
        self.ignored.not_before = true;
        self
    }

    /// Does not look at `sub`.
    #[must_use]
    pub fn ignoring_subject(mut self) -> Self {
        self.ignored.subject = true;
        self
    }

    /// Does not look at the type of `jti`.
    #[must_use]
    pub fn ignoring_token_id(mut self) -> Self {
        self.ignored.token_id = true;
        self
    }

    /// Admits claims at the time `now`.
    ///
    /// # Errors
    ///
    /// A [`ClaimsError`] that names the first check that failed.
    #[inline(always)]
    pub fn admit(
        &self,
        claims: Claims<'_>,
        now: NumericDate,
    ) -> Result<AdmittedClaims, ClaimsError> {
        self.check(&claims, now)?;
        AdmittedClaims::new(claims.body, &self.required, &self.user_id_claim)
    }

    /// Admits a copy of claims that were kept, at the time `now`; `held` is what
    /// [`KeptClaims::held_for`] says.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    #[inline]
    pub fn admit_kept(
        &self,
        kept: &KeptClaims,
        held: Held,
        now: NumericDate,
    ) -> Result<AdmittedClaims, ClaimsError> {
        let claims = kept.claims();
        self.check(claims, now)?;
        let mut body = claims.body.clone();
        body.registered.held = held;
        AdmittedClaims::new(body, &self.required, &self.user_id_claim)
    }

    #[inline(never)]
    fn check(&self, claims: &Claims<'_>, now: NumericDate) -> Result<(), ClaimsError> {
        let body = &claims.body;
        self.check_type(&claims.header)?;
        self.check_dates(&body.registered, now)?;
        self.check_issuer(body)?;
        self.check_audience(body)?;
        self.check_names(body)
    }

    #[inline]
    fn check_type(&self, header: &Header) -> Result<(), ClaimsError> {
        match (&self.media_type, header.media_type()) {
            (None, _) => Ok(()),
            (Some(wanted), Some(found)) if same_media_type(wanted, found) => Ok(()),
            _ => Err(ClaimsError::Type),
        }
    }

    #[inline]
    fn check_dates(&self, claims: &Registered, now: NumericDate) -> Result<(), ClaimsError> {
        match claims.expires() {
            _ if self.ignored.expiry => {}
            Field::Mistyped => return Err(ClaimsError::WrongType),
            Field::Value(expires) if now >= expires + self.leeway => {
                return Err(ClaimsError::Expired);
            }
            Field::Value(_) | Field::Absent => {}
        }
        match claims.not_before() {
            _ if self.ignored.not_before => {}
            Field::Mistyped => return Err(ClaimsError::WrongType),
            Field::Value(begins) if now + self.leeway < begins => {
                return Err(ClaimsError::NotYetValid);
            }
            Field::Value(_) | Field::Absent => {}
        }
        // RFC 7519 §4.1.6: `iat` informs, so a future one is no reason to refuse.
        typed(claims.issued(), self.ignored.issued).map(drop)
    }

    #[inline]
    fn check_issuer(&self, body: &Body) -> Result<(), ClaimsError> {
        if self.ignored.issuer {
            return Ok(());
        }
        let issuer = typed(body.registered.issuer(), false)?;
        let expected = match issuer {
            _ if self.issuers.is_empty() => true,
            Some(issuer) => body.is_among(issuer, &self.issuers),
            None => false,
        };
        if expected {
            Ok(())
        } else {
            Err(ClaimsError::Issuer)
        }
    }

    #[inline]
    fn check_audience(&self, body: &Body) -> Result<(), ClaimsError> {
        if self.ignored.audience {
            return Ok(());
        }
        // A token for some audience is refused where no audience is expected, RFC 7519 §4.1.3.
        let addressed = match typed(body.registered.audience(), false)? {
            Some(list) if body.registered.audience_is_list => body.names_any(list, &self.audiences),
            Some(audience) => body.is_among(audience, &self.audiences),
            None => self.audiences.is_empty(),
        };
        if addressed {
            Ok(())
        } else {
            Err(ClaimsError::Audience)
        }
    }

    #[inline]
    fn check_names(&self, body: &Body) -> Result<(), ClaimsError> {
        typed(body.registered.token_id(), self.ignored.token_id)?;
        let subject = typed(body.registered.subject(), self.ignored.subject)?;
        match (&self.subject, subject) {
            (None, _) => Ok(()),
            (Some(wanted), Some(found)) if body.text(found) == **wanted => Ok(()),
            _ => Err(ClaimsError::Subject),
        }
    }
}

#[inline]
fn typed<T>(field: Field<T>, ignored: bool) -> Result<Option<T>, ClaimsError> {
    match field {
        Field::Mistyped if !ignored => Err(ClaimsError::WrongType),
        Field::Absent | Field::Mistyped => Ok(None),
        Field::Value(value) => Ok(Some(value)),
    }
}

fn same_media_type(a: &str, b: &str) -> bool {
    without_application(a).eq_ignore_ascii_case(without_application(b))
}

/// RFC 7515 §4.1.9: `application/` may be left out where no other slash follows.
fn without_application(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => media_type,
    }
}
