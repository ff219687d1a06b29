//! Tokens that were found good, so that the next time their signatures need not be checked.
//!
//! Whoever reads writes nothing that threads share: a place is written once and never again. When half of the
//! capacity is written, another generation begins; the one before is still read, and the one before that is dropped.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use boltguard_jwt::CachedClaims;
use boltguard_types::NumericDate;

/// The most tokens that a cache may be told to keep.
pub const MAX_CACHED_TOKENS: usize = 1 << 20;

/// Tokens that keys of one moment have verified.
#[derive(Clone)]
pub(crate) struct TokenCache {
    young: Arc<Generation>,
    old: Arc<Generation>,
}

/// A token and what is cached of it.
pub(crate) struct CachedToken {
    token: Box<str>,
    claims: CachedClaims,
    expires: Option<NumericDate>,
}

impl CachedToken {
    pub(crate) fn new(token: &str, claims: CachedClaims, expires: Option<NumericDate>) -> Self {
        Self {
            token: token.into(),
            claims,
            expires,
        }
    }

    #[inline]
    pub(crate) fn claims(&self) -> &CachedClaims {
        &self.claims
    }

    #[inline]
    pub(crate) fn has_expired(&self, now: NumericDate) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}

impl TokenCache {
    /// Keeps at most `capacity` tokens, or one more where that is odd.
    pub(crate) fn new(capacity: usize) -> Self {
        let seed = RandomState::new();
        let generation = Generation::new(
            capacity.div_ceil(2).max(1),
            [seed.hash_one(1), seed.hash_one(2)],
        );
        Self {
            old: Arc::new(generation.empty()),
            young: Arc::new(generation),
        }
    }

    /// What is cached of this very token, unless it has expired.
    #[inline]
    pub(crate) fn find(&self, token: &str, now: NumericDate) -> Option<&Arc<CachedToken>> {
        let found = self.young.find(token).or_else(|| self.find_old(token))?;
        (!found.has_expired(now)).then_some(found)
    }

    #[cold]
    fn find_old(&self, token: &str) -> Option<&Arc<CachedToken>> {
        let found = self.old.find(token)?;
        self.young.insert(Arc::clone(found));
        Some(found)
    }

    /// Keeps a token; `false` if there is no room for it in this generation.
    pub(crate) fn insert(&self, token: &Arc<CachedToken>) -> bool {
        self.young.insert(Arc::clone(token))
    }

    /// Begins another generation.
    pub(crate) fn next_generation(&self) -> Self {
        Self {
            old: Arc::clone(&self.young),
            young: Arc::new(self.young.empty()),
        }
    }

    /// Whether both are at the same generation.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.young, &other.young)
    }

    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// Places for tokens, each written at most once, found by linear probing.
struct Generation {
    places: Box<[OnceLock<Place>]>,
    taken: AtomicUsize,
    limit: usize,
    seed: [u64; 2],
}

struct Place {
    hash: u64,
    token: Arc<CachedToken>,
}

impl Generation {
    fn new(limit: usize, seed: [u64; 2]) -> Self {
        // At most half of the places are taken, so that few are passed before one is found empty.
        let places = (limit * 2).next_power_of_two();
        Self {
            places: (0..places).map(|_| OnceLock::new()).collect(),
            taken: AtomicUsize::new(0),
            limit,
            seed,
        }
    }

    fn empty(&self) -> Self {
        Self::new(self.limit, self.seed)
    }

    fn len(&self) -> usize {
        self.taken.load(Ordering::Relaxed).min(self.limit)
    }

    #[inline]
    fn find(&self, token: &str) -> Option<&Arc<CachedToken>> {
        let hash = self.hash(token)?;
        self.places_from(hash)
            .map_while(OnceLock::get)
            .find(|place| {
                place.hash == hash && are_equal(place.token.token.as_bytes(), token.as_bytes())
            })
            .map(|place| &place.token)
    }

