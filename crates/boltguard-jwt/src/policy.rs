//! The settings of a policy.

use std::time::Duration;

use crate::field::Marks;
use crate::issuer_template::IssuerTemplate;
use crate::one_of::OneOf;
use crate::required::Required;
use crate::rule::Rules;
use crate::sources::GrantSources;
use crate::{AccountSource, PolicyError};

/// A policy that decides which claims are admitted.
///
/// The default is strict: `exp` is required and must be in the future, `nbf` must not be in the future, a token with an
/// audience is rejected, and registered claims must have the right types. The settings that disable a check are named
/// `ignoring_…`.
#[derive(Clone, Debug)]
pub struct ClaimsPolicy {
    pub(crate) audiences: OneOf,
    pub(crate) issuers: OneOf,
    pub(crate) issuer_templates: Vec<IssuerTemplate>,
    pub(crate) subject: Option<Box<str>>,
    pub(crate) required: Required,
    pub(crate) rules: Rules,
    pub(crate) media_type: Option<Box<str>>,
    pub(crate) user_id_claim: Box<str>,
    pub(crate) user_id_is_required: Option<bool>,
    pub(crate) only_access_tokens: bool,
    pub(crate) leeway: Duration,
    pub(crate) max_age: Option<Duration>,
    pub(crate) accounts: AccountSource,
    /// Where grants are read from, if not from the default claims.
    pub(crate) sources: Option<GrantSources>,
    /// The claims whose checks are disabled.
    pub(crate) ignored: Marks,
    /// The first mistake in the settings.
    mistake: Option<PolicyError>,
}

impl Default for ClaimsPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl ClaimsPolicy {
    /// Creates the strict default policy.
    #[must_use]
    pub fn new() -> Self {
        Self {
            audiences: OneOf::default(),
            issuers: OneOf::default(),
            issuer_templates: Vec::new(),
            subject: None,
            required: Required::exp(),
            rules: Rules::default(),
            media_type: None,
            user_id_claim: "sub".into(),
            user_id_is_required: None,
            only_access_tokens: false,
            leeway: Duration::ZERO,
            max_age: None,
            accounts: AccountSource::Local,
            sources: None,
            ignored: Marks::default(),
            mistake: None,
        }
    }

    /// Checks that every setting has something to compare with.
    ///
    /// A policy with a mistake admits no claims. A `JwtBackend` of the facade rejects it when the backend is built;
    /// call this if you admit claims yourself.
    ///
    /// ```
    /// use boltguard_jwt::{ClaimsPolicy, PolicyError};
    ///
    /// let policy = ClaimsPolicy::new().with_audience([""; 0]);
    /// assert_eq!(policy.check_settings(), Err(PolicyError::NoAudience));
    /// ```
    ///
    /// # Errors
    ///
    /// The [`PolicyError`] of the first mistake.
    #[inline]
    pub fn check_settings(&self) -> Result<(), PolicyError> {
        self.mistake.map_or(Ok(()), Err)
    }

    pub(crate) fn refuse_if(mut self, is_mistake: bool, mistake: PolicyError) -> Self {
        self.mistake = self.mistake.or(is_mistake.then_some(mistake));
        self
    }

