//! Several trusted keys, of which a token's `alg` and `kid` select.

use boltguard_types::KeyId;

use crate::jwk::{self, Jwk, SkippedKey};
use crate::{Algorithm, KeyError, VerifyingKey};

/// Several trusted keys.
///
/// ```
/// use boltguard_keys::{Algorithm, Key, KeySet, VerifyingKey};
///
/// let new = VerifyingKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?.with_key_id("new");
/// let old = VerifyingKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?.with_key_id("old");
/// let keys = KeySet::new([new, old]);
///
/// assert_eq!(keys.select(Algorithm::Hs256, Some("old")).count(), 1);
/// assert_eq!(keys.select(Algorithm::Hs256, None).count(), 2);
/// assert_eq!(keys.select(Algorithm::Hs256, Some("other")).count(), 0);
/// assert_eq!(keys.select(Algorithm::Rs256, Some("old")).count(), 0);
/// # Ok::<(), boltguard_keys::KeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    /// Names of keys that are of no use here: a token that asks for one finds no key.
    unusable: Vec<KeyId>,
    /// What of a JWK Set was skipped.
    skipped: Vec<SkippedKey>,
}

impl KeySet {
    /// At most this many keys are tried for one token.
    pub const MAX_TRIED: usize = 16;

    /// Trusts these keys; the first is tried first.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Trusts the keys of a JWK Set, [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5), for those of
    /// the algorithms that each of them can serve.
    ///
    /// Keys that are not understood, or that serve none of the algorithms, are [`skipped`](Self::skipped), for the
    /// caller to log; a token whose `kid` names one of them finds no key. Several keys may share a `kid`, RFC 7517
    /// §4.5: all of them are tried.
    ///
    /// # Errors
    ///
    /// - [`KeyError::Json`] or [`KeyError::DuplicateMember`] if the text is malformed.
    /// - [`KeyError::Jwks`] if there is no list `keys` of objects.
    /// - [`KeyError::PrivateKey`] if one of the keys is private: whoever reads the set could sign.
    /// - [`KeyError::NoUsableKey`] if none is left.
    pub fn from_jwks(json: &str, algorithms: &[Algorithm]) -> Result<Self, KeyError> {
        let set = Self::parse_jwks(json, algorithms)?;
        if set.keys.is_empty() {
            return Err(KeyError::NoUsableKey);
        }
        Ok(set)
    }

    /// As [`from_jwks`](Self::from_jwks), except that a set without a usable key is no error: it is empty, and
    /// [`skipped`](Self::skipped) says why.
    ///
    /// # Errors
    ///
    /// Those of [`KeySet::from_jwks`] but [`KeyError::NoUsableKey`].
    ///
    /// ```
    /// use boltguard_keys::{Algorithm, KeySet};
    ///
    /// let jwks = r#"{"keys":[{"kty":"OKP","crv":"X25519","kid":"2026"}]}"#;
    /// let set = KeySet::parse_jwks(jwks, &[Algorithm::EdDsa])?;
    /// assert!(set.is_empty());
    /// assert_eq!(
    ///     set.skipped()[0].to_string(),
    ///     r#"key 0 (kid "2026"): `crv` names a kind of key that isn't supported"#,
    /// );
    /// # Ok::<(), boltguard_keys::KeyError>(())
    /// ```
    pub fn parse_jwks(json: &str, algorithms: &[Algorithm]) -> Result<Self, KeyError> {
        let mut set = Self::default();
        for (index, member) in jwk::parse_set(json)?.into_iter().enumerate() {
            set.add(index, member, algorithms)?;
        }
        Ok(set)
    }

