//! Where generated keys are looked up.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use boltguard_types::NumericDate;

use crate::StoredKey;

/// A store that answers without waiting.
///
/// For keys in a database hold a [`MemoryKeyStore`] that is refreshed from it, or look the
/// [`ParsedKey::id`](crate::ParsedKey::id) up yourself and hand what you find to
/// [`ApiKeyVerifier::admit`](crate::ApiKeyVerifier::admit).
pub trait KeyStore: Send + Sync {
    /// The key of this id.
    fn find(&self, id: &str) -> Option<Arc<StoredKey>>;
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn find(&self, id: &str) -> Option<Arc<StoredKey>> {
        (**self).find(id)
    }
}

/// Keys in memory: a snapshot that is read without a lock and replaced as a whole.
///
/// A key that was revoked here stays so when an older snapshot comes in, read before the revocation was written:
/// only a snapshot without the key ends that.
///
/// ```
/// use boltguard_apikey::{KeyFormat, KeyStore, MemoryKeyStore, Peppers, StoredKey};
/// use boltguard_keys::{Algorithm, Secret};
/// use boltguard_types::NumericDate;
///
/// let now = NumericDate::from_secs(1_700_000_000);
/// let peppers = Peppers::new(Secret::generate(Algorithm::Hs256)?);
/// let key = KeyFormat::new("sk")?.generate()?;
/// let stored = StoredKey::new(&key, &peppers, now);
///
/// let store = MemoryKeyStore::from_iter([stored.clone()]);
/// assert!(store.revoke(key.id(), now));
/// store.replace([stored]);
/// assert!(store.find(key.id()).is_some_and(|stored| stored.revoked().is_some()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct MemoryKeyStore(ArcSwap<Snapshot>);

#[derive(Clone, Default)]
struct Snapshot {
    keys: Arc<Keys>,
    /// What was revoked here, which counts before what the snapshot says.
    revoked: Keys,
}

type Keys = HashMap<Box<str>, Arc<StoredKey>>;

impl MemoryKeyStore {
    /// A store without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces all keys; of two with the same id the later one counts.
    pub fn replace(&self, keys: impl IntoIterator<Item = StoredKey>) {
        let keys = index(keys);
        self.0.rcu(|old| {
            let mut revoked = old.revoked.clone();
            revoked.retain(|id, _| keys.contains_key(id));
            let keys = Arc::clone(&keys);
            Snapshot { keys, revoked }
        });
    }

    /// Adds a key, or replaces the one of its id, at the cost of a copy of the table of keys.
    pub fn insert(&self, key: StoredKey) {
        let key = Arc::new(key);
        self.0.rcu(|old| {
            let mut new = Snapshot::clone(old);
            Arc::make_mut(&mut new.keys).insert(key.id().into(), Arc::clone(&key));
            new
        });
    }

    /// Revokes the key of this id and says whether there is one.
    pub fn revoke(&self, id: &str, now: NumericDate) -> bool {
        let old = self.0.rcu(|old| {
            let mut new = Snapshot::clone(old);
            new.revoke(id, now);
            new
        });
        old.find(id).is_some()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.load().keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Snapshot {
    fn find(&self, id: &str) -> Option<&Arc<StoredKey>> {
        self.revoked.get(id).or_else(|| self.keys.get(id))
    }

    fn revoke(&mut self, id: &str, now: NumericDate) {
        if let Some(key) = self.find(id) {
            let revoked = StoredKey::clone(key).revoked_at(now);
            self.revoked.insert(id.into(), Arc::new(revoked));
        }
    }
}

impl KeyStore for MemoryKeyStore {
    fn find(&self, id: &str) -> Option<Arc<StoredKey>> {
        self.0.load().find(id).cloned()
    }
}

impl FromIterator<StoredKey> for MemoryKeyStore {
    fn from_iter<I: IntoIterator<Item = StoredKey>>(keys: I) -> Self {
        Self(ArcSwap::from_pointee(Snapshot {
            keys: index(keys),
            revoked: Keys::new(),
        }))
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyStore")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn index(keys: impl IntoIterator<Item = StoredKey>) -> Arc<Keys> {
    let keys = keys.into_iter().map(|key| (key.id().into(), Arc::new(key)));
    Arc::new(keys.collect())
}
