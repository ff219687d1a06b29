//! What a service asks of a token's claims.

use std::time::Duration;

use boltguard_grants::Requirements;
use boltguard_jws::Header;
use boltguard_types::NumericDate;

use crate::claims::{Body, Registered};
use crate::class::{LABELED, is_other_class};
use crate::field::{Claim, Field};
use crate::one_of::OneOf;
use crate::required::Required;
use crate::rule::Rules;
use crate::{AccountSource, AdmittedClaims, CachedClaims, Claims, ClaimsError, PolicyError};

/// Decides which claims are admitted.
///
/// The default is strict: `exp` is required and in the future, `nbf` is honoured, a token for some audience is
/// refused, and registered claims must be of their types. What relaxes a check is named `ignoring_…`.
#[derive(Clone, Debug)]
pub struct ClaimsPolicy {
    audiences: OneOf,
    issuers: OneOf,
    subject: Option<Box<str>>,
    required: Required,
    pub(crate) rules: Rules,
    media_type: Option<Box<str>>,
    user_id_claim: Box<str>,
    requires_user_id: Option<bool>,
    only_access_tokens: bool,
    leeway: Duration,
    accounts: AccountSource,
    pub(crate) ignored: Ignored,
    /// The first setting that no token could meet, or that would mean less than it says.
    mistake: Option<PolicyError>,
}

