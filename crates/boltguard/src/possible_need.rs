//! What the evaluations of a gate may need from outside, and whether an edge provides it.

use std::sync::Arc;

use boltguard_jwks::RemoteKeySet;

use crate::{AsyncEdge, Backend, ConfigError, Edge, EdgeError, Freshness, Gate, JwtBackend};

/// Something from outside that the evaluations of a gate may need, see [`Gate::possible_needs`].
///
/// Each is the possibility of a [`Need`](crate::Need), and is known at startup.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum PossibleNeed<'g> {
    /// An [`EdgeBackend`](crate::EdgeBackend) authenticates.
    #[non_exhaustive]
    Authenticate {
        /// The name of the backend.
        backend: &'g str,
    },
    /// A token is checked in an external revocation store.
    #[non_exhaustive]
    CheckRevocation {
        /// The name of the backend.
        backend: &'g str,
    },
    /// A snapshot of stored API keys is refreshed.
    #[non_exhaustive]
    RefreshApiKeys {
        /// The name of the backend.
        backend: &'g str,
        /// The freshness of the snapshot, which identifies it.
        freshness: &'g Arc<Freshness>,
    },
    /// The keys of an issuer are refreshed.
    #[non_exhaustive]
    RefreshKeys {
        /// The name of the backend.
        backend: &'g str,
        /// The first issuer that the policy of the backend accepts.
        issuer: Option<&'g str>,
        /// The keys.
        keys: &'g Arc<RemoteKeySet>,
    },
    /// A custom check of the guard is run.
    #[non_exhaustive]
    RunCheck {
        /// The name of the check.
        check: &'g str,
    },
}

impl Gate {
    /// Returns what evaluations may need from outside: of the backends, in order, and the checks of the guard.
    pub fn possible_needs(&self) -> impl Iterator<Item = PossibleNeed<'_>> {
        let checks = self.guard().checks();
        let checks = checks.map(|check| PossibleNeed::RunCheck { check });
        self.backends().iter().flat_map(needs_of).chain(checks)
    }

    /// Checks at startup that an edge for [`check`](Self::check) provides everything that evaluations may need.
    ///
    /// ```
    /// use boltguard::guard::Guard;
    /// use boltguard::{Backend, EdgeBackend, Gate};
    ///
    /// let backend: Backend = EdgeBackend::new("session").into();
    /// let gate = Gate::new([backend], &Guard::authenticated())?;
    /// let error = gate.validate_edge(&()).unwrap_err().to_string();
    /// assert!(error.starts_with(r#"backend "session" is implemented by the edge"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::Edge`] if the edge doesn't [provide](AsyncEdge::provides) something.
    pub fn validate_edge(&self, edge: &impl AsyncEdge) -> Result<(), ConfigError> {
        self.validate(|need| edge.provides(need))
    }

    /// Checks at startup that an edge for [`check_blocking`](Self::check_blocking) provides everything that evaluations
    /// may need.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Edge`] if the edge doesn't [provide](Edge::provides) something.
    pub fn validate_edge_blocking(&self, edge: &impl Edge) -> Result<(), ConfigError> {
        self.validate(|need| edge.provides(need))
    }

    fn validate(&self, provides: impl Fn(&PossibleNeed<'_>) -> bool) -> Result<(), ConfigError> {
        match self.possible_needs().find(|need| !provides(need)) {
            Some(missing) => Err(ConfigError::Edge(EdgeError::missing(missing))),
            None => Ok(()),
        }
    }
}

fn needs_of(backend: &Backend) -> impl Iterator<Item = PossibleNeed<'_>> {
    let name = backend.name();
    let needs = match backend {
        Backend::ApiKey(keys) => [
            keys.freshness().map(|freshness| refresh(name, freshness)),
            None,
        ],
        Backend::Custom(_) => [None, None],
        Backend::Edge(_) => [Some(PossibleNeed::Authenticate { backend: name }), None],
        Backend::Jwt(jwt) => [issuer_keys(name, jwt), revocation(name, jwt)],
    };
    needs.into_iter().flatten()
}

fn refresh<'g>(backend: &'g str, freshness: &'g Arc<Freshness>) -> PossibleNeed<'g> {
    PossibleNeed::RefreshApiKeys { backend, freshness }
}

fn issuer_keys<'g>(backend: &'g str, jwt: &'g JwtBackend) -> Option<PossibleNeed<'g>> {
    jwt.remote_keys().map(|keys| PossibleNeed::RefreshKeys {
        backend,
        issuer: jwt.policy().issuers().next(),
        keys,
    })
}

fn revocation<'g>(backend: &'g str, jwt: &JwtBackend) -> Option<PossibleNeed<'g>> {
    jwt.checks_external_store()
        .then_some(PossibleNeed::CheckRevocation { backend })
}
