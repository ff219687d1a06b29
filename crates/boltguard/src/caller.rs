//! Callers, as the backends identified them.

use std::borrow::Cow;

use std::sync::Arc;

use boltguard_apikey::ApiKeyEntry;
use boltguard_grants::{GrantSet, Identity, Principal, PrincipalView, Requirements};
use boltguard_jwt::{AccountSource, AdmittedClaims, DeserializeError};
use boltguard_types::{NumericDate, ReasonCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Failure;
use crate::backend::BackendName;
use crate::revocation_query::session_id;

/// The caller of a request: the credential, and the backend that accepted it.
///
/// Its grants were read for the guard of one gate. [`Gate::evaluate_caller`](crate::Gate::evaluate_caller) and
/// [`Gate::decide`](crate::Gate::decide) read them again for another.
#[derive(Clone, Debug)]
pub struct Caller {
    backend: BackendName,
    source: CredentialSource,
    credential: Credential,
}

/// Where the credential of a caller was in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// In a cookie, which browsers send automatically.
    Cookie,
    /// Where a custom backend found it.
    Custom,
    /// In a header, which only programs and scripts of the same origin send.
    Header,
    /// Nowhere: the caller is anonymous.
    None,
}

impl CredentialSource {
    /// Returns the source as a word: `cookie`, `custom` or `header`. `None` if there is no credential.
    #[must_use]
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Cookie => Some("cookie"),
            Self::Custom => Some("custom"),
            Self::Header => Some("header"),
            Self::None => None,
        }
    }
}

/// The credential by which a caller was identified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// None: the caller is anonymous.
    Anonymous(Anonymous),
    /// An API key.
    ApiKey(ApiKeyCaller),
    /// A credential that a custom backend checked.
    Custom(Box<CustomCaller>),
    /// A JWT.
    Token(AdmittedClaims),
}

/// Why a caller is anonymous.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// The request has credentials that failed.
    Failed(Failure),
    /// The request has no credentials.
    #[default]
    NoCredentials,
    /// The request has an `Authorization` header whose scheme no backend supports.
    UnsupportedScheme,
}

impl Anonymous {
    /// Returns the reason for which a guard that requires authentication refuses the caller.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        match self {
            Self::Failed(failure) => failure.reason(),
            Self::NoCredentials => ReasonCode::NotAuthenticated,
            Self::UnsupportedScheme => ReasonCode::SchemeUnsupported,
        }
    }
}

/// A caller with an API key, and which of the guard's requirements the key meets.
#[derive(Clone, Debug)]
pub struct ApiKeyCaller {
    entry: Arc<ApiKeyEntry>,
    grant_set: GrantSet,
}

impl ApiKeyCaller {
    pub(crate) fn new(entry: Arc<ApiKeyEntry>, requirements: &Requirements) -> Self {
        let mut grants = requirements.reader();
        for granted in entry.permissions() {
            grants.permission(granted);
        }
        for scope in entry.scopes() {
            grants.scope(scope);
        }
        let grant_set = grants.finish();
        Self { entry, grant_set }
    }

    /// Returns the key's entry.
    #[must_use]
    pub fn entry(&self) -> &ApiKeyEntry {
        &self.entry
    }
}

/// A caller that a custom backend identified, and which of the guard's requirements the identity meets.
#[derive(Clone, Debug)]
pub struct CustomCaller {
    identity: Identity,
    grant_set: GrantSet,
}