/// Checks that are switched off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ignored {
    pub(crate) audience: bool,
    pub(crate) expiry: bool,
    pub(crate) issued: bool,
    pub(crate) issuer: bool,
    pub(crate) not_before: bool,
    pub(crate) subject: bool,
    pub(crate) token_id: bool,
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
            audiences: OneOf::default(),
            issuers: OneOf::default(),
            subject: None,
            required: Required::exp(),
            rules: Rules::default(),
            media_type: None,
            user_id_claim: "sub".into(),
            requires_user_id: None,
            only_access_tokens: false,
            leeway: Duration::ZERO,
            accounts: AccountSource::Local,
            ignored: Ignored::default(),
            mistake: None,
        }
    }

    /// Checks that every setting was given something to compare with.
    ///
    /// A policy with a mistake admits nothing. A `JwtBackend` of the facade refuses it when it is built; call this
    /// where you admit claims yourself.
    ///
    /// ```
    /// use boltguard_jwt::{ClaimsPolicy, PolicyError};
    ///
    /// let policy = ClaimsPolicy::new().with_audience([]);
    /// assert_eq!(policy.check_settings(), Err(PolicyError::NoAudience));
    /// ```
    ///
    /// # Errors
    ///
    /// The [`PolicyError`] of the first mistake.
    pub fn check_settings(&self) -> Result<(), PolicyError> {
        self.mistake.map_or(Ok(()), Err)
    }

    pub(crate) fn refuse_if(mut self, is_mistake: bool, mistake: PolicyError) -> Self {
        self.mistake = self.mistake.or(is_mistake.then_some(mistake));
        self
    }

    /// Requires that `aud` names at least one of these, RFC 7519 §4.1.3.
    ///
    /// An empty list, or an empty string in it, is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_audience<'a>(mut self, audiences: impl IntoIterator<Item = &'a str>) -> Self {
        let given = names(audiences);
        let (is_empty, has_blank) = (given.is_empty(), has_blank(&given));
        self.audiences.extend(given);
        self.refuse_if(is_empty, PolicyError::NoAudience)
            .refuse_if(has_blank, PolicyError::BlankAudience)
    }

    /// Requires that `iss` is one of these, RFC 7519 §4.1.1.
    ///
    /// An empty list, or an empty string in it, is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_issuer<'a>(mut self, issuers: impl IntoIterator<Item = &'a str>) -> Self {
        let given = names(issuers);
        let (is_empty, has_blank) = (given.is_empty(), has_blank(&given));
        self.issuers.extend(given);
        self.refuse_if(is_empty, PolicyError::NoIssuer)
            .refuse_if(has_blank, PolicyError::BlankIssuer)
    }

    /// Requires that `sub` is this, RFC 7519 §4.1.2. An empty string is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self.refuse_if(subject.is_empty(), PolicyError::BlankSubject)
    }

    /// Requires these claims, and no others: `exp` too is optional unless it is among them.
    ///
    /// A claim that is `null` counts as absent.
    #[must_use]
    pub fn with_required<'a>(mut self, claims: impl IntoIterator<Item = &'a str>) -> Self {
        self.required = claims.into_iter().collect();
        self
    }

    /// Requires that the header's `typ` is this media type, RFC 8725 §3.11; ASCII case and a leading
    /// `application/` aside, RFC 7515 §4.1.9. An empty string is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_type(mut self, media_type: &str) -> Self {
        self.media_type = Some(media_type.into());
        self.refuse_if(media_type.is_empty(), PolicyError::BlankType)
    }

    /// Takes the user's id from this claim instead of `sub`: a string, or a whole number. It has to be there, unless
    /// it [is optional](Self::with_optional_user_id).
    #[must_use]
    pub fn with_user_id_claim(mut self, claim: &str) -> Self {
        self.user_id_claim = claim.into();
        self
    }

    /// Requires the user's id: `sub`, or the claim that takes its place, which must not be empty.
    #[must_use]
    pub fn requiring_user_id(mut self) -> Self {
        self.requires_user_id = Some(true);
        self
    }

    /// Admits tokens that don't say whom they are about, such as those of a machine.
    #[must_use]
    pub fn with_optional_user_id(mut self) -> Self {
        self.requires_user_id = Some(false);
        self
    }

    /// Adds what has to hold where a token opens doors, and not only is read: it has to say whom it is about, unless
    /// that [is optional](Self::with_optional_user_id), and it must not call itself something else than an access
    /// token.
    ///
    /// Refused are tokens whose header's `typ`, or whose claim `typ`, `token_type`, `token_use` or `type`, names a
    /// refresh, ID, logout, offline, sliding, security event or DPoP token, and security event tokens, which have
    /// `events`. [`with_type`](Self::with_type) and [`with_claim`](Self::with_claim) decide in place of this on the
    /// member that they name.
    ///
    /// ```
    /// use boltguard_jwt::ClaimsPolicy;
    ///
    /// // The sliding tokens of simplejwt, which are refused otherwise.
    /// let policy = ClaimsPolicy::new().for_authentication().with_claim("token_type", "sliding");
    /// ```
    #[must_use]
    pub fn for_authentication(mut self) -> Self {
        self.only_access_tokens = true;
        self.requires_user_id.get_or_insert(true);
        self
    }

    /// Lets clocks differ by this much where `exp` and `nbf` are checked, RFC 7519 §4.1.4.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Says that the tokens are about accounts of another issuer, so that no user id is taken for the id of an account
    /// of this service. The `number` is the service's own, by which it knows later how to find an account of its own
    /// for such a token, [`AdmittedClaims::account_source`].
    #[must_use]
    pub fn with_external_accounts(mut self, number: u32) -> Self {
        self.accounts = AccountSource::External(number);
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
        AdmittedClaims::new(claims.body, self)
    }

    /// Admits a copy of claims that were cached, at the time `now`, with those of the `requirements` grants that they
    /// contain.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    #[inline]
    pub fn admit_cached(
        &self,
        cached: &CachedClaims,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Result<AdmittedClaims, ClaimsError> {
        let claims = cached.claims();
        self.check(claims, now)?;
        let mut body = claims.body.clone();
        body.registered.grant_set = cached.grants_for(requirements);
        AdmittedClaims::new(body, self)
    }

    /// Whether this policy decides on the claim, in place of the check of what a token calls itself.
    pub(crate) fn has_rule(&self, name: &str) -> bool {
        self.rules.lists_values(name)
    }

    #[inline]
    pub(crate) fn required(&self) -> &Required {
        &self.required
    }

    #[inline]
    pub(crate) fn user_id_claim(&self) -> &str {
        &self.user_id_claim
    }

    #[inline]
    pub(crate) fn account_source(&self, body: &Body) -> AccountSource {
        let names_issuer = || !matches!(body.registered.issuer(), Field::Absent);
        match self.accounts {
            // Another service may share the key, and has a user of the same id.
            AccountSource::Local if self.issuers.is_empty() && names_issuer() => {
                AccountSource::Unknown
            }
            source => source,
        }
    }

    /// Another claim than `sub` is named because it is there.
    #[inline]
    pub(crate) fn requires_user_id(&self) -> bool {
        self.requires_user_id
            .unwrap_or_else(|| &*self.user_id_claim != "sub")
    }

    /// Checks the dates of admitted claims again, at the later time `now`: a token may expire while something slow is
    /// asked about it.
    ///
    /// # Errors
    ///
    /// - [`ClaimsError::Expired`] if `exp` has passed in the meantime.
    /// - [`ClaimsError::NotYetValid`] if `nbf` is in the future, as the clock was set back.
    pub fn check_again(
        &self,
        claims: &AdmittedClaims,
        now: NumericDate,
    ) -> Result<(), ClaimsError> {
        self.check_dates(claims.registered(), now)
    }

    #[inline(never)]
    fn check(&self, claims: &Claims<'_>, now: NumericDate) -> Result<(), ClaimsError> {
        let body = &claims.body;
        if let Some(mistake) = self.mistake {
            return Err(mistake.met());
        }
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
            (Some(requirements), Some(found)) if same_media_type(requirements, found) => Ok(()),
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
        match issuer {
            _ if self.issuers.is_empty() => Ok(()),
            Some(issuer) if body.is_among(issuer, &self.issuers) => Ok(()),
            Some(_) => Err(ClaimsError::Issuer),
            None => Err(ClaimsError::IssuerMissing),
        }
    }

    #[inline]
    fn check_audience(&self, body: &Body) -> Result<(), ClaimsError> {
        if self.ignored.audience {
            return Ok(());
        }
        // A token for some audience is refused where no audience is expected, RFC 7519 §4.1.3.
        let addressed = match typed(body.registered.audience(), false)? {
            Some(list) if body.registered.lists.contains(Claim::Audience) => {
                body.names_any(list, &self.audiences)
            }
            Some(audience) => body.is_among(audience, &self.audiences),
            None if self.audiences.is_empty() => true,
            None => return Err(ClaimsError::AudienceMissing),
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
            (Some(requirements), Some(found)) if body.text(found) == **requirements => Ok(()),
            _ => Err(ClaimsError::Subject),
        }
    }
}

impl ClaimsPolicy {
    #[inline]
    fn check_class(&self, claims: &Claims<'_>) -> Result<(), ClaimsError> {
        if !self.only_access_tokens {
            return Ok(());
        }
        let body = &claims.body;
        let is_labeled = !body.registered.present.and(LABELED).is_empty();
        let is_other = (self.media_type.is_none() && is_of_other_class(&claims.header))
            || (is_labeled && body.other_class(|name| self.has_rule(name)).is_some());
        if is_other {
            Err(ClaimsError::NotAccessToken)
        } else {
            Ok(())
        }
    }
}

#[inline]
fn is_of_other_class(header: &Header) -> bool {
    // A class that can't be read may be any.
    header.has_mistyped_media_type() || header.media_type().is_some_and(is_other_class)
}

fn names<'a>(given: impl IntoIterator<Item = &'a str>) -> Vec<Box<str>> {
    given.into_iter().map(Box::from).collect()
}

fn has_blank(names: &[Box<str>]) -> bool {
    names.iter().any(|name| name.is_empty())
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
