//! Claims that a policy has admitted.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use boltguard_encoding::json::{JsonError, Kind, Reader};
use boltguard_grants::{GrantSet, Requirements};
use boltguard_types::NumericDate;

use crate::claims::{Body, Registered};
use crate::field::{Claim, Field, Span};
use crate::grants::split;
use crate::sources::{GrantKind, GrantSources};
use crate::{ClaimsError, ClaimsPolicy, IgnoredGrant};

/// The claims of a token that has a valid signature and that a policy has admitted.
#[derive(Clone)]
pub struct AdmittedClaims {
    body: Body,
    user_id: Option<UserIdSpan>,
    account_source: AccountSource,
    /// Where the grants are, if they aren't in the default claims.
    sources: Option<GrantSources>,
    /// When the age of the authentication was determined.
    pub(crate) checked_at: NumericDate,
    pub(crate) leeway: Duration,
}

/// The owner of the accounts that the user id of a token refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountSource {
    /// Another issuer, with the number from
    /// [`ClaimsPolicy::with_external_accounts`](crate::ClaimsPolicy::with_external_accounts).
    External(u32),
    /// This service.
    #[default]
    Local,
    /// An issuer that the token names, when the policy doesn't name issuers.
    Unknown,
}

/// The user id in a token.
#[derive(Clone, PartialEq, Eq)]
pub enum UserId<'c> {
    /// An integer, as written in the token.
    Integer(&'c str),
    /// A string.
    String(Cow<'c, str>),
}

impl UserId<'_> {
    /// Returns the id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Integer(digits) => digits,
            Self::String(text) => text,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum UserIdSpan {
    Integer(Span),
    String(Span),
}

impl UserIdSpan {
    #[inline]
    fn span(self) -> Span {
        match self {
            Self::Integer(span) | Self::String(span) => span,
        }
    }
}

impl AdmittedClaims {
    #[inline(always)]
    pub(crate) fn new(
        mut body: Body,
        policy: &ClaimsPolicy,
        now: NumericDate,
    ) -> Result<Self, ClaimsError> {
        policy.required.check(&body)?;
        let user_id = match &*policy.user_id_claim {
            "sub" => body.registered.subject().value().map(UserIdSpan::String),
            name => body.find_user_id(name)?,
        };
        // The empty string doesn't identify a user.
        let user_id = user_id.filter(|id| !id.span().is_empty());
        if user_id.is_none() && policy.requires_user_id() {
            return Err(ClaimsError::SubjectMissing((&*policy.user_id_claim).into()));
        }
        if policy.has_grant_sources() {
            body.registered.forget_grants();
        }
        Ok(Self {
            account_source: policy.account_source(&body),
            body,
            user_id,
            sources: policy.sources.clone(),
            checked_at: now,
            leeway: policy.leeway,
        })
    }

    /// Returns `sub`, RFC 7519 §4.1.2.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        self.text(self.body.registered.subject())
    }

    /// Returns `iss`, RFC 7519 §4.1.1.
    #[must_use]
    pub fn issuer(&self) -> Option<Cow<'_, str>> {
        self.text(self.body.registered.issuer())
    }

    /// Returns `jti`, RFC 7519 §4.1.7.
    #[must_use]
    #[inline]
    pub fn token_id(&self) -> Option<Cow<'_, str>> {
        self.text(self.body.registered.token_id())
    }

    /// Returns `exp`, RFC 7519 §4.1.4.
    #[must_use]
    pub fn expires(&self) -> Option<NumericDate> {
        self.body.registered.expires().value()
    }

    /// Returns `iat`, RFC 7519 §4.1.6.
    #[must_use]
    pub fn issued(&self) -> Option<NumericDate> {
        self.body.registered.issued().value()
    }

    /// Returns the user id: `sub`, or the claim that the policy names.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId<'_>> {
        self.user_id.map(|id| match id {
            UserIdSpan::Integer(span) => UserId::Integer(self.body.raw(span)),
            UserIdSpan::String(span) => UserId::String(self.body.text(span)),
        })
    }

    /// Returns the [user id](Self::user_id), if it refers to an account of this service.
    #[must_use]
    pub fn account(&self) -> Option<UserId<'_>> {
        self.user_id()
            .filter(|_| self.account_source == AccountSource::Local)
    }

    /// Returns the owner of the accounts that the user id refers to.
    #[must_use]
    pub fn account_source(&self) -> AccountSource {
        self.account_source
    }

    /// Returns whether the claim `is_staff` is `true`.
    #[must_use]
    #[inline]
    pub fn is_staff(&self) -> bool {
        self.body.registered.is_staff
    }

    /// Returns whether the claim `is_superuser` is `true`.
    #[must_use]
    #[inline]
    pub fn is_superuser(&self) -> bool {
        self.body.registered.is_superuser
    }

    /// Returns the guard's requirements that the claims meet.
    #[must_use]
    #[inline]
    pub fn grant_set(&self) -> &GrantSet {
        &self.body.registered.grant_set
    }

    /// Returns the same claims, evaluated for other requirements.
    #[must_use]
    pub fn with_requirements(mut self, requirements: &Requirements) -> Self {
        if !self.grant_set().was_read_for(requirements) {
            match &self.sources {
                None => self.body.registered.grant_set = self.body.grants_for(requirements),
                Some(sources) => {
                    let (grant_set, is_ignored) = sources.read(&self.body, requirements);
                    self.body.registered.set_grants(grant_set, is_ignored);
                }
            }
            if requirements.has_fresh_auth() {
                self.read_freshness(requirements);
            }
        }
        self
    }

    /// Returns the granted permissions: those of the claim `permissions`, or of the claims that the policy names, then
    /// the [scopes](Self::scopes), without duplicates.
    #[must_use]
    pub fn permissions(&self) -> Vec<Cow<'_, str>> {
        let mut granted = Granted::default();
        if self.sources.is_some() {
            self.for_each_of(GrantKind::Permission, |one| granted.insert(one));
            self.for_each_of(GrantKind::Scope, |one| granted.insert(one));
            return granted.list;
        }
        let permissions = self.body.registered.permissions();
        if self.body.registered.lists.contains(Claim::Permissions) {
            self.for_each_string(permissions, |one| granted.insert(one));
        } else if let Some(text) = self.text(permissions) {
            split(text, |one| granted.insert(one));
        }
        self.for_each_scope(|scope| granted.insert(scope));
        granted.list
    }

    /// Returns the roles in the claims that the policy names, without duplicates. There is no default claim.
    #[must_use]
    pub fn roles(&self) -> Vec<Cow<'_, str>> {
        let mut granted = Granted::default();
        self.for_each_of(GrantKind::Role, |role| granted.insert(role));
        granted.list
    }

    /// Returns the OAuth scopes in the claims `scope`, RFC 8693 §4.2, and `scp`, or in those that the policy names,
    /// without duplicates.
    ///
    /// Each claim is a space-separated string or a list.
    #[must_use]
    pub fn scopes(&self) -> Vec<Cow<'_, str>> {
        let mut granted = Granted::default();
        match self.sources {
            None => self.for_each_scope(|scope| granted.insert(scope)),
            Some(_) => self.for_each_of(GrantKind::Scope, |scope| granted.insert(scope)),
        }
        granted.list
    }

    /// Returns the claims whose grants are ignored because the claim is neither a string nor a list of strings.
    ///
    /// Such a token is valid, but it is usually a mistake of the issuer, and worth a log message.
    #[must_use]
    #[inline]
    pub fn ignored_grants(&self) -> Vec<IgnoredGrant> {
        IgnoredGrant::all_of(&self.body, self.sources.as_ref())
    }

    /// Returns the value of any claim, as JSON.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.body.get(name)
    }

    /// Returns all claims, as the JSON that was signed.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.body.as_json()
    }

    pub(crate) fn forget_grants(&mut self) {
        self.body.registered.grant_set = GrantSet::default();
    }

    pub(crate) fn set_grant_set(&mut self, grant_set: GrantSet) {
        self.body.registered.grant_set = grant_set;
    }

    pub(crate) fn registered(&self) -> &Registered {
        &self.body.registered
    }

    fn for_each_of<'c>(&'c self, kind: GrantKind, each: impl FnMut(Cow<'c, str>)) {
        if let Some(sources) = &self.sources {
            sources.list(&self.body, kind, each);
        }
    }

    fn for_each_scope<'c>(&'c self, mut each: impl FnMut(Cow<'c, str>)) {
        let registered = &self.body.registered;
        for (claim, value) in [
            (Claim::Scope, registered.scope()),
            (Claim::Scp, registered.scp()),
        ] {
            if registered.lists.contains(claim) {
                self.for_each_string(value, |text| split(text, &mut each));
            } else if let Some(text) = self.text(value) {
                split(text, &mut each);
            }
        }
    }

    fn for_each_string<'c>(&'c self, list: Field<Span>, mut each: impl FnMut(Cow<'c, str>)) {
        if let Some(list) = list.value() {
            // The list was valid when it was read first, so there is no error.
            let _ = Reader::new(self.body.raw(list)).strings(|one| each(one.to_text()));
        }
    }

    #[inline]
    fn text(&self, string: Field<Span>) -> Option<Cow<'_, str>> {
        string.value().map(|span| self.body.text(span))
    }
}

