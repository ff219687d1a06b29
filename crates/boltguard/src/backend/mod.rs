//! Backends: what turns one header into a caller.

mod api_key;
mod jwt;

use std::sync::Arc;

use boltguard_grants::Requirements;
use boltguard_jwt::AdmittedClaims;
use boltguard_types::{NumericDate, ReasonCode};

pub use self::api_key::{ApiKeyBackend, ApiKeySource};
pub use self::jwt::{JwtBackend, Revocation, StoreFailurePolicy};
use crate::{API_KEY_BACKEND, Caller, HeaderName, JWT_BACKEND, Scheme};

/// One way to authenticate.
#[derive(Clone, Debug)]
pub enum Backend {
    /// By an API key.
    ApiKey(Arc<ApiKeyBackend>),
    /// By a JWT.
    Jwt(Arc<JwtBackend>),
}

/// What a backend made of a request.
pub(crate) enum Attempt {
    /// The request carries no credential for this backend.
    Absent,
    /// The token is good; a store that lives elsewhere has to be asked about it.
    Ask(AdmittedClaims),
    /// The credential is bad.
    Failed(Failure),
    /// The credential is good.
    Known(Caller),
    /// The token is genuine and was revoked, so that no other backend may take it.
    Revoked,
    /// The revocation store gave no answer.
    StoreFailed,
}

/// Why a credential is bad.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) reason: ReasonCode,
    /// The claim at fault, where it may be any of several.
    pub(crate) claim: Option<Arc<ClaimName>>,
}

/// The name of a claim, behind a thin pointer: a failure is moved about wherever a request is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimName(pub(crate) Box<str>);

impl From<ReasonCode> for Failure {
    fn from(reason: ReasonCode) -> Self {
        Self {
            reason,
            claim: None,
        }
    }
}

impl Backend {
    /// The name by which guards know it: [`API_KEY_BACKEND`] or [`JWT_BACKEND`].
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ApiKey(_) => API_KEY_BACKEND,
            Self::Jwt(_) => JWT_BACKEND,
        }
    }

    /// The header that this backend reads.
    #[must_use]
    pub fn header(&self) -> &HeaderName {
        match self {
            Self::ApiKey(backend) => backend.header(),
            Self::Jwt(backend) => backend.header(),
        }
    }

    /// The schemes that a client is told of.
    pub(crate) fn offered_schemes(&self) -> &[Scheme] {
        match self {
            Self::ApiKey(backend) => backend.offered_schemes(),
            Self::Jwt(backend) => backend.schemes(),
        }
    }

    #[inline]
    pub(crate) fn attempt(
        &self,
        value: &str,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Attempt {
        match self {
            Self::ApiKey(backend) => backend.attempt(value, requirements, now),
            Self::Jwt(backend) => backend.attempt(value, requirements, now),
        }
    }
}

impl From<ApiKeyBackend> for Backend {
    fn from(backend: ApiKeyBackend) -> Self {
        Self::ApiKey(Arc::new(backend))
    }
}

impl From<JwtBackend> for Backend {
    fn from(backend: JwtBackend) -> Self {
        Self::Jwt(Arc::new(backend))
    }
}