    /// Requires that `aud` contains at least one of these audiences, RFC 7519 §4.1.3.
    ///
    /// An empty list, or an empty string in it, is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_audience(mut self, audiences: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let given = names(audiences);
        let (is_empty, has_blank) = (given.is_empty(), has_blank(&given));
        self.audiences.extend(given);
        self.refuse_if(is_empty, PolicyError::NoAudience)
            .refuse_if(has_blank, PolicyError::BlankAudience)
    }

    /// Requires that `iss` is one of these issuers, RFC 7519 §4.1.1.
    ///
    /// An empty list, or an empty string in it, is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_issuer(mut self, issuers: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let given = names(issuers);
        let (is_empty, has_blank) = (given.is_empty(), has_blank(&given));
        self.issuers.extend(given);
        self.refuse_if(is_empty, PolicyError::NoIssuer)
            .refuse_if(has_blank, PolicyError::BlankIssuer)
    }

    /// Requires an issuer like [`with_issuer`](Self::with_issuer), in which the name of a claim in braces stands for
    /// the value of this claim.
    ///
    /// The value must be a string of ASCII letters, digits, `-`, `_` and `.`, and the result must be exactly `iss`.
    /// A string without braces is an issuer as it is. A string with several claims, with the claim `iss`, or with
    /// nothing before the brace is a [mistake](Self::check_settings).
    ///
    /// All tenants of the issuer are accepted; to accept some of them, call [`with_claim`](Self::with_claim), too.
    ///
    /// ```
    /// use boltguard_jwt::ClaimsPolicy;
    ///
    /// // Microsoft Entra has an issuer for each tenant, all of which use the same keys.
    /// let policy = ClaimsPolicy::new()
    ///     .with_issuer_template(["https://login.microsoftonline.com/{tid}/v2.0"])
    ///     .with_claim("tid", "4f1e6a0a-9d3c-4ad0-8d4f-2f0d3b7d7c11");
    /// assert_eq!(policy.check_settings(), Ok(()));
    /// ```
    #[must_use]
    pub fn with_issuer_template(mut self, issuers: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let given = names(issuers).into_iter();
        let (templates, issuers): (Vec<_>, Vec<_>) =
            given.partition(|issuer| IssuerTemplate::is_template(issuer));
        let parsed = templates.iter().map(|text| IssuerTemplate::parse(text));
        let parsed: Option<Vec<_>> = parsed.collect();
        let is_invalid = parsed.is_none();
        self.issuer_templates.extend(parsed.into_iter().flatten());
        let policy = self.refuse_if(is_invalid, PolicyError::IssuerTemplate);
        if issuers.is_empty() && !templates.is_empty() {
            policy
        } else {
            policy.with_issuer(issuers)
        }
    }

    /// Requires that `sub` is this subject, RFC 7519 §4.1.2.
    ///
    /// An empty string is a [mistake](Self::check_settings).
    #[must_use]
    pub fn with_subject(mut self, subject: impl AsRef<str>) -> Self {
        let subject = subject.as_ref();
        self.subject = Some(subject.into());
        self.refuse_if(subject.is_empty(), PolicyError::BlankSubject)
    }

    /// Requires exactly these claims. They replace the default, so `exp` is optional unless it is listed.
    ///
    /// A claim that is `null` counts as absent.
    #[must_use]
    pub fn with_required<'a>(mut self, claims: impl IntoIterator<Item = &'a str>) -> Self {
        self.required = claims.into_iter().collect();
        self
    }

    /// Requires that the header's `typ` is this media type, RFC 8725 §3.11.
    ///
    /// The comparison ignores ASCII case and a leading `application/`, RFC 7515 §4.1.9. An empty string is a
    /// [mistake](Self::check_settings).
    #[must_use]
    pub fn with_type(mut self, media_type: impl AsRef<str>) -> Self {
        let media_type = media_type.as_ref();
        self.media_type = Some(media_type.into());
        self.refuse_if(media_type.is_empty(), PolicyError::BlankType)
    }

    /// Takes the user's id from this claim instead of `sub`. It must be a string or an integer.
    ///
    /// The claim is required unless it [is optional](Self::with_optional_user_id).
    #[must_use]
    pub fn with_user_id_claim(mut self, claim: impl AsRef<str>) -> Self {
        let claim = claim.as_ref();
        self.user_id_claim = claim.into();
        self
    }

    /// Requires the user's id: `sub`, or the [configured claim](Self::with_user_id_claim), must not be empty.
    #[must_use]
    pub fn requiring_user_id(mut self) -> Self {
        self.user_id_is_required = Some(true);
        self
    }

    /// Admits tokens without a user's id, such as those of machines.
    #[must_use]
    pub fn with_optional_user_id(mut self) -> Self {
        self.user_id_is_required = Some(false);
        self
    }

    /// Adds the checks for tokens that authenticate a user.
    ///
    /// The user's id is required unless it [is optional](Self::with_optional_user_id), and tokens of other classes than
    /// access tokens are rejected. Such a token is a security event token, which has the claim `events`, or its
    /// header's `typ`, or its claim `typ`, `token_type`, `token_use` or `type`, names a refresh, ID, logout, offline,
    /// sliding, security event or DPoP token. [`with_type`](Self::with_type) and [`with_claim`](Self::with_claim)
    /// replace this check for the member that they name.
    ///
    /// ```
    /// use boltguard_jwt::ClaimsPolicy;
    ///
    /// // The sliding tokens of simplejwt, which are rejected by default.
    /// let policy = ClaimsPolicy::new().for_authentication().with_claim("token_type", "sliding");
    /// ```
    #[must_use]
    pub fn for_authentication(mut self) -> Self {
        self.only_access_tokens = true;
        self.user_id_is_required.get_or_insert(true);
        self
    }

    /// Allows this difference between clocks when `exp`, `nbf` and the age are checked, RFC 7519 §4.1.4.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Requires `iat`, and rejects a token when its age reaches `max_age`, even if the issuer lets it expire later.
    ///
    /// The age is the time since `iat`, RFC 7519 §4.1.6; the leeway applies. Zero is a
    /// [mistake](Self::check_settings).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use boltguard_jwt::ClaimsPolicy;
    ///
    /// // The issuer's tokens expire after a day; this service accepts them for an hour.
    /// let policy = ClaimsPolicy::new().with_max_age(Duration::from_secs(60 * 60));
    /// # assert_eq!(policy.check_settings(), Ok(()));
    /// ```
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self.refuse_if(max_age.is_zero(), PolicyError::NoMaxAge)
    }

    /// Declares that the tokens are for accounts of another issuer, so that a user id is never used as the id of an
    /// account of this service.
    ///
    /// The service chooses the `number` and gets it back from [`AdmittedClaims::account_source`], to find one of its
    /// own accounts for such a token.
    ///
    /// [`AdmittedClaims::account_source`]: crate::AdmittedClaims::account_source
    #[must_use]
    pub fn with_external_accounts(mut self, number: u32) -> Self {
        self.accounts = AccountSource::External(number);
        self
    }

    /// Returns whether `iss` must be one of some issuers.
    #[inline]
    pub(crate) fn restricts_issuer(&self) -> bool {
        !self.issuers.is_empty() || !self.issuer_templates.is_empty()
    }

    /// Returns the accepted issuers, in alphabetical order, without templates.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter()
    }

    /// Returns the allowed difference between clocks.
    #[must_use]
    pub fn leeway(&self) -> Duration {
        self.leeway
    }
}

fn names(given: impl IntoIterator<Item: AsRef<str>>) -> Vec<Box<str>> {
    given.into_iter().map(|name| name.as_ref().into()).collect()
}

fn has_blank(names: &[Box<str>]) -> bool {
    names.iter().any(|name| name.is_empty())
}
