//! The keys of a configuration.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use boltguard_keys::{Secret, digest_sha256, hmac_sha256};

use crate::{ApiKeyEntry, ApiKeyError, KeyDigest, base62};

/// A fixed set of keys, held as digests.
///
/// A look-up makes one SHA-256 and reads one place of a table. The place comes from a hash of the digest that is
/// keyed anew in each process, and the digest there is compared in constant time, so the time tells nothing.
///
/// # Short keys
///
/// A public id comes from the key by a one-way function and appears in logs. Nobody gets back to a random key, but
/// a key that can be guessed can be tested against its id. [`id_key`](ApiKeysBuilder::id_key) prevents this: without
/// that secret of the server no guess can be tested. [`weak`](Self::weak) counts the keys that need it.
///
/// ```
/// use boltguard_apikey::ApiKeys;
///
/// let keys = ApiKeys::new(["sk-prod-123abc", "sk-prod-456def"])?;
/// assert!(keys.find("sk-prod-123abc").is_some());
/// assert_eq!(keys.weak(), 2);
/// # Ok::<(), boltguard_apikey::ApiKeyError>(())
/// ```
#[derive(Clone)]
pub struct ApiKeys {
    entries: HashMap<KeyDigest, Arc<ApiKeyEntry>>,
    weak: usize,
}

impl ApiKeys {
    /// The set of these keys, none of which grants a permission.
    ///
    /// # Errors
    ///
    /// Those of [`ApiKeysBuilder::build`].
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, ApiKeyError> {
        Self::builder().keys(keys).build()
    }

    /// Starts an empty set.
    #[must_use]
    pub fn builder() -> ApiKeysBuilder {
        ApiKeysBuilder::default()
    }

