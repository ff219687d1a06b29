//! Creating gates from a document.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use boltguard_guard::Guard;
use boltguard_jwks::{JwksSource, RemoteKeySet};
use boltguard_revocation::RevocationStore;

use super::build_backend::BackendBuilder;
use super::{
    Document, DocumentError, DocumentProblem, KeyReader, ProcessEnvironment, RouteSettings,
};
use crate::{ApiKeySource, Backend, Freshness, Gate, StoreFailurePolicy};

/// Checks a [`Document`], reads the keys that it refers to, and creates a [`Policy`].
///
/// API keys and the store of revoked tokens in memory are provided by the service.
pub struct PolicyBuilder<'d> {
    document: &'d Document,
    reader: Box<dyn KeyReader + 'd>,
    revocation: Option<Arc<dyn RevocationStore>>,
    api_keys: BTreeMap<String, StoredKeys>,
}

/// The API keys that the service provides for a backend.
#[derive(Clone)]
pub(super) struct StoredKeys {
    pub(super) source: ApiKeySource,
    pub(super) snapshot: Option<(Arc<Freshness>, StoreFailurePolicy)>,
}

impl<'d> PolicyBuilder<'d> {
    /// Creates a builder that reads keys with [`ProcessEnvironment`].
    #[must_use]
    pub fn new(document: &'d Document) -> Self {
        Self {
            document,
            reader: Box::new(ProcessEnvironment),
            revocation: None,
            api_keys: BTreeMap::new(),
        }
    }

    /// Reads environment variables and files with this reader.
    #[must_use]
    pub fn with_reader(mut self, reader: impl KeyReader + 'd) -> Self {
        self.reader = Box::new(reader);
        self
    }

    /// Sets the store for backends with the setting `"revocation": "memory"`.
    #[must_use]
    pub fn with_revocation_store(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.revocation = Some(store);
        self
    }

    /// Sets the API keys of the backend with this ID.
    #[must_use]
    pub fn with_api_keys(mut self, backend: &str, source: ApiKeySource) -> Self {
        let snapshot = None;
        let keys = StoredKeys { source, snapshot };
        self.api_keys.insert(backend.to_owned(), keys);
        self
    }

    /// Sets the API keys of the backend with this ID, which are a snapshot: see
    /// [`ApiKeyBackend::with_snapshot`](crate::ApiKeyBackend::with_snapshot).
    #[must_use]
    pub fn with_api_key_snapshot(
        mut self,
        backend: &str,
        source: ApiKeySource,
        freshness: Arc<Freshness>,
        on_failure: StoreFailurePolicy,
    ) -> Self {
        let snapshot = Some((freshness, on_failure));
        let keys = StoredKeys { source, snapshot };
        self.api_keys.insert(backend.to_owned(), keys);
        self
    }

    /// Creates the policy.
    ///
    /// # Errors
    ///
    /// A [`DocumentError`] for the first invalid value, for a key that can't be read or used, or if the service doesn't
    /// provide what a backend requires.
    pub fn build(self) -> Result<Policy, DocumentError> {
        if self.document.version != Document::VERSION {
            return Err(DocumentError::new("version", DocumentProblem::Version));
        }
        let mut builder = BackendBuilder {
            reader: &*self.reader,
            revocation: self.revocation.as_ref(),
            api_keys: &self.api_keys,
            remote_keys: Vec::new(),
        };
        builder.check_api_keys(self.document)?;
        let mut backends = BTreeMap::new();
        for (id, settings) in &self.document.backends {
            backends.insert(id.as_str(), builder.build(id, settings)?);
        }
        Ok(Policy {
            remote_keys: builder.remote_keys,
            routes: routes(&self.document.routes, &backends)?,
        })
    }
}

impl fmt::Debug for PolicyBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyBuilder")
            .field("document", &self.document)
            .finish_non_exhaustive()
    }
}

