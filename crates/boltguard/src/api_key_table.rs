//! A table of API keys, from whose description a backend and its edge are created.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use boltguard_apikey::{ApiKeyVerifier, MemoryKeyStore};

use crate::{
    ApiKeyBackend, ApiKeyEdge, ApiKeySource, Freshness, HeaderName, Now, StoreFailurePolicy,
};

/// API keys in a table, which are read into memory: creates the backend and the edge that belongs to it.
///
/// By default, the keys are current for 5 seconds. If they can't be read then, requests with an API key are refused
/// with 503.
///
/// ```
/// use std::time::Duration;
/// use boltguard::apikey::{ApiKeyVerifier, KeyFormat, Peppers, StoredKey};
/// use boltguard::keys::Secret;
/// use boltguard::{ApiKeyTable, AsyncEdge, Gate, HeaderName};
///
/// /// Reads all keys from the table, with a timeout.
/// async fn read() -> Result<Vec<StoredKey>, std::io::Error> {
///     Ok(Vec::new())
/// }
///
/// # fn gate(pepper: Secret) -> Result<(Gate, impl AsyncEdge + Clone), Box<dyn std::error::Error>> {
/// let verifier = ApiKeyVerifier::new(KeyFormat::new("shop")?, Peppers::new(pepper));
/// let table = ApiKeyTable::new(verifier, HeaderName::new("x-api-key")?);
/// let (backend, edge) = table.with_max_age(Duration::from_secs(10)).read_with(read);
/// let gate = Gate::new([backend.into()], &r#"perm("reports.view")"#.parse()?)?;
/// gate.validate_edge(&edge)?;
/// # Ok((gate, edge))
/// # }
/// # gate(Secret::new(b"a secret that is thirty-two bytes").unwrap()).unwrap();
/// ```
pub struct ApiKeyTable<C = fn() -> Now> {
    verifier: ApiKeyVerifier,
    header: HeaderName,
    max_age: Duration,
    on_failure: StoreFailurePolicy,
    clock: C,
}

impl ApiKeyTable {
    /// Describes a table of keys that `verifier` verifies, and that clients send in `header`: bare, or after `ApiKey`
    /// or `Bearer`.
    #[must_use]
    pub fn new(verifier: ApiKeyVerifier, header: HeaderName) -> Self {
        Self {
            verifier,
            header,
            max_age: MAX_AGE,
            on_failure: StoreFailurePolicy::FailClosed,
            clock: Now::system,
        }
    }
}

impl<C> ApiKeyTable<C> {
    /// Sets how long the keys are current after a read. A key that is revoked in the table is accepted for at most this
    /// long, if reads succeed.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// Sets whether the keys of the previous read are accepted if the table can't be read.
    #[must_use]
    pub fn on_read_failure(self, on_failure: StoreFailurePolicy) -> Self {
        Self { on_failure, ..self }
    }

    /// Replaces the system clock, for tests. Use the same clock for the layer or the middleware.
    #[must_use]
    pub fn with_clock<N: Into<Now>, D: Fn() -> N>(self, clock: D) -> ApiKeyTable<D> {
        ApiKeyTable {
            verifier: self.verifier,
            header: self.header,
            max_age: self.max_age,
            on_failure: self.on_failure,
            clock,
        }
    }

    /// Returns the backend, and the edge that calls `read` for all keys of the table when they aren't current.
    ///
    /// `read` must have a timeout. Set a name or schemes on the backend, see [`ApiKeyBackend::with_name`].
    #[must_use]
    pub fn read_with<N: Into<Now>, L>(self, read: L) -> (ApiKeyBackend, ApiKeyEdge<C, L>)
    where
        C: Fn() -> N,
    {
        let start = (self.clock)().into().instant();
        let store = Arc::new(MemoryKeyStore::new());
        let freshness = Arc::new(Freshness::new(self.max_age, start));
        let source = ApiKeySource::Store(self.verifier, store.clone());
        let backend = ApiKeyBackend::new(source, self.header)
            .with_snapshot(freshness.clone(), self.on_failure);
        let edge = ApiKeyEdge::new(store, freshness, self.clock, read);
        (backend, edge)
    }
}

impl<C> fmt::Debug for ApiKeyTable<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyTable")
            .field("header", &self.header)
            .field("max_age", &self.max_age)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}

/// How long the keys are current, unless configured otherwise.
const MAX_AGE: Duration = Duration::from_secs(5);