impl CustomCaller {
    /// Returns the identity, as the backend returned it.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Caller {
    /// Returns an anonymous caller without credentials.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::from(Anonymous::NoCredentials)
    }

    pub(crate) fn from_token(
        backend: BackendName,
        claims: AdmittedClaims,
        source: CredentialSource,
    ) -> Self {
        Self {
            backend,
            source,
            credential: Credential::Token(claims),
        }
    }

    pub(crate) fn from_api_key(backend: BackendName, caller: ApiKeyCaller) -> Self {
        Self {
            backend,
            source: CredentialSource::Header,
            credential: Credential::ApiKey(caller),
        }
    }

    pub(crate) fn from_identity(
        backend: BackendName,
        mut identity: Identity,
        requirements: &Requirements,
    ) -> Self {
        identity.backend = backend.as_str().into();
        let grant_set = requirements.grants_of(&identity);
        Self {
            backend,
            source: CredentialSource::Custom,
            credential: Credential::Custom(Box::new(CustomCaller {
                identity,
                grant_set,
            })),
        }
    }

    /// Returns the credential.
    #[must_use]
    #[inline]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Returns where the credential was in the request.
    #[must_use]
    #[inline]
    pub fn source(&self) -> CredentialSource {
        self.source
    }

    /// Returns the claims, if the caller has a token.
    #[must_use]
    #[inline]
    pub fn claims(&self) -> Option<&AdmittedClaims> {
        match &self.credential {
            Credential::Token(claims) => Some(claims),
            _ => None,
        }
    }

    /// Returns the claims as a type of the application, if the caller has a token. See [`AdmittedClaims::deserialize`].
    ///
    /// # Errors
    ///
    /// [`DeserializeError`] if a claim is missing, not expected, or has another type or value than expected.
    pub fn deserialize_claims<T: DeserializeOwned>(&self) -> Result<Option<T>, DeserializeError> {
        self.claims().map(AdmittedClaims::deserialize).transpose()
    }

    /// Returns the entry of the API key, if the caller has one.
    #[must_use]
    pub fn api_key(&self) -> Option<&ApiKeyEntry> {
        match &self.credential {
            Credential::ApiKey(caller) => Some(caller.entry()),
            _ => None,
        }
    }

    /// Returns the identity, if a custom backend returned one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match &self.credential {
            Credential::Custom(caller) => Some(caller.identity()),
            _ => None,
        }
    }

    /// Returns why the credentials of an anonymous caller were rejected, if there are any.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.credential {
            Credential::Anonymous(Anonymous::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    /// Returns whether a backend identified the caller.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        !matches!(self.credential, Credential::Anonymous(_))
    }

    /// Returns the same caller, with the grants for other requirements.
    #[must_use]
    pub fn with_requirements(self, requirements: &Requirements) -> Self {
        let credential = match self.credential {
            Credential::ApiKey(caller) if !caller.grant_set.was_read_for(requirements) => {
                Credential::ApiKey(ApiKeyCaller::new(caller.entry, requirements))
            }
            Credential::Custom(mut caller) => {
                caller.grant_set = requirements.grants_of(&caller.identity);
                Credential::Custom(caller)
            }
            Credential::Token(claims) => Credential::Token(claims.with_requirements(requirements)),
            credential => credential,
        };
        Self { credential, ..self }
    }

    /// Returns the same caller, with the age of the authentication at `now`.
    pub(crate) fn with_freshness(self, requirements: &Requirements, now: NumericDate) -> Self {
        let credential = match self.credential {
            Credential::Token(claims) if requirements.has_fresh_auth() => {
                Credential::Token(claims.with_freshness(requirements, now))
            }
            credential => credential,
        };
        Self { credential, ..self }
    }

    /// Returns the name of the backend that identified the caller.
    #[must_use]
    pub fn backend(&self) -> Option<&str> {
        self.is_authenticated().then(|| self.backend.as_str())
    }

    /// Returns the user's ID, if there is one. It is optional in tokens.
    #[must_use]
    pub fn user_id(&self) -> Option<Cow<'_, str>> {
        match &self.credential {
            Credential::Anonymous(_) => None,
            Credential::ApiKey(caller) => Some(caller.entry.user_id().into()),
            Credential::Custom(caller) => Some(caller.identity.subject.as_str().into()),
            Credential::Token(claims) => Some(claims.user_id()?.as_str().to_owned().into()),
        }
    }

    /// Returns the claim `sid` of a token: the ID of its session.
    #[must_use]
    pub fn session_id(&self) -> Option<Cow<'_, str>> {
        session_id(self.claims()?)
    }

    /// Returns the ID of the local account: the user of a token, unless another issuer signed it, or the owner of an
    /// API key.
    #[must_use]
    pub fn account(&self) -> Option<Cow<'_, str>> {
        match &self.credential {
            Credential::Anonymous(_) | Credential::Custom(_) => None,
            Credential::ApiKey(caller) => caller.entry.owner().map(Cow::Borrowed),
            Credential::Token(claims) => Some(claims.account()?.as_str().to_owned().into()),
        }
    }

    /// Returns whether the subject of a token is a local or an external account.
    #[must_use]
    pub fn account_source(&self) -> Option<AccountSource> {
        Some(self.claims()?.account_source())
    }

    /// Returns the issuer of the token.
    #[must_use]
    pub fn issuer(&self) -> Option<Cow<'_, str>> {
        self.claims()?.issuer()
    }

    /// Returns the granted permissions, including wildcards.
    #[must_use]
    pub fn permissions(&self) -> Vec<Cow<'_, str>> {
        match &self.credential {
            Credential::Anonymous(_) => Vec::new(),
            Credential::ApiKey(caller) => caller.entry.permissions().map(Cow::Borrowed).collect(),
            Credential::Custom(caller) => borrowed(&caller.identity.permissions),
            Credential::Token(claims) => claims.permissions(),
        }
    }

    /// Returns the roles. An API key has none.
    #[must_use]
    pub fn roles(&self) -> Vec<Cow<'_, str>> {
        match &self.credential {
            Credential::Anonymous(_) | Credential::ApiKey(_) => Vec::new(),
            Credential::Custom(caller) => borrowed(&caller.identity.roles),
            Credential::Token(claims) => claims.roles(),
        }
    }

    /// Returns the properties for a compiled guard, or `None` for an anonymous caller.
    ///
    /// The grants are those that the guard of the caller's gate requires. Any other guard denies access.
    #[must_use]
    #[inline]
    pub fn view(&self) -> Option<PrincipalView<'_>> {
        let (is_staff, is_superuser, grant_set) = match &self.credential {
            Credential::Anonymous(_) => return None,
            Credential::ApiKey(caller) => (false, false, &caller.grant_set),
            Credential::Custom(caller) => {
                let identity = &caller.identity;
                (identity.is_staff, identity.is_superuser, &caller.grant_set)
            }
            Credential::Token(claims) => {
                (claims.is_staff(), claims.is_superuser(), claims.grant_set())
            }
        };
        Some(PrincipalView {
            backend: self.backend.as_str(),
            is_staff,
            is_superuser,
            grant_set,
        })
    }

    /// Returns the caller with all details, for [`Guard::explain`](boltguard_guard::Guard).
    #[must_use]
    pub fn principal(&self) -> Principal {
        if let Some(identity) = self.identity() {
            return Principal::Known(identity.clone());
        }
        let Some(view) = self.view() else {
            return Principal::Anonymous;
        };
        let permissions = self.permissions();
        let mut identity = Identity::new(&*self.user_id().unwrap_or_default(), view.backend)
            .with_permissions(permissions.iter().map(|granted| &**granted));
        identity.is_staff = view.is_staff;
        identity.is_superuser = view.is_superuser;
        if let Some(entry) = self.api_key() {
            identity = identity.with_scopes(entry.scopes());
        }
        if let Some(claims) = self.claims() {
            let scopes = claims.scopes();
            identity = identity.with_scopes(scopes.iter().map(|scope| &**scope));
            let roles = claims.roles();
            identity = identity.with_roles(roles.iter().map(|role| &**role));
            if let Ok(Value::Object(all)) = serde_json::from_str(claims.as_json()) {
                identity.claims = all.into_iter().collect();
            }
        }
        Principal::Known(identity)
    }
}

impl From<Anonymous> for Caller {
    fn from(anonymous: Anonymous) -> Self {
        Self {
            backend: BackendName::Default(""),
            source: CredentialSource::None,
            credential: Credential::Anonymous(anonymous),
        }
    }
}

impl From<Failure> for Caller {
    fn from(failure: Failure) -> Self {
        Self::from(Anonymous::Failed(failure))
    }
}

fn borrowed(names: &[Box<str>]) -> Vec<Cow<'_, str>> {
    names.iter().map(|name| Cow::Borrowed(&**name)).collect()
}
