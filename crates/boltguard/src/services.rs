//! An edge that consists of one edge for each kind of need.

use crate::need::{ApiKeyRefresh, EdgeAuthentication, KeyRefresh, RevocationCheck, RunChecks};
use crate::{AsyncEdge, Authentication, Edge, PossibleNeed, Refreshed, RevocationStatus};

/// The services of an application, each provided by its own [`AsyncEdge`] or [`Edge`].
///
/// A need only reaches the edge for its kind. There is no second attempt with another edge, so the failure of one
/// can't be hidden by another. A kind without an edge is unavailable: a gate that may need it
/// is an error at startup, see [`Gate::validate_edge`](crate::Gate::validate_edge).
///
/// If all edges can be cloned, so can this one: create it at startup, and use a clone for each request.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use boltguard::jwks::{AsyncFetch, AsyncJwksClient};
/// use boltguard::revocation::AsyncRevocationStore;
/// use boltguard::types::NumericDate;
/// use boltguard::{ApiKeyEdge, AsyncEdge, JwksEdge, RevocationEdge, Services};
///
/// fn now() -> NumericDate {
///     NumericDate::from(SystemTime::now())
/// }
///
/// fn services(
///     issuer: AsyncJwksClient<impl AsyncFetch>,
///     store: Arc<impl AsyncRevocationStore>,
///     api_keys: impl AsyncEdge + Clone,
/// ) -> impl AsyncEdge + Clone {
///     Services::new()
///         .with_keys(JwksEdge::new([issuer]))
///         .with_revocation(RevocationEdge::new(store, now))
///         .with_api_keys(api_keys)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Services<K = (), R = (), A = (), B = (), C = ()> {
    keys: K,
    revocation: R,
    api_keys: A,
    backends: B,
    checks: C,
}

impl Services {
    /// Creates services that provide nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<K, R, A, B, C> Services<K, R, A, B, C> {
    /// Refreshes the keys of other issuers with this edge, such as a [`JwksEdge`](crate::JwksEdge).
    #[must_use]
    pub fn with_keys<E>(self, keys: E) -> Services<E, R, A, B, C> {
        Services {
            keys,
            revocation: self.revocation,
            api_keys: self.api_keys,
            backends: self.backends,
            checks: self.checks,
        }
    }

    /// Checks with this edge whether tokens are revoked, such as a [`RevocationEdge`](crate::RevocationEdge).
    #[must_use]
    pub fn with_revocation<E>(self, revocation: E) -> Services<K, E, A, B, C> {
        Services {
            keys: self.keys,
            revocation,
            api_keys: self.api_keys,
            backends: self.backends,
            checks: self.checks,
        }
    }

    /// Refreshes snapshots of stored API keys with this edge, such as an [`ApiKeyEdge`](crate::ApiKeyEdge).
    #[must_use]
    pub fn with_api_keys<E>(self, api_keys: E) -> Services<K, R, E, B, C> {
        Services {
            keys: self.keys,
            revocation: self.revocation,
            api_keys,
            backends: self.backends,
            checks: self.checks,
        }
    }

    /// Authenticates with this edge for each [`EdgeBackend`](crate::EdgeBackend).
    #[must_use]
    pub fn with_backends<E>(self, backends: E) -> Services<K, R, A, E, C> {
        Services {
            keys: self.keys,
            revocation: self.revocation,
            api_keys: self.api_keys,
            backends,
            checks: self.checks,
        }
    }

    /// Runs the custom checks of guards with this edge.
    #[must_use]
    pub fn with_checks<E>(self, checks: E) -> Services<K, R, A, B, E> {
        Services {
            keys: self.keys,
            revocation: self.revocation,
            api_keys: self.api_keys,
            backends: self.backends,
            checks,
        }
    }
}

impl<K, R, A, B, C> AsyncEdge for Services<K, R, A, B, C>
where
    K: AsyncEdge,
    R: AsyncEdge,
    A: AsyncEdge,
    B: AsyncEdge,
    C: AsyncEdge,
{
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        match need {
            PossibleNeed::Authenticate { .. } => self.backends.provides(need),
            PossibleNeed::CheckRevocation { .. } => self.revocation.provides(need),
            PossibleNeed::RefreshApiKeys { .. } => self.api_keys.provides(need),
            PossibleNeed::RefreshKeys { .. } => self.keys.provides(need),
            PossibleNeed::RunCheck { .. } => self.checks.provides(need),
        }
    }

    async fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        self.keys.refresh_keys(need).await
    }

    async fn refresh_api_keys(&mut self, need: &ApiKeyRefresh) -> Refreshed {
        self.api_keys.refresh_api_keys(need).await
    }

    async fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        self.revocation.check_revocation(need).await
    }

    async fn authenticate(&mut self, need: &EdgeAuthentication) -> Authentication {
        self.backends.authenticate(need).await
    }

    async fn run_check(&mut self, need: &RunChecks, check: &str) -> Option<bool> {
        self.checks.run_check(need, check).await
    }
}

impl<K: Edge, R: Edge, A: Edge, B: Edge, C: Edge> Edge for Services<K, R, A, B, C> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        match need {
            PossibleNeed::Authenticate { .. } => self.backends.provides(need),
            PossibleNeed::CheckRevocation { .. } => self.revocation.provides(need),
            PossibleNeed::RefreshApiKeys { .. } => self.api_keys.provides(need),
            PossibleNeed::RefreshKeys { .. } => self.keys.provides(need),
            PossibleNeed::RunCheck { .. } => self.checks.provides(need),
        }
    }

    fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        self.keys.refresh_keys(need)
    }

    fn refresh_api_keys(&mut self, need: &ApiKeyRefresh) -> Refreshed {
        self.api_keys.refresh_api_keys(need)
    }

    fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        self.revocation.check_revocation(need)
    }

    fn authenticate(&mut self, need: &EdgeAuthentication) -> Authentication {
        self.backends.authenticate(need)
    }

    fn run_check(&mut self, need: &RunChecks, check: &str) -> Option<bool> {
        self.checks.run_check(need, check)
    }
}
