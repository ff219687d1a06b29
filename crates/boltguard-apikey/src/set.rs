//! Static keys from configuration.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use boltguard_keys::{Secret, digest_sha256, hmac_sha256};

use crate::{ApiKeyEntry, ApiKeyError, KeyDigest, base62};

/// A fixed set of keys, stored as digests.
///
/// A lookup computes one SHA-256 digest and reads one entry of a hash table. The hash is randomized in each process,
/// and the digest of the entry is compared in constant time, so the timing reveals nothing about the keys.
///
/// # Short keys
///
/// A public ID is derived from the key with a one-way function and appears in logs. A random key can't be recovered
/// from it, but guesses of a weak key can be tested against it. [`id_key`](ApiKeysBuilder::id_key) prevents this with a
/// secret of the server. [`weak_count`](Self::weak_count) counts the keys that require it.
///
/// ```
/// use boltguard_apikey::ApiKeys;
///
/// let keys = ApiKeys::new(["sk-prod-123abc", "sk-prod-456def"])?;
/// assert!(keys.find("sk-prod-123abc").is_some());
/// assert_eq!(keys.weak_count(), 2);
/// # Ok::<(), boltguard_apikey::ApiKeyError>(())
/// ```
#[derive(Clone)]
pub struct ApiKeys {
    entries: HashMap<KeyDigest, Arc<ApiKeyEntry>>,
    weak_count: usize,
}

