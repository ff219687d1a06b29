//! Trusted keys and the cache of the tokens they have verified.

use boltguard_jws::Verifier;
use boltguard_keys::{Algorithm, KeySet};

use crate::token_cache::TokenCache;

/// Trusted keys with the cache of their tokens. Both are replaced together, so that no token stays valid without its
/// key.
pub(crate) struct KeyGeneration {
    pub(crate) verifier: Verifier,
    pub(crate) cache: Option<TokenCache>,
    pub(crate) cache_capacity: usize,
}

impl KeyGeneration {
    pub(crate) fn new(keys: KeySet, cache_capacity: usize) -> Self {
        let is_useful = cache_capacity > 0 && keys.algorithms().any(is_cached);
        Self {
            verifier: Verifier::new(keys),
            cache: is_useful.then(|| TokenCache::new(cache_capacity)),
            cache_capacity,
        }
    }

    /// Returns the cache, if tokens of this algorithm are cached.
    #[inline]
    pub(crate) fn cache_for(&self, algorithm: Algorithm) -> Option<&TokenCache> {
        self.cache.as_ref().filter(|_| is_cached(algorithm))
    }
}

/// Returns whether tokens of this algorithm are cached. Verifying a MAC costs little more than a cache lookup.
pub(crate) fn is_cached(algorithm: Algorithm) -> bool {
    !algorithm.is_symmetric()
}