fn routes(
    all: &[RouteSettings],
    backends: &BTreeMap<&str, Backend>,
) -> Result<Vec<PolicyRoute>, DocumentError> {
    let mut names = HashSet::new();
    let mut routes = Vec::with_capacity(all.len());
    for (index, settings) in all.iter().enumerate() {
        let place = format!("routes[{index}]");
        if !names.insert(settings.name.as_str()) {
            let place = format!("{place}.name");
            return Err(DocumentError::new(place, DocumentProblem::Repeated));
        }
        routes.push(route(&place, settings, backends)?);
    }
    Ok(routes)
}

fn route(
    place: &str,
    settings: &RouteSettings,
    backends: &BTreeMap<&str, Backend>,
) -> Result<PolicyRoute, DocumentError> {
    let invalid = |member: &str, problem: DocumentProblem| {
        DocumentError::new(format!("{place}.{member}"), problem)
    };
    if settings.name.is_empty() {
        return Err(invalid("name", DocumentProblem::Empty));
    }
    if let Some(index) = settings.methods.iter().position(|name| !is_method(name)) {
        return Err(invalid(
            &format!("methods[{index}]"),
            DocumentProblem::Method,
        ));
    }
    let has_slash = |path: &String| path.starts_with('/');
    if !settings.path.as_ref().is_none_or(has_slash) {
        return Err(invalid("path", DocumentProblem::Path));
    }
    let guard = settings.guard.parse::<Guard>();
    let guard = guard.map_err(|error| invalid("guard", error.into()))?;
    if settings.omitted.is_some() && guard != Guard::deny_all() {
        return Err(invalid("guard", DocumentProblem::Omitted));
    }
    let mut chosen = Vec::new();
    for (index, id) in settings.backends.iter().enumerate() {
        let invalid = |problem| invalid(&format!("backends[{index}]"), problem);
        if settings.backends[..index].contains(id) {
            return Err(invalid(DocumentProblem::Repeated));
        }
        let backend = backends.get(id.as_str());
        chosen.push(
            backend
                .cloned()
                .ok_or_else(|| invalid(DocumentProblem::UnknownBackend))?,
        );
    }
    let gate = Gate::new(chosen, &guard).map_err(|error| DocumentError::new(place, error))?;
    Ok(PolicyRoute {
        name: settings.name.as_str().into(),
        methods: settings.methods.clone(),
        path: settings.path.clone(),
        gate,
    })
}

/// Returns whether it is the name of a method, which is case-sensitive, RFC 9110 §9.1. All registered ones are in upper
/// case.
fn is_method(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// The gates of all routes. Clones are cheap enough for each worker, and share the keys.
#[derive(Clone, Debug)]
pub struct Policy {
    routes: Vec<PolicyRoute>,
    remote_keys: Vec<(JwksSource, Arc<RemoteKeySet>)>,
}

impl Policy {
    /// Returns the gate of the route with this name.
    #[must_use]
    pub fn gate(&self, route: &str) -> Option<&Gate> {
        let mut routes = self.routes.iter();
        routes
            .find(|one| &*one.name == route)
            .map(PolicyRoute::gate)
    }

    /// Returns the routes, in the order of the document.
    #[must_use]
    pub fn routes(&self) -> &[PolicyRoute] {
        &self.routes
    }

    /// Returns the keys of other issuers, each with its source.
    ///
    /// The service fetches them with a client for each, see [`JwksEdge`](crate::JwksEdge). A missing client is
    /// an error at startup, see [`Gate::validate_edge`].
    #[must_use]
    pub fn remote_keys(&self) -> &[(JwksSource, Arc<RemoteKeySet>)] {
        &self.remote_keys
    }
}

/// A route of a [`Policy`].
#[derive(Clone, Debug)]
pub struct PolicyRoute {
    name: Box<str>,
    methods: Vec<String>,
    path: Option<String>,
    gate: Gate,
}

impl PolicyRoute {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the methods. If the list is empty, the gate is for all methods.
    #[must_use]
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// Returns the path, as it is in the document.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Returns the gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}
