//! Authentication by an API key.

use std::fmt;
use std::sync::Arc;

use boltguard_apikey::{ApiKeyEntry, ApiKeyError, ApiKeyVerifier, ApiKeys, KeyStore};
use boltguard_keys::Secret;
use boltguard_types::{NumericDate, ReasonCode, Wanted};

use super::Attempt;
use crate::caller::ApiKeyCaller;
use crate::{Caller, HeaderName, credentials};

/// Authenticates by an API key in a header.
pub struct ApiKeyBackend {
    header: HeaderName,
    keys: KnownKeys,
}

impl ApiKeyBackend {
    /// Reads keys from `header`.
    #[must_use]
    pub fn new(keys: KnownKeys, header: HeaderName) -> Self {
        Self { header, keys }
    }

    /// The same with other public ids of fixed keys, see [`ApiKeys::with_id_key`]; stored keys have theirs already.
    #[must_use]
    pub fn with_id_key(&self, secret: &Secret) -> Option<Self> {
        match &self.keys {
            KnownKeys::Fixed(keys) => Some(Self {
                header: self.header.clone(),
                keys: KnownKeys::Fixed(keys.with_id_key(secret)),
            }),
            KnownKeys::Stored(..) => None,
        }
    }

    /// Whether the value of the header has the form of a key that is looked up in a store.
    #[must_use]
    pub fn looks_up(&self, value: &str) -> bool {
        match &self.keys {
            KnownKeys::Fixed(_) => false,
            KnownKeys::Stored(verifier, _) => verifier.parse(credentials::api_key(value)).is_ok(),
        }
    }

    #[inline]
    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }

    #[inline]
    pub(super) fn attempt(&self, value: &str, wanted: &Wanted, now: NumericDate) -> Attempt {
        match self.keys.find(credentials::api_key(value), now) {
            Ok(entry) => Attempt::Known(Caller::ApiKey(ApiKeyCaller::new(entry, wanted))),
            Err(reason) => Attempt::Failed(reason),
        }
    }
}

impl fmt::Debug for ApiKeyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ApiKeyBackend");
        debug.field("header", &self.header).finish_non_exhaustive()
    }
}

/// Where the API keys are that a backend knows.
pub enum KnownKeys {
    /// A fixed set of keys.
    Fixed(ApiKeys),
    /// Generated keys in a store that may change.
    Stored(ApiKeyVerifier, Arc<dyn KeyStore>),
}

impl KnownKeys {
    #[inline]
    fn find(&self, presented: &str, now: NumericDate) -> Result<Arc<ApiKeyEntry>, ReasonCode> {
        match self {
            Self::Fixed(keys) => keys
                .find(presented)
                .cloned()
                .ok_or(ReasonCode::ApiKeyInvalid),
            Self::Stored(verifier, store) => verifier
                .verify(&**store, presented, now)
                .map_err(ApiKeyError::code),
        }
    }
}
