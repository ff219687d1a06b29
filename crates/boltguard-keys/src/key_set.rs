//! Sets of trusted keys, from which the `alg` and `kid` of a token select.

use boltguard_types::KeyId;

use crate::jwk::{self, Jwk, SkippedKey};
use crate::{Algorithm, KeyError, VerifyingKey};

/// A set of trusted keys.
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
    /// The `kid`s of skipped keys. Tokens with one of them find no key.
    unusable: Vec<KeyId>,
    /// The skipped keys of a JWK Set.
    skipped: Vec<SkippedKey>,
}

impl KeySet {
    /// The maximum number of keys that are tried for one token.
    pub const MAX_TRIED: usize = 16;

    /// Creates a set of these keys, which are tried in order.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Creates a set from a JWK Set, [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5). Each key is used
    /// with those of the algorithms that it allows.
    ///
    /// Keys that are unsupported, or that can't be used with any of the algorithms, are [`skipped`](Self::skipped); log
    /// them. A token with the `kid` of a skipped key finds no key. Several keys may share a `kid`, RFC 7517 §4.5: all
    /// of them are tried.
    ///
    /// # Errors
    ///
    /// - [`KeyError::Json`] or [`KeyError::DuplicateMember`] if the string is malformed.
    /// - [`KeyError::Jwks`] if there is no list `keys` of objects.
    /// - [`KeyError::PrivateKey`] if one of the keys is private, because anyone who reads the set could sign.
    /// - [`KeyError::NoUsableKey`] if no key can be used.
    pub fn from_jwks(json: impl AsRef<str>, algorithms: &[Algorithm]) -> Result<Self, KeyError> {
        let json = json.as_ref();
        let set = Self::parse_jwks(json, algorithms)?;
        if set.keys.is_empty() {
            return Err(KeyError::NoUsableKey);
        }
        Ok(set)
    }

    /// Parses a JWK Set like [`from_jwks`](Self::from_jwks), but without usable keys, the set is empty and
    /// [`skipped`](Self::skipped) contains the reasons.
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

    /// Returns the skipped keys of the JWK Set, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Creates a set of one JWK, for those of the algorithms that it allows.
    ///
    /// # Errors
    ///
    /// - [`KeyError::PrivateKey`] if the key is private.
    /// - [`KeyError::AlgorithmMismatch`], [`KeyError::JwkAlgorithm`] or [`KeyError::JwkUse`] if it can't be used with
    ///   any of them.
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

    /// Adds the keys of `other`, which are tried after those of `self`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.unusable.extend(other.unusable);
        self.skipped.extend(other.skipped);
        self
    }

    /// Returns only the keys for these algorithms. A token with the `kid` of another key finds no key.
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

    /// Returns whether both sets contain the same keys, see [`VerifyingKey::is_same_as`].
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let mut pairs = self.keys.iter().zip(&other.keys);
        self.keys.len() == other.keys.len()
            && self.unusable == other.unusable
            && pairs.all(|(a, b)| a.is_same_as(b))
    }

    /// Returns the keys to try for a token of this `alg` and `kid`, at most [`KeySet::MAX_TRIED`].
    ///
    /// A `kid` selects the keys with this `kid` or, if there are none, the keys without one. Without a `kid`, all keys
    /// of the algorithm are tried.
    #[inline]
    pub fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> impl Iterator<Item = &VerifyingKey> {
        // Key IDs are compared only if there are several keys, once per token.
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

    /// Returns whether a key has this `kid`, including skipped keys.
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

    /// Returns the algorithms of the keys without duplicates, in the order of the keys.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        // There are few algorithms, even if there are many keys.
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

    /// Returns the number of keys. A key for two algorithms counts twice.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the public keys as a JWK Set, which can be published. Secrets are omitted.
    ///
    /// A key for several algorithms is written once, without `alg`.
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
