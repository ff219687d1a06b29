//! Backends, which turn the credentials of a request into a caller.

mod api_key;
mod certificate;
mod custom;
mod jwt;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_grants::Requirements;
use boltguard_jwt::AdmittedClaims;
use boltguard_types::NumericDate;

pub use self::api_key::{ApiKeyBackend, ApiKeySource};
pub use self::certificate::{
    CERTIFICATE_BACKEND, ClientCertificates, Fingerprint, MAX_CERTIFICATE, certificate_der,
};
pub use self::custom::{Authenticate, Authentication, CustomBackend, EdgeBackend};
pub use self::jwt::{JwtBackend, Revocation, StoreFailurePolicy};
use crate::{Caller, CredentialSource, Failure, HeaderName, RequestParts, Scheme, TokenCookie};

/// The name of an unnamed API key backend, in guards and contexts.
pub const API_KEY_BACKEND: &str = "api_key";
/// The name of an unnamed JWT backend, in guards and contexts.
pub const JWT_BACKEND: &str = "jwt";

/// One way to authenticate.
#[derive(Clone, Debug)]
pub enum Backend {
    /// By an API key.
    ApiKey(Arc<ApiKeyBackend>),
    /// By an [`Authenticate`] implementation.
    Custom(CustomBackend),
    /// By the edge.
    Edge(Arc<EdgeBackend>),
    /// By a JWT.
    Jwt(Arc<JwtBackend>),
}

/// The result of one backend.
pub(crate) enum Attempt {
    /// The request has no credentials for this backend.
    Absent,
    /// The token is valid, unless it is revoked in an external store.
    CheckRevocation(AdmittedClaims, CredentialSource),
    /// The edge has to authenticate.
    Edge,
    /// The credentials are invalid.
    Failed(Failure),
    /// The token in a cookie is valid, but the page of another site may have made the request.
    Forged,
    /// The credentials are valid.
    Known(Caller),
    /// The token is genuine and was revoked, so that no other backend may accept it.
    Revoked,
    /// The credentials can't be checked.
    Unavailable(Unavailable),
}

/// The unavailable component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    ApiKeys,
    Backend,
    /// With the time after which the client may retry, if it is known.
    Revocation(Option<Duration>),
}

/// The name of a backend. A default name is copied with each caller, which costs less than counting references.
#[derive(Clone)]
pub(crate) enum BackendName {
    Default(&'static str),
    Given(Arc<str>),
}

impl BackendName {
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Default(name) => name,
            Self::Given(name) => name,
        }
    }
}

impl fmt::Debug for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Backend {
    /// Wraps a custom backend.
    #[must_use]
    pub fn custom(backend: impl Authenticate + 'static) -> Self {
        Self::Custom(CustomBackend::new(Arc::new(backend)))
    }

    /// Returns the name by which guards and contexts refer to the backend: [`JWT_BACKEND`] or [`API_KEY_BACKEND`],
    /// unless it has an explicit name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.backend_name().as_str()
    }

    pub(crate) fn backend_name(&self) -> &BackendName {
        match self {
            Self::ApiKey(backend) => backend.name(),
            Self::Custom(backend) => &backend.name,
            Self::Edge(backend) => &backend.name,
            Self::Jwt(backend) => backend.name(),
        }
    }

    /// Returns whether its callers can have roles: API keys have none, and tokens only with
    /// [`ClaimsPolicy::with_roles_from`](boltguard_jwt::ClaimsPolicy::with_roles_from).
    #[must_use]
    pub fn can_have_roles(&self) -> bool {
        match self {
            Self::ApiKey(_) => false,
            Self::Custom(_) | Self::Edge(_) => true,
            Self::Jwt(backend) => backend.policy().reads_roles(),
        }
    }

    /// Returns the headers that the backend reads.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        match self {
            Self::ApiKey(backend) => std::slice::from_ref(backend.header()),
            Self::Custom(backend) => backend.backend.headers(),
            Self::Edge(backend) => &backend.headers,
            Self::Jwt(backend) => backend.headers(),
        }
    }

    /// Returns the cookie that the backend reads.
    pub(crate) fn cookie(&self) -> Option<&TokenCookie> {
        match self {
            Self::Jwt(backend) => backend.cookie(),
            _ => None,
        }
    }

    /// Returns the schemes that are offered to clients.
    pub(crate) fn offered_schemes(&self) -> &[Scheme] {
        match self {
            Self::ApiKey(backend) => backend.offered_schemes(),
            Self::Custom(backend) => backend.backend.schemes(),
            Self::Edge(backend) => &backend.schemes,
            Self::Jwt(backend) => backend.offered_schemes(),
        }
    }

    #[inline]
    pub(crate) fn attempt<P: RequestParts>(
        &self,
        parts: &P,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Attempt {
        match self {
            Self::ApiKey(backend) => match parts.header(backend.header()) {
                Some(value) => backend.attempt(value, requirements, now),
                None => Attempt::Absent,
            },
            Self::Jwt(backend) => backend.attempt(parts, requirements, now),
            Self::Custom(backend) => {
                let found = backend.backend.authenticate(parts, now);
                self.authenticated(found, requirements)
            }
            Self::Edge(backend) => {
                let header = backend.headers.first().filter(|_| backend.requires_header);
                match header.is_some_and(|header| parts.header(header).is_none()) {
                    true => Attempt::Absent,
                    false => Attempt::Edge,
                }
            }
        }
    }

    /// Returns the attempt of a custom backend that returned this.
    #[cold]
    pub(crate) fn authenticated(
        &self,
        found: Authentication,
        requirements: &Requirements,
    ) -> Attempt {
        match found {
            Authentication::Absent => Attempt::Absent,
            Authentication::Failed(reason) => Attempt::Failed(reason.into()),
            Authentication::Identified(identity) => {
                let name = self.backend_name().clone();
                Attempt::Known(Caller::from_identity(name, identity, requirements))
            }
            Authentication::Unavailable => Attempt::Unavailable(Unavailable::Backend),
        }
    }
}

impl From<ApiKeyBackend> for Backend {
    fn from(backend: ApiKeyBackend) -> Self {
        Self::ApiKey(Arc::new(backend))
    }
}

impl From<EdgeBackend> for Backend {
    fn from(backend: EdgeBackend) -> Self {
        Self::Edge(Arc::new(backend))
    }
}

impl From<JwtBackend> for Backend {
    fn from(backend: JwtBackend) -> Self {
        Self::Jwt(Arc::new(backend))
    }
}
