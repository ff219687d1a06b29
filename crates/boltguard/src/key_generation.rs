//! The keys of one moment, and the tokens that they have verified.

use std::sync::Arc;

use arc_swap::ArcSwap;
use boltguard_jws::Verifier;
use boltguard_keys::{Algorithm, KeySet};
use boltguard_types::NumericDate;

use crate::token_cache::{CachedToken, TokenCache};

/// Trusted keys with the cache of their tokens: both are replaced together.
pub(crate) struct KeyGeneration {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) cache: Option<TokenCache>,
    pub(crate) cache_capacity: usize,
}

impl KeyGeneration {
    pub(crate) fn new(keys: KeySet, cache_capacity: usize) -> Self {
        let is_of_use = cache_capacity > 0 && keys.algorithms().any(is_cached);
        Self {
            verifier: Arc::new(Verifier::new(keys)),
            cache: is_of_use.then(|| TokenCache::new(cache_capacity)),
            cache_capacity,
        }
    }

    #[inline]
    pub(crate) fn find(&self, token: &str, now: NumericDate) -> Option<&Arc<CachedToken>> {
        self.cache.as_ref()?.find(token, now)
    }

    /// Whether tokens of this algorithm are cached.
    #[inline]
    pub(crate) fn caches(&self, algorithm: Algorithm) -> bool {
        self.cache.is_some() && is_cached(algorithm)
    }

    /// Keeps a token that these keys have verified; `current` is where they are replaced.
    #[cold]
    pub(crate) fn insert(
        &self,
        current: &ArcSwap<Self>,
        token: Arc<CachedToken>,
        now: NumericDate,
    ) {
        let Some(cache) = self.cache.as_ref().filter(|_| !token.has_expired(now)) else {
            return;
        };
        let is_at_cache = |now: &Self| now.cache.as_ref().is_some_and(|other| other.is_at(cache));
        // Another thread may have begun the next generation, which takes time and room.
        if cache.insert(&token) || !is_at_cache(&current.load()) {
            return;
        }
        let next = cache.next_generation();
        next.insert(&token);
        let next = Arc::new(Self {
            verifier: Arc::clone(&self.verifier),
            cache: Some(next),
            cache_capacity: self.cache_capacity,
        });
        // Where the keys or the generation were replaced in the meantime, what these keys have verified is dropped.
        current.rcu(|now| match is_at_cache(now) {
            true => Arc::clone(&next),
            false => Arc::clone(now),
        });
    }
}

/// A MAC costs little more than finding its token.
pub(crate) fn is_cached(algorithm: Algorithm) -> bool {
    !algorithm.is_symmetric()
}