impl Body {
    pub(crate) fn as_json(&self) -> &str {
        // The reader has checked the encoding.
        str::from_utf8(&self.payload).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut value = None;
        let mut reader = Reader::new(self.as_json());
        let read = reader.object(|reader, found| {
            let text = reader.read_raw()?;
            if found == name {
                value = Some(text);
            }
            Ok::<_, JsonError>(())
        });
        read.ok().and(value)
    }

    #[cold]
    fn find_user_id(&self, name: &str) -> Result<Option<UserIdSpan>, ClaimsError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let start = value.as_ptr() as usize - self.payload.as_ptr() as usize;
        let mut reader = Reader::new(value);
        match reader.kind() {
            Ok(Kind::String) => {
                let inside = start + 1..start + value.len() - 1;
                Ok(Some(UserIdSpan::String(Span::of_range(inside))))
            }
            Ok(Kind::Number) if is_whole(value) => {
                let digits = start..start + value.len();
                Ok(Some(UserIdSpan::Integer(Span::of_range(digits))))
            }
            _ => Err(ClaimsError::WrongType(name.into())),
        }
    }
}

/// Distinct strings in their order.
#[derive(Default)]
struct Granted<'c> {
    list: Vec<Cow<'c, str>>,
    seen: HashSet<Cow<'c, str>>,
}

impl<'c> Granted<'c> {
    fn insert(&mut self, text: Cow<'c, str>) {
        if self.seen.insert(text.clone()) {
            self.list.push(text);
        }
    }
}

fn is_whole(number: &str) -> bool {
    number.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Hides the claims.
impl fmt::Debug for AdmittedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmittedClaims").finish_non_exhaustive()
    }
}

/// Hides the id.
impl fmt::Debug for UserId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(..)")
    }
}