impl ApiKeys {
    /// Creates a set of keys without permissions.
    ///
    /// # Errors
    ///
    /// Those of [`ApiKeysBuilder::build`].
    pub fn new(keys: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, ApiKeyError> {
        Self::builder().keys(keys).build()
    }

    /// Creates a builder for a set.
    #[must_use]
    pub fn builder() -> ApiKeysBuilder {
        ApiKeysBuilder::default()
    }

    /// Returns the entry of a key, if it is in the set.
    #[must_use]
    #[inline]
    pub fn find(&self, presented: &str) -> Option<&Arc<ApiKeyEntry>> {
        if presented.len() > MAX_LEN {
            return None;
        }
        self.entries.get(&KeyDigest::unkeyed(presented))
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether the set is empty, so that no key is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns a set of the same keys, with public IDs that are derived with this secret as in
    /// [`ApiKeysBuilder::id_key`].
    #[must_use]
    pub fn with_id_key(&self, secret: &Secret) -> Self {
        let with_new_id = |(digest, entry): (&KeyDigest, &Arc<ApiKeyEntry>)| {
            let id = public_id(digest, Some(secret));
            (*digest, Arc::new(entry.with_public_id(&id)))
        };
        Self {
            entries: self.entries.iter().map(with_new_id).collect(),
            weak_count: self.weak_count,
        }
    }

    /// Returns the number of keys with fewer than 16 bytes, which might be guessed.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.weak_count
    }

    /// Returns the entries of all keys, in arbitrary order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<ApiKeyEntry>> {
        self.entries.values()
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A builder for [`ApiKeys`]. It stores only the digests of the keys.
#[derive(Clone, Debug, Default)]
pub struct ApiKeysBuilder {
    keys: Vec<KeyDigest>,
    permissions: Vec<(KeyDigest, Vec<Box<str>>)>,
    weak_count: usize,
    id_key: Option<Secret>,
    error: Option<ApiKeyError>,
}

impl ApiKeysBuilder {
    /// Adds keys.
    #[must_use]
    pub fn keys(self, keys: impl IntoIterator<Item: AsRef<str>>) -> Self {
        keys.into_iter().fold(self, Self::key)
    }

    /// Adds a key.
    #[must_use]
    pub fn key(mut self, key: impl AsRef<str>) -> Self {
        let key = key.as_ref();
        match check(key) {
            Ok(()) => self.keys.push(KeyDigest::unkeyed(key)),
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self.weak_count += usize::from(key.len() < WEAK_LEN);
        self
    }

    /// Grants permissions, which can be wildcards, to a key. The key can be added before or afterwards.
    #[must_use]
    pub fn permissions(
        mut self,
        key: impl AsRef<str>,
        permissions: impl IntoIterator<Item: AsRef<str>>,
    ) -> Self {
        let key = key.as_ref();
        let permissions = permissions
            .into_iter()
            .map(|name| name.as_ref().into())
            .collect();
        self.permissions
            .push((KeyDigest::unkeyed(key), permissions));
        self
    }

    /// Derives public IDs with this secret, so that guessed keys can't be tested against them.
    #[must_use]
    pub fn id_key(mut self, secret: Secret) -> Self {
        self.id_key = Some(secret);
        self
    }

    /// Builds the set.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Character`] if a key has surrounding whitespace or is not printable ASCII.
    /// - [`ApiKeyError::Duplicate`] if a key was added twice.
    /// - [`ApiKeyError::Empty`] if a key is empty.
    /// - [`ApiKeyError::TooLong`] if a key is longer than 512 bytes.
    /// - [`ApiKeyError::UnlistedPermissions`] if permissions were granted to a key that wasn't added.
    pub fn build(self) -> Result<ApiKeys, ApiKeyError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut entries = HashMap::with_capacity(self.keys.len());
        for digest in &self.keys {
            let entry = ApiKeyEntry::new(&public_id(digest, self.id_key.as_ref()));
            if entries.insert(*digest, Arc::new(entry)).is_some() {
                return Err(ApiKeyError::Duplicate);
            }
        }
        for (digest, permissions) in self.permissions {
            let entry = entries
                .get_mut(&digest)
                .ok_or(ApiKeyError::UnlistedPermissions)?;
            Arc::make_mut(entry).permissions.extend(permissions);
        }
        Ok(ApiKeys {
            entries,
            weak_count: self.weak_count,
        })
    }
}

fn public_id(digest: &KeyDigest, id_key: Option<&Secret>) -> String {
    let message = [PUBLIC_ID, digest.as_bytes()].concat();
    let hash = match id_key {
        Some(secret) => hmac_sha256(secret, &message),
        None => digest_sha256(&message),
    };
    let (halves, _) = hash[..16].as_chunks();
    let numbers = halves.iter().map(|half| u64::from_be_bytes(*half));
    numbers.flat_map(base62::digits::<8>).collect()
}

fn check(key: &str) -> Result<(), ApiKeyError> {
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match key {
        "" => Err(ApiKeyError::Empty),
        _ if key.len() > MAX_LEN => Err(ApiKeyError::TooLong),
        _ if !printable || key.trim() != key => Err(ApiKeyError::Character),
        _ => Ok(()),
    }
}

/// The maximum length of a key in bytes. Longer strings are rejected without hashing them.
const MAX_LEN: usize = 512;

/// The minimum length of a key that isn't weak. 16 random digits and letters have 95 bits.
const WEAK_LEN: usize = 16;

/// Domain separation of public IDs from other uses of the same secret.
const PUBLIC_ID: &[u8] = b"boltguard api key public id\0";

#[cfg(test)]
mod tests {
    use boltguard_types::NumericDate;

    use super::*;

    #[test]
    fn public_id_is_stable_and_not_the_digest() {
        let id = |keys: ApiKeys| keys.find("sk-prod-123abc").unwrap().public_id().to_owned();
        let plain = id(ApiKeys::new(["sk-prod-123abc"]).unwrap());
        assert_eq!(
            plain,
            id(ApiKeys::new(["other", "sk-prod-123abc"]).unwrap())
        );
        assert!(plain.len() == 16 && base62::is_base62(&plain));
        let secret = Secret::new(b"a secret of the server").unwrap();
        let keyed = ApiKeys::builder().key("sk-prod-123abc").id_key(secret);
        assert_ne!(plain, id(keyed.build().unwrap()));
    }

    #[test]
    fn with_id_key_equals_builder_id_key() {
        let secret = Secret::new(b"of the server").unwrap();
        let set = || ApiKeys::builder().key("a").key("b").permissions("a", ["x"]);
        let built = set().id_key(secret.clone()).build().unwrap();
        let later = set().build().unwrap().with_id_key(&secret);
        for key in ["a", "b"] {
            assert_eq!(built.find(key), later.find(key));
        }
        assert!(later.find("a").unwrap().permissions().eq(["x"]));
        assert_eq!((later.len(), later.weak_count()), (2, 2));
    }

    #[test]
    fn rejects_keys_that_headers_cannot_contain() {
        for (key, error) in [
            ("", ApiKeyError::Empty),
            (" k", ApiKeyError::Character),
            ("k\n", ApiKeyError::Character),
            ("k\tk", ApiKeyError::Character),
            ("schlüssel", ApiKeyError::Character),
            ("k\u{a0}", ApiKeyError::Character),
            (&"k".repeat(513), ApiKeyError::TooLong),
        ] {
            assert_eq!(ApiKeys::new(["good", key]).unwrap_err(), error, "{key:?}");
        }
        assert!(ApiKeys::new(["a key of words", &"k".repeat(512)]).is_ok());
    }

    #[test]
    fn rejects_duplicates_and_unlisted_permissions() {
        assert_eq!(
            ApiKeys::new(["a", "b", "a"]).unwrap_err(),
            ApiKeyError::Duplicate
        );
        let unlisted = ApiKeys::builder().key("a").permissions("b", ["x"]);
        assert_eq!(
            unlisted.build().unwrap_err(),
            ApiKeyError::UnlistedPermissions
        );
    }

    #[test]
    fn permissions_accumulate_in_any_order() {
        let keys = ApiKeys::builder()
            .permissions("a", ["x"])
            .keys(["a", "b"])
            .permissions("a", ["y.*"])
            .build()
            .unwrap();
        assert!(keys.find("a").unwrap().permissions().eq(["x", "y.*"]));
        assert_eq!(keys.find("b").unwrap().permissions().len(), 0);
    }

    #[test]
    fn debug_hides_keys_and_owners() {
        let builder = ApiKeys::builder()
            .key("sk-hidden")
            .permissions("sk-hidden", ["x"]);
        let keys = builder.clone().build().unwrap();
        let entry = keys.find("sk-hidden").unwrap();
        let secret = || Secret::new(b"hidden").unwrap();
        let peppers = crate::Peppers::new(secret()).with_old(secret());
        let format = crate::KeyFormat::new("sk").unwrap();
        let verifier = crate::ApiKeyVerifier::new(format.clone(), peppers.clone());
        let key = format.generate().unwrap();
        let stored = crate::StoredKey::new(&key, &peppers, NumericDate::from_secs(0))
            .owned_by("hidden")
            .with_permissions(["hidden"])
            .with_scopes(["hidden"]);
        let store = crate::MemoryKeyStore::from_iter([stored.clone()]);
        verifier
            .verify(&store, key.expose(), NumericDate::from_secs(1))
            .unwrap();
        for output in [
            format!("{builder:?}"),
            format!("{keys:?}"),
            format!("{entry:?}"),
            format!("{peppers:?} {verifier:?} {store:?}"),
            format!("{stored:?} {:?}", stored.entry()),
            format!("{:?}", store.take_uses()),
        ] {
            assert!(!output.contains("hidden"), "{output}");
        }
    }

    #[test]
    fn overlong_key_is_not_found() {
        let keys = ApiKeys::new([""; 0]).unwrap();
        assert!(keys.is_empty() && keys.find(&"k".repeat(1 << 20)).is_none());
    }
}
