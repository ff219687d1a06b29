//! The one who makes a request, as the backends found out.

use std::borrow::Cow;
use std::sync::Arc;

use boltguard_apikey::ApiKeyEntry;
use boltguard_grants::{GrantSet, Identity, Principal, PrincipalView, Requirements};
use boltguard_jwt::{AccountSource, AdmittedClaims};
use boltguard_types::ReasonCode;
use serde_json::Value;

/// The name of the backend that reads API keys, in guards and contexts.
pub const API_KEY_BACKEND: &str = "api_key";
/// The name of the backend that reads JWTs, in guards and contexts.
pub const JWT_BACKEND: &str = "jwt";

/// Who makes a request.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody that a backend vouches for; with the reason, if a credential was tried and failed.
    Anonymous(Option<ReasonCode>),
    /// The holder of an API key.
    ApiKey(ApiKeyCaller),
    /// The holder of a token.
    Token(AdmittedClaims),
}

/// The holder of an API key, and which of the guard's requirements the key meets.
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

    /// The key's entry.
    #[must_use]
    pub fn entry(&self) -> &ApiKeyEntry {
        &self.entry
    }
}

impl Caller {
    /// Whether a backend vouches for the caller.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Anonymous(_))
    }

    /// The same caller, read for other requirements.
    #[must_use]
    pub fn with_requirements(self, requirements: &Requirements) -> Self {
        match self {
            Self::Anonymous(_) => self,
            Self::ApiKey(caller) if caller.grant_set.was_read_for(requirements) => {
                Self::ApiKey(caller)
            }
            Self::ApiKey(caller) => Self::ApiKey(ApiKeyCaller::new(caller.entry, requirements)),
            Self::Token(claims) => Self::Token(claims.with_requirements(requirements)),
        }
    }

    /// The backend that vouches: [`JWT_BACKEND`] or [`API_KEY_BACKEND`].
    #[must_use]
    pub fn backend(&self) -> Option<&'static str> {
        match self {
            Self::Anonymous(_) => None,
            Self::ApiKey(_) => Some(API_KEY_BACKEND),
            Self::Token(_) => Some(JWT_BACKEND),
        }
    }

    /// The user's id; a token may have none.
    #[must_use]
    pub fn user_id(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Anonymous(_) => None,
            Self::ApiKey(caller) => Some(caller.entry.user_id().into()),
            Self::Token(claims) => Some(claims.user_id()?.as_str().to_owned().into()),
        }
    }

    /// The id of the account of this service that is behind the credential: a token's user, unless another issuer
    /// vouches for it, or the owner of a key.
    #[must_use]
    pub fn account(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::ApiKey(caller) => caller.entry.owner().map(Cow::Borrowed),
            Self::Anonymous(_) => None,
            Self::Token(claims) => Some(claims.account()?.as_str().to_owned().into()),
        }
    }

    /// Whose account it is that a token is about.
    #[must_use]
    pub fn account_source(&self) -> Option<AccountSource> {
        match self {
            Self::Anonymous(_) | Self::ApiKey(_) => None,
            Self::Token(claims) => Some(claims.account_source()),
        }
    }

    /// Granted permissions, wildcards included.
    #[must_use]
    pub fn permissions(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Anonymous(_) => Vec::new(),
            Self::ApiKey(caller) => caller.entry.permissions().map(Cow::Borrowed).collect(),
            Self::Token(claims) => claims.permissions(),
        }
    }

    /// What a compiled guard looks at; `None` for the anonymous caller.
    ///
    /// The grants are those that the guard of the caller's gate requests; any other guard denies. Ask another
    /// [gate](crate::Gate::decide) about the caller, or read the grants for its guard by
    /// [`with_requirements`](Self::with_requirements).
    #[must_use]
    #[inline]
    pub fn view(&self) -> Option<PrincipalView<'_>> {
        match self {
            Self::Anonymous(_) => None,
            Self::ApiKey(caller) => Some(PrincipalView {
                backend: API_KEY_BACKEND,
                is_staff: false,
                is_superuser: false,
                grant_set: &caller.grant_set,
            }),
            Self::Token(claims) => Some(PrincipalView {
                backend: JWT_BACKEND,
                is_staff: claims.is_staff(),
                is_superuser: claims.is_superuser(),
                grant_set: claims.grant_set(),
            }),
        }
    }

    /// The caller with everything spelled out, for [`Guard::explain`](boltguard_guard::Guard).
    #[must_use]
    pub fn principal(&self) -> Principal {
        let Some(principal) = self.view() else {
            return Principal::Anonymous;
        };
        let permissions = self.permissions();
        let mut identity = Identity::new(&*self.user_id().unwrap_or_default(), principal.backend)
            .with_permissions(permissions.iter().map(|granted| &**granted));
        identity.is_staff = principal.is_staff;
        identity.is_superuser = principal.is_superuser;
        if let Self::ApiKey(caller) = self {
            identity = identity.with_scopes(caller.entry.scopes());
        }
        if let Self::Token(claims) = self {
            let scopes = claims.scopes();
            identity = identity.with_scopes(scopes.iter().map(|scope| &**scope));
            if let Ok(Value::Object(all)) = serde_json::from_str(claims.as_json()) {
                identity.claims = all.into_iter().collect();
            }
        }
        Principal::Known(identity)
    }
}
