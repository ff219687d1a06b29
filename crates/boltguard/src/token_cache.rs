//! A bounded cache of verified tokens, whose signatures need not be checked again.

use std::hash::{Hash, Hasher, RandomState};
use std::sync::Arc;

use boltguard_jwt::CachedClaims;
use boltguard_types::NumericDate;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, OptionsBuilder, UnitWeighter};

/// The highest capacity of a cache of verified tokens.
pub const MAX_CACHED_TOKENS: usize = 1 << 20;

/// The tokens that one set of keys has verified.
pub(crate) struct TokenCache(Cache<Token, Arc<CachedToken>, UnitWeighter, RandomState>);

/// The claims of a verified token, and when it expires.
pub(crate) struct CachedToken {
    claims: CachedClaims,
    expires: Option<NumericDate>,
}

impl CachedToken {
    pub(crate) fn new(claims: CachedClaims, expires: Option<NumericDate>) -> Self {
        Self { claims, expires }
    }

    #[inline]
    pub(crate) fn claims(&self) -> &CachedClaims {
        &self.claims
    }

    #[inline]
    fn has_expired(&self, now: NumericDate) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}

impl TokenCache {
    /// Creates a cache for at most `capacity` tokens.
    pub(crate) fn new(capacity: usize) -> Self {
        // Each shard has the same capacity, and the crate rounds it up, so a remainder would exceed the
        // capacity.
        let shards = if capacity < SHARDS * MIN_SHARD {
            1
        } else {
            SHARDS
        };
        let capacity = capacity - capacity % shards;
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(capacity)
            .weight_capacity(capacity as u64)
            .build()
            .expect("both capacities are set");
        let (hasher, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        Self(Cache::with_options(
            options,
            UnitWeighter,
            hasher,
            lifecycle,
        ))
    }

    /// Returns the cached entry for exactly this token, unless it has expired.
    #[inline]
    pub(crate) fn find(&self, token: &str, now: NumericDate) -> Option<Arc<CachedToken>> {
        let found = self.0.get(&Candidate(token))?;
        (!found.has_expired(now)).then_some(found)
    }

    /// Adds a token, unless it has expired. If the cache is full, a token that is seldom used is evicted, which may be
    /// this one.
    pub(crate) fn insert(&self, token: &str, cached: CachedToken, now: NumericDate) {
        if !cached.has_expired(now) {
            self.0.insert(Token(token.into()), Arc::new(cached));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The number of locks. Each guards the tokens of one shard.
const SHARDS: usize = 16;

/// The smallest shard; the crate merges smaller ones.
const MIN_SHARD: usize = 32;

/// A verified token.
struct Token(Box<str>);

/// A token that may be in the cache.
struct Candidate<'a>(&'a str);

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(&self.0, state);
    }
}

impl Hash for Candidate<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(self.0, state);
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        Candidate(&self.0).equivalent(other)
    }
}

impl Eq for Token {}

impl Equivalent<Token> for Candidate<'_> {
    #[inline]
    fn equivalent(&self, token: &Token) -> bool {
        are_equal(token.0.as_bytes(), self.0.as_bytes())
    }
}

/// Hashes the end of the signature, which is different for each token. Only verified tokens are cached, so an attacker
/// can't choose tokens with equal hashes, and tokens are compared in full in any case.
#[inline]
fn hash_end(token: &str, state: &mut impl Hasher) {
    let bytes = token.as_bytes();
    state.write(bytes.last_chunk::<16>().map_or(bytes, |end| end));
}

