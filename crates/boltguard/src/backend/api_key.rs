//! Authentication by an API key.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use boltguard_apikey::{ApiKeyEntry, ApiKeyError, ApiKeyVerifier, ApiKeys, KeyStore};
use boltguard_grants::Requirements;
use boltguard_keys::Secret;
use boltguard_types::{NumericDate, ReasonCode};

use super::{API_KEY_BACKEND, Attempt, BackendName, StoreFailurePolicy, Unavailable};
use crate::caller::ApiKeyCaller;
use crate::credentials::check_schemes;
use crate::{Caller, ConfigError, Freshness, HeaderName, Scheme, credentials};

/// Authenticates by an API key in a header.
///
/// ```
/// use boltguard::apikey::ApiKeys;
/// use boltguard::{ApiKeyBackend, ApiKeySource, Gate, HeaderName};
///
/// # fn gate(key: &str) -> Result<Gate, Box<dyn std::error::Error>> {
/// let keys = ApiKeys::builder().key(key).permissions(key, ["blog.view"]).build()?;
/// let backend = ApiKeyBackend::new(ApiKeySource::Static(keys), HeaderName::new("X-API-Key")?);
/// let gate = Gate::new([backend.into()], &r#"perm("blog.view")"#.parse()?)?;
/// # Ok(gate)
/// # }
/// # gate("a key of 32 random characters ....").unwrap();
/// ```
#[derive(Clone)]
pub struct ApiKeyBackend {
    name: BackendName,
    header: HeaderName,
    /// `None` for the default: `ApiKey`, and `Bearer`, which isn't in challenges.
    schemes: Option<Box<[Scheme]>>,
    default_schemes: [Scheme; 2],
    keys: ApiKeySource,
    snapshot: Option<Snapshot>,
}

/// A snapshot of stored keys, which the edge refreshes.
#[derive(Clone)]
struct Snapshot {
    freshness: Arc<Freshness>,
    on_failure: StoreFailurePolicy,
}

impl ApiKeyBackend {
    /// Creates a backend that reads keys from `header`: bare, or after `ApiKey` or `Bearer`.
    #[must_use]
    pub fn new(keys: ApiKeySource, header: HeaderName) -> Self {
        Self {
            name: BackendName::Default(API_KEY_BACKEND),
            header,
            schemes: None,
            default_schemes: [Scheme::api_key(), Scheme::bearer()],
            keys,
            snapshot: None,
        }
    }

