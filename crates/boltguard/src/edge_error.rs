//! Errors of a gate whose edge doesn't provide what it may need.

use std::error::Error;
use std::fmt;

use crate::PossibleNeed;

/// An edge doesn't provide something that the evaluations of a gate may need.
///
/// The strings are names of backends and checks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeError {
    /// The snapshot of stored API keys of this backend.
    ApiKeys(Box<str>),
    /// This [`EdgeBackend`](crate::EdgeBackend).
    Backend(Box<str>),
    /// This custom check of the guard.
    Check(Box<str>),
    /// The keys of an issuer.
    #[non_exhaustive]
    IssuerKeys {
        /// The name of the backend.
        backend: Box<str>,
        /// The first issuer that the policy of the backend accepts.
        issuer: Option<Box<str>>,
    },
    /// The external revocation store of this backend.
    Revocation(Box<str>),
}

impl EdgeError {
    pub(crate) fn missing(need: PossibleNeed<'_>) -> Self {
        match need {
            PossibleNeed::Authenticate { backend } => Self::Backend(backend.into()),
            PossibleNeed::CheckRevocation { backend } => Self::Revocation(backend.into()),
            PossibleNeed::RefreshApiKeys { backend, .. } => Self::ApiKeys(backend.into()),
            PossibleNeed::RefreshKeys {
                backend, issuer, ..
            } => Self::IssuerKeys {
                backend: backend.into(),
                issuer: issuer.map(Into::into),
            },
            PossibleNeed::RunCheck { check } => Self::Check(check.into()),
        }
    }
}

impl fmt::Display for EdgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKeys(backend) => write!(
                f,
                "backend {backend:?} has a snapshot of stored API keys, but the edge doesn't refresh it; add Services::with_api_keys(...) with the ApiKeyEdge that ApiKeyTable returned for this backend, or one of the same Freshness"
            ),
            Self::Backend(name) => write!(
                f,
                "backend {name:?} is implemented by the edge, but the edge has no backends; add Services::with_backends(...)"
            ),
            Self::Check(name) => write!(
                f,
                "the guard has the custom check {name:?}, but the edge runs no checks; add Services::with_checks(...), or check it in the handler with Gate::for_callers(...)"
            ),
            Self::IssuerKeys { backend, issuer } => {
                write!(f, "backend {backend:?} uses the keys of ")?;
                match issuer {
                    Some(issuer) => write!(f, "the issuer {issuer:?}")?,
                    None => f.write_str("another issuer")?,
                }
                f.write_str(", but the edge has no client for them; add Services::with_keys(...) with a JwksEdge that contains a client of the same RemoteKeySet")
            }
            Self::Revocation(backend) => write!(
                f,
                "backend {backend:?} checks revocation in an external store, but the edge has none; add Services::with_revocation(...)"
            ),
        }
    }
}

impl Error for EdgeError {}