/// Compares two tokens in a time that doesn't depend on where they differ.
#[inline]
fn are_equal(cached: &[u8], given: &[u8]) -> bool {
    let pairs = cached.iter().zip(given);
    cached.len() == given.len() && pairs.fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use boltguard_grants::Requirements;
    use boltguard_jws::{HeaderFields, Verifier, sign};
    use boltguard_jwt::Claims;
    use boltguard_keys::{Algorithm, Key, KeySet, SigningKey};

    use super::*;

    const NOW: NumericDate = NumericDate::from_secs(1_000);

    fn cached(subject: &str, expires: Option<NumericDate>) -> CachedToken {
        let key = Key::generate(Algorithm::Hs256).unwrap();
        let key = SigningKey::new(&key, Algorithm::Hs256).unwrap();
        let payload = format!(r#"{{"sub":"{subject}"}}"#);
        let token = sign(payload.as_bytes(), &HeaderFields::new(), &key).unwrap();
        let verifier = Verifier::new(KeySet::from(key.verifying_key().clone()));
        let jws = verifier.verify(&token).unwrap();
        let claims = Claims::read(jws, &Requirements::new()).unwrap();
        CachedToken::new(CachedClaims::new(&claims), expires)
    }

    /// Returns tokens with the same end, and therefore the same hash.
    fn colliding(number: i64) -> String {
        format!("header.payload{number:04}.the-same-signature")
    }

    #[test]
    fn tokens_with_equal_hashes_are_distinguished() {
        let cache = TokenCache::new(20);
        for number in 0..10 {
            let expires = NumericDate::from_secs(2_000 + number);
            cache.insert(&colliding(number), cached("a", Some(expires)), NOW);
        }
        assert_eq!(cache.len(), 10);
        for number in 0..10 {
            let found = cache.find(&colliding(number), NOW).unwrap();
            let expires = NumericDate::from_secs(2_000 + number);
            assert_eq!(found.expires, Some(expires));
        }
        for other in [
            colliding(10),
            colliding(0)[1..].to_owned(),
            format!("x{}", colliding(0)),
            "the-same-signature".into(),
            "short".into(),
            String::new(),
        ] {
            assert!(cache.find(&other, NOW).is_none(), "{other}");
        }
    }

    #[test]
    fn a_token_is_found_until_it_expires() {
        let (cache, expires) = (TokenCache::new(4), NumericDate::from_secs(1_001));
        cache.insert(&colliding(1), cached("a", Some(expires)), NOW);
        assert!(cache.find(&colliding(1), NOW).is_some());
        assert!(cache.find(&colliding(1), expires).is_none());
    }

    #[test]
    fn an_expired_token_is_not_inserted() {
        let cache = TokenCache::new(4);
        cache.insert(&colliding(1), cached("a", Some(NOW)), NOW);
        assert_eq!(cache.len(), 0);
    }

    #[test]
    fn a_token_is_cached_once() {
        let cache = TokenCache::new(4);
        for _ in 0..3 {
            cache.insert(&colliding(1), cached("a", None), NOW);
        }
        assert_eq!(cache.len(), 1);
    }

    fn fill(cache: &TokenCache, count: usize, mut each: impl FnMut()) {
        let shared = Arc::new(cached("a", None));
        for number in 0..count {
            let token = format!("header.payload.{number:016}");
            cache.0.insert(Token(token.into()), Arc::clone(&shared));
            each();
        }
    }

    #[test]
    fn the_capacity_is_never_exceeded() {
        for capacity in [1, 2, 31, 63, 65, 511, 512, 513, 1_000] {
            let cache = TokenCache::new(capacity);
            fill(&cache, 4 * capacity, || {
                assert!(cache.len() <= capacity, "{capacity}");
            });
            assert!(cache.len() >= capacity - capacity / 4, "{capacity}");
            assert!(cache.0.capacity() <= capacity as u64, "{capacity}");
        }
    }

    #[test]
    fn many_tokens_do_not_evict_one_that_is_in_use() {
        for capacity in [64, 1_000] {
            let cache = TokenCache::new(capacity);
            cache.insert(&colliding(1), cached("a", None), NOW);
            fill(&cache, 10 * capacity, || {
                assert!(cache.find(&colliding(1), NOW).is_some(), "{capacity}");
            });
        }
    }

    #[test]
    fn each_cache_has_its_own_hash_key() {
        use std::hash::BuildHasher;
        let hash = || RandomState::new().hash_one(Candidate(&colliding(0)));
        assert_ne!(hash(), hash());
    }
}