    /// Sets the name by which guards and contexts refer to the backend, instead of `api_key`.
    #[must_use]
    pub fn with_name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.name = BackendName::Given(name.into());
        self
    }

    /// Reads another header.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self
    }

    pub(crate) fn name(&self) -> &BackendName {
        &self.name
    }

    /// Marks the stored keys as a snapshot. If it isn't current, evaluations return
    /// [`Need::RefreshApiKeys`](crate::Need::RefreshApiKeys).
    ///
    /// If the refresh fails, [`FailOpen`](StoreFailurePolicy::FailOpen) accepts the keys of the previous read. A key
    /// that was never read isn't accepted.
    #[must_use]
    pub fn with_snapshot(
        mut self,
        freshness: Arc<Freshness>,
        on_failure: StoreFailurePolicy,
    ) -> Self {
        self.snapshot = Some(Snapshot {
            freshness,
            on_failure,
        });
        self
    }

    /// Returns whether this backend has the same name, header and schemes as `other`.
    pub(crate) fn can_replace(&self, other: &Self) -> bool {
        self.header == other.header && self.name.as_str() == other.name.as_str()
    }

    pub(crate) fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    pub(crate) fn freshness(&self) -> Option<&Arc<Freshness>> {
        self.snapshot.as_ref().map(|snapshot| &snapshot.freshness)
    }

    /// Returns whether the value of the header requires a look-up in a snapshot that isn't current.
    pub(crate) fn needs_refresh(&self, value: &str, now: Instant) -> bool {
        let snapshot = self.snapshot.as_ref();
        snapshot.is_some_and(|snapshot| !snapshot.freshness.is_current(now)) && self.looks_up(value)
    }

    /// Returns whether the keys of the previous read are accepted if a refresh fails.
    pub(crate) fn outlives_failure(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| {
            snapshot.on_failure == StoreFailurePolicy::FailOpen && snapshot.freshness.was_read()
        })
    }

    /// Accepts keys bare or after these schemes, instead of `ApiKey` and `Bearer`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Schemes`] if the list is empty or contains a duplicate.
    pub fn with_schemes(
        mut self,
        schemes: impl IntoIterator<Item = Scheme>,
    ) -> Result<Self, ConfigError> {
        let schemes: Box<[Scheme]> = schemes.into_iter().collect();
        check_schemes(&schemes)?;
        self.schemes = Some(schemes);
        Ok(self)
    }

    /// Returns the accepted schemes.
    #[must_use]
    #[inline]
    pub fn schemes(&self) -> &[Scheme] {
        self.schemes.as_deref().unwrap_or(&self.default_schemes)
    }

    pub(super) fn offered_schemes(&self) -> &[Scheme] {
        self.schemes
            .as_deref()
            .unwrap_or(&self.default_schemes[..1])
    }

    /// Returns the same backend with other public IDs of static keys, see [`ApiKeys::with_id_key`]. Stored keys already
    /// have an ID.
    #[must_use]
    pub fn with_id_key(&self, secret: &Secret) -> Option<Self> {
        match &self.keys {
            ApiKeySource::Static(keys) => Some(Self {
                keys: ApiKeySource::Static(keys.with_id_key(secret)),
                ..self.clone()
            }),
            ApiKeySource::Store(..) => None,
        }
    }

    /// Returns whether the value of the header has the form of a key that is looked up in a store.
    #[must_use]
    fn looks_up(&self, value: &str) -> bool {
        match &self.keys {
            ApiKeySource::Static(_) => false,
            ApiKeySource::Store(verifier, _) => {
                let key = self.key(value);
                key.is_some_and(|key| verifier.parse(key).is_ok())
            }
        }
    }

    /// Returns the API key in this value of the backend's header.
    #[inline]
    fn key<'v>(&self, value: &'v str) -> Option<&'v str> {
        credentials::api_key(value, self.schemes(), &self.header)
    }

    #[inline]
    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }

    #[inline]
    pub(super) fn attempt(
        &self,
        value: &str,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Attempt {
        let Some(key) = self.key(value) else {
            return Attempt::Absent;
        };
        match self.keys.find(key, now) {
            Ok(entry) => Attempt::Known(Caller::from_api_key(
                self.name.clone(),
                ApiKeyCaller::new(entry, requirements),
            )),
            Err(ReasonCode::ApiKeysUnavailable) => Attempt::Unavailable(Unavailable::ApiKeys),
            Err(reason) => Attempt::Failed(reason.into()),
        }
    }
}

impl fmt::Debug for ApiKeyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ApiKeyBackend");
        debug.field("header", &self.header).finish_non_exhaustive()
    }
}

/// The source of the API keys of a backend.
#[derive(Clone)]
pub enum ApiKeySource {
    /// A fixed set of keys.
    Static(ApiKeys),
    /// Generated keys in a store.
    Store(ApiKeyVerifier, Arc<dyn KeyStore>),
}

impl ApiKeySource {
    #[inline]
    fn find(&self, presented: &str, now: NumericDate) -> Result<Arc<ApiKeyEntry>, ReasonCode> {
        match self {
            Self::Static(keys) => keys
                .find(presented)
                .cloned()
                .ok_or(ReasonCode::ApiKeyInvalid),
            Self::Store(verifier, store) => verifier
                .verify(&**store, presented, now)
                .map_err(ApiKeyError::code),
        }
    }
}