    /// `false` if the generation is full.
    fn insert(&self, token: Arc<CachedToken>) -> bool {
        let Some(hash) = self.hash(&token.token) else {
            return true;
        };
        // A generation that is full is not written any more, not even its counter.
        if self.len() >= self.limit || self.taken.fetch_add(1, Ordering::Relaxed) >= self.limit {
            return false;
        }
        let mut place = Place { hash, token };
        for empty in self.places_from(hash) {
            match empty.set(place) {
                Ok(()) => break,
                Err(taken) => place = taken,
            }
        }
        true
    }

    #[inline]
    fn places_from(&self, hash: u64) -> impl Iterator<Item = &OnceLock<Place>> {
        let places = &*self.places;
        let last = places.len() - 1;
        (0..places.len()).map(move |step| &places[(hash as usize).wrapping_add(step) & last])
    }

    /// A keyed hash of the end of the signature, which differs from token to token. Nobody knows the key, and only
    /// genuine tokens are cached; tokens that share a hash are told apart all the same.
    #[inline]
    fn hash(&self, token: &str) -> Option<u64> {
        let end: &[u8; 16] = token.as_bytes().last_chunk()?;
        let [a, b] = [&end[..8], &end[8..]].map(|half| {
            half.iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        });
        let product = u128::from(a ^ self.seed[0]) * u128::from(b ^ self.seed[1]);
        Some(product as u64 ^ (product >> 64) as u64)
    }
}

/// Whether two tokens are equal, found out in a time that does not tell where they differ.
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

    fn claims() -> CachedClaims {
        let key = Key::generate(Algorithm::Hs256).unwrap();
        let key = SigningKey::new(&key, Algorithm::Hs256).unwrap();
        let token = sign(b"{}", &HeaderFields::new(), &key).unwrap();
        let verifier = Verifier::new(KeySet::from(key.verifying_key().clone()));
        CachedClaims::new(
            &Claims::read(verifier.verify(&token).unwrap(), &Requirements::new()).unwrap(),
        )
    }

    fn cached(token: &str, expires: Option<NumericDate>) -> Arc<CachedToken> {
        Arc::new(CachedToken::new(token, claims(), expires))
    }

    /// Tokens that end alike, and so have one hash.
    fn colliding(number: usize) -> String {
        format!("header.payload{number:04}.the-same-signature")
    }

    #[test]
    fn tokens_of_one_hash_are_told_apart() {
        let cache = TokenCache::new(20);
        for number in 0..10 {
            assert!(cache.insert(&cached(&colliding(number), None)));
        }
        for number in 0..10 {
            let token = colliding(number);
            assert_eq!(*cache.find(&token, NOW).unwrap().token, *token);
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
        let cache = TokenCache::new(4);
        cache.insert(&cached(&colliding(1), Some(NumericDate::from_secs(1_001))));
        assert!(cache.find(&colliding(1), NOW).is_some());
        assert!(
            cache
                .find(&colliding(1), NumericDate::from_secs(1_001))
                .is_none()
        );
    }

    #[test]
    fn a_full_generation_takes_no_more() {
        let cache = TokenCache::new(6);
        let taken = (0..10).filter(|number| cache.insert(&cached(&colliding(*number), None)));
        assert_eq!(taken.count(), 3);
        assert_eq!(cache.len(), 3);
        assert!(cache.find(&colliding(3), NOW).is_none());
    }

    #[test]
    fn what_is_asked_for_outlives_its_generation() {
        let mut cache = TokenCache::new(6);
        cache.insert(&cached(&colliding(0), None));
        cache.insert(&cached(&colliding(1), None));
        for _ in 0..5 {
            cache = cache.next_generation();
            assert!(cache.find(&colliding(0), NOW).is_some());
        }
        assert!(cache.find(&colliding(1), NOW).is_none());
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn an_old_token_is_found_where_the_young_generation_is_full() {
        let cache = TokenCache::new(2);
        cache.insert(&cached(&colliding(0), None));
        let cache = cache.next_generation();
        assert!(cache.insert(&cached(&colliding(1), None)));
        for number in 0..2 {
            assert!(cache.find(&colliding(number), NOW).is_some());
        }
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn each_cache_hashes_by_a_key_of_its_own() {
        let hash = |cache: &TokenCache| cache.young.hash(&colliding(0));
        assert_ne!(hash(&TokenCache::new(2)), hash(&TokenCache::new(2)));
    }
}