    /// The entry of the key, if it is one of the set.
    #[must_use]
    #[inline]
    pub fn find(&self, presented: &str) -> Option<&Arc<ApiKeyEntry>> {
        if presented.len() > MAX_LEN {
            return None;
        }
        self.entries.get(&KeyDigest::plain(presented))
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key, so that nobody is let in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The same keys under public ids derived with this secret, as [`ApiKeysBuilder::id_key`] has them.
    #[must_use]
    pub fn with_id_key(&self, secret: &Secret) -> Self {
        let renamed = |(digest, entry): (&KeyDigest, &Arc<ApiKeyEntry>)| {
            let id = public_id(digest, Some(secret));
            (*digest, Arc::new(entry.with_public_id(&id)))
        };
        Self {
            entries: self.entries.iter().map(renamed).collect(),
            weak: self.weak,
        }
    }

    /// The number of keys of fewer than 16 bytes, which may be guessed.
    #[must_use]
    pub fn weak(&self) -> usize {
        self.weak
    }

    /// Who the keys stand for, in no order.
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

/// Collects the keys of a set; each is digested when it is given and not kept.
#[derive(Clone, Debug, Default)]
pub struct ApiKeysBuilder {
    keys: Vec<KeyDigest>,
    granted: Vec<(KeyDigest, Vec<Box<str>>)>,
    weak: usize,
    id_key: Option<Secret>,
    mistake: Option<ApiKeyError>,
}

impl ApiKeysBuilder {
    /// Adds keys.
    #[must_use]
    pub fn keys<'a>(self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        keys.into_iter().fold(self, Self::key)
    }

    /// Adds a key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        match check(key) {
            Ok(()) => self.keys.push(KeyDigest::plain(key)),
            Err(mistake) => self.mistake = self.mistake.or(Some(mistake)),
        }
        self.weak += usize::from(key.len() < WEAK_LEN);
        self
    }

    /// Grants permissions, wildcards included, to a key that is added before or after.
    #[must_use]
    pub fn permissions<'a>(
        mut self,
        key: &str,
        granted: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let granted = granted.into_iter().map(Box::from).collect();
        self.granted.push((KeyDigest::plain(key), granted));
        self
    }

    /// Derives public ids with this secret, which keeps anybody else from testing guesses against them.
    #[must_use]
    pub fn id_key(mut self, secret: Secret) -> Self {
        self.id_key = Some(secret);
        self
    }

    /// The set.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Character`] if a key has white space around it or is not printable ASCII.
    /// - [`ApiKeyError::Duplicate`] if a key was added twice.
    /// - [`ApiKeyError::Empty`] if a key is empty.
    /// - [`ApiKeyError::TooLong`] if a key is longer than 512 bytes.
    /// - [`ApiKeyError::UnlistedPermissions`] if permissions were granted to a key that was not added.
    pub fn build(self) -> Result<ApiKeys, ApiKeyError> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let mut entries = HashMap::with_capacity(self.keys.len());
        for digest in &self.keys {
            let entry = ApiKeyEntry::new(&public_id(digest, self.id_key.as_ref()));
            if entries.insert(*digest, Arc::new(entry)).is_some() {
                return Err(ApiKeyError::Duplicate);
            }
        }
        for (digest, granted) in self.granted {
            let entry = entries
                .get_mut(&digest)
                .ok_or(ApiKeyError::UnlistedPermissions)?;
            Arc::make_mut(entry).permissions.extend(granted);
        }
        Ok(ApiKeys {
            entries,
            weak: self.weak,
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

/// Longer texts are refused before they are hashed.
const MAX_LEN: usize = 512;

/// 16 random digits and letters have 95 bits.
const WEAK_LEN: usize = 16;

/// Keeps public ids apart from whatever else is hashed, or signed with the same secret.
const PUBLIC_ID: &[u8] = b"boltguard api key public id\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_id_stays_the_same_and_is_not_the_digest() {
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
    fn an_id_key_that_comes_later_does_the_same() {
        let secret = Secret::new(b"of the server").unwrap();
        let set = || ApiKeys::builder().key("a").key("b").permissions("a", ["x"]);
        let at_once = set().id_key(secret.clone()).build().unwrap();
        let later = set().build().unwrap().with_id_key(&secret);
        for key in ["a", "b"] {
            assert_eq!(at_once.find(key), later.find(key));
        }
        assert!(later.find("a").unwrap().permissions().eq(["x"]));
        assert_eq!((later.len(), later.weak()), (2, 2));
    }

    #[test]
    fn keys_that_no_header_brings_unchanged_are_refused() {
        for (key, why) in [
            ("", ApiKeyError::Empty),
            (" k", ApiKeyError::Character),
            ("k\n", ApiKeyError::Character),
            ("k\tk", ApiKeyError::Character),
            ("schlüssel", ApiKeyError::Character),
            ("k\u{a0}", ApiKeyError::Character),
            (&"k".repeat(513), ApiKeyError::TooLong),
        ] {
            assert_eq!(ApiKeys::new(["good", key]).unwrap_err(), why, "{key:?}");
        }
        assert!(ApiKeys::new(["a key of words", &"k".repeat(512)]).is_ok());
    }

    #[test]
    fn mistakes_in_a_set_are_refused() {
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
    fn permissions_may_come_before_their_key_and_add_up() {
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
    fn debug_shows_neither_a_key_nor_its_owner() {
        let builder = ApiKeys::builder()
            .key("sk-shown")
            .permissions("sk-shown", ["x"]);
        let keys = builder.clone().build().unwrap();
        let entry = keys.find("sk-shown").unwrap();
        let secret = || Secret::new(b"shown").unwrap();
        let peppers = crate::Peppers::new(secret()).with_old(secret());
        let format = crate::KeyFormat::new("sk").unwrap();
        let verifier = crate::ApiKeyVerifier::new(format.clone(), peppers.clone());
        let key = format.generate().unwrap();
        let stored =
            crate::StoredKey::new(&key, &peppers, boltguard_types::NumericDate::from_secs(0))
                .owned_by("shown")
                .with_permissions(["shown"])
                .with_scopes(["shown"]);
        let store = crate::MemoryKeyStore::from_iter([stored.clone()]);
        verifier
            .verify(
                &store,
                key.expose(),
                boltguard_types::NumericDate::from_secs(1),
            )
            .unwrap();
        for text in [
            format!("{builder:?}"),
            format!("{keys:?}"),
            format!("{entry:?}"),
            format!("{peppers:?} {verifier:?} {store:?}"),
            format!("{stored:?} {:?}", stored.entry()),
            format!("{:?}", store.take_uses()),
        ] {
            assert!(!text.contains("shown"), "{text}");
        }
    }

    #[test]
    fn an_overlong_text_is_no_key() {
        let keys = ApiKeys::new([]).unwrap();
        assert!(keys.is_empty() && keys.find(&"k".repeat(1 << 20)).is_none());
    }
}