    /// Returns the keys of the JWK Set that serve none of the algorithms, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Trusts one JWK, for those of the algorithms that it can serve.
    ///
    /// # Errors
    ///
    /// - [`KeyError::PrivateKey`] if the key is private.
    /// - [`KeyError::AlgorithmMismatch`], [`KeyError::JwkAlgorithm`] or [`KeyError::JwkUse`] if it serves none.
    pub fn from_jwk(jwk: &Jwk, algorithms: &[Algorithm]) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        let mut refusal = KeyError::NoUsableKey;
        for algorithm in algorithms {
            match jwk.verifying_key(*algorithm) {
                Ok(key) => keys.push(key),
                Err(error) => refusal = error,
            }
        }
        if keys.is_empty() {
            Err(refusal)
        } else {
            Ok(Self::new(keys))
        }
    }

    /// Trusts the keys of `other` too; those of `self` are tried first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.unusable.extend(other.unusable);
        self.skipped.extend(other.skipped);
        self
    }

    /// Returns the keys for these algorithms alone; a token whose `kid` names another of the keys finds none.
    #[must_use]
    pub fn restricted_to(&self, algorithms: &[Algorithm]) -> Self {
        let (keys, others): (Vec<_>, Vec<_>) = self
            .keys
            .iter()
            .cloned()
            .partition(|key| algorithms.contains(&key.algorithm()));
        let names = others.iter().filter_map(VerifyingKey::key_id);
        let unusable = self.unusable.iter().chain(names).cloned().collect();
        Self {
            keys,
            unusable,
            skipped: self.skipped.clone(),
        }
    }

    /// Returns whether a token finds the same keys in both, see [`VerifyingKey::is_same_as`].
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let mut pairs = self.keys.iter().zip(&other.keys);
        self.keys.len() == other.keys.len()
            && self.unusable == other.unusable
            && pairs.all(|(a, b)| a.is_same_as(b))
    }

    /// Returns the keys to try for a token of this `alg` and `kid`, at most [`KeySet::MAX_TRIED`].
    ///
    /// A `kid` that names keys of the set selects them alone; one that names none leaves the keys without a name.
    /// Without a `kid` all keys of the algorithm are tried.
    #[inline]
    pub fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> impl Iterator<Item = &VerifyingKey> {
        // Names are compared only where there is a choice to make, once a token.
        let wanted = kid.filter(|kid| self.names(kid));
        let only_unnamed = kid.is_some() && wanted.is_none();
        let fits = move |key: &&VerifyingKey| {
            let name = key.key_id().map(KeyId::as_str);
            key.algorithm() == algorithm
                && match wanted {
                    Some(kid) => name == Some(kid),
                    None => !only_unnamed || name.is_none(),
                }
        };
        self.keys.iter().filter(fits).take(Self::MAX_TRIED)
    }

    /// Returns whether a key has this name, of use or passed over.
    #[must_use]
    pub fn names(&self, kid: &str) -> bool {
        let usable = self.keys.iter().filter_map(VerifyingKey::key_id);
        usable
            .chain(&self.unusable)
            .any(|name| name.as_str() == kid)
    }

    /// Returns whether one of the keys is for this algorithm.
    #[must_use]
    #[inline]
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.algorithm() == algorithm)
    }

    /// Returns the algorithms that the keys serve, each once, in the order of the keys.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        // There are few algorithms, however many keys.
        let mut seen = Vec::new();
        let algorithms = self.keys.iter().map(VerifyingKey::algorithm);
        algorithms.filter(move |algorithm| {
            let is_new = !seen.contains(algorithm);
            seen.extend(is_new.then_some(*algorithm));
            is_new
        })
    }

    /// Returns the keys.
    #[must_use]
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// Returns the number of keys; one that serves two algorithms counts twice.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the public keys as a JWK Set to publish; secrets are left out.
    ///
    /// A key that serves several algorithms is written once, without `alg`.
    #[must_use]
    pub fn to_jwks(&self) -> String {
        jwk::write_set(&self.keys)
    }

    fn add(
        &mut self,
        index: usize,
        member: jwk::Member,
        algorithms: &[Algorithm],
    ) -> Result<(), KeyError> {
        if member.is_private {
            return Err(KeyError::PrivateKey);
        }
        let problem = match member.jwk {
            Ok(jwk) => {
                let before = self.keys.len();
                let keys = algorithms
                    .iter()
                    .filter_map(|algorithm| jwk.verifying_key(*algorithm).ok());
                self.keys.extend(keys);
                if self.keys.len() > before {
                    return Ok(());
                }
                jwk.problem(algorithms)
            }
            Err(problem) => problem,
        };
        self.unusable.extend(member.kid.clone());
        self.skipped.push(SkippedKey {
            index,
            kid: member.kid,
            problem,
        });
        Ok(())
    }
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        Self::new([key])
    }
}

impl FromIterator<VerifyingKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self::new(keys)
    }
}
