//! Where generated keys are looked up.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use boltguard_types::NumericDate;

use crate::{KeyDigest, KeyUse, StoredKey};

/// A store that answers without waiting.
///
/// For keys in a database hold a [`MemoryKeyStore`] that is refreshed from it, or look the
/// [`ParsedKey::id`](crate::ParsedKey::id) up yourself and hand what you find to
/// [`ApiKeyVerifier::admit`](crate::ApiKeyVerifier::admit).
pub trait KeyStore: Send + Sync {
    /// The key of this id.
    fn find(&self, id: &str) -> Option<Arc<StoredKey>>;

    /// Notes that a key which was found has been admitted; `digest` is its digest by the current secret. A store that
    /// keeps no account of uses does nothing here.
    fn note_use(&self, key: &Arc<StoredKey>, digest: KeyDigest, now: NumericDate) {
        let _ = (key, digest, now);
    }
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn find(&self, id: &str) -> Option<Arc<StoredKey>> {
        (**self).find(id)
    }

    fn note_use(&self, key: &Arc<StoredKey>, digest: KeyDigest, now: NumericDate) {
        (**self).note_use(key, digest, now);
    }
}

/// Keys in memory: a snapshot that is read without a lock and replaced as a whole.
///
/// A key that was revoked here stays so when an older snapshot comes in, read before the revocation was written:
/// only a snapshot without the key ends that.
///
/// The uses of keys wait in [`take_uses`](Self::take_uses) until you write them down, one of a key at most.
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
pub struct MemoryKeyStore {
    snapshot: ArcSwap<Snapshot>,
    uses: Mutex<HashMap<Box<str>, KeyUse>>,
}

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
        self.snapshot.rcu(|old| {
            let mut revoked = old.revoked.clone();
            revoked.retain(|id, _| keys.contains_key(id));
            let keys = Arc::clone(&keys);
            Snapshot { keys, revoked }
        });
    }

    /// Adds a key, or replaces the one of its id, at the cost of a copy of the table of keys.
    pub fn insert(&self, key: StoredKey) {
        self.update([key], []);
    }

    /// Adds or replaces these keys and forgets those of the `removed` ids, at the cost of one copy of the table.
    pub fn update<'a>(
        &self,
        changed: impl IntoIterator<Item = StoredKey>,
        removed: impl IntoIterator<Item = &'a str>,
    ) {
        let changed = index(changed);
        let removed: Vec<_> = removed.into_iter().collect();
        self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            let keys = Arc::make_mut(&mut new.keys);
            keys.extend(
                changed
                    .iter()
                    .map(|(id, key)| (id.clone(), Arc::clone(key))),
            );
            for id in &removed {
                keys.remove(*id);
                new.revoked.remove(*id);
            }
            new
        });
    }

    /// Revokes the key of this id and says whether there is one.
    pub fn revoke(&self, id: &str, now: NumericDate) -> bool {
        let old = self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            new.revoke(id, now);
            new
        });
        old.find(id).is_some()
    }

    /// The last use of each key that was used since this was last asked, in no order.
    ///
    /// ```
    /// # use boltguard_apikey::{ApiKeyVerifier, KeyFormat, MemoryKeyStore, Peppers, StoredKey};
    /// # use boltguard_keys::{Algorithm, Secret};
    /// # use boltguard_types::NumericDate;
    /// # let now = NumericDate::from_secs(1_700_000_000);
    /// # let peppers = Peppers::new(Secret::generate(Algorithm::Hs256)?);
    /// # let format = KeyFormat::new("sk")?;
    /// # let key = format.generate()?;
    /// # let store = MemoryKeyStore::from_iter([StoredKey::new(&key, &peppers, now)]);
    /// # let verifier = ApiKeyVerifier::new(format, peppers);
    /// verifier.verify(&store, key.expose(), now)?;
    /// for last in store.take_uses() {
    ///     assert_eq!((last.id(), last.at(), last.new_digest()), (key.id(), now, None));
    /// }
    /// assert!(store.take_uses().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn take_uses(&self) -> Vec<KeyUse> {
        std::mem::take(&mut *self.uses()).into_values().collect()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshot.load().keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<Box<str>, KeyUse>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.snapshot.load().find(id).cloned()
    }

    fn note_use(&self, key: &Arc<StoredKey>, digest: KeyDigest, now: NumericDate) {
        // A key takes the lock once a second, however often it is used.
        if key.touch(now) {
            let last = KeyUse::new(key, digest, now);
            self.uses().insert(key.id().into(), last);
        }
    }
}

impl FromIterator<StoredKey> for MemoryKeyStore {
    fn from_iter<I: IntoIterator<Item = StoredKey>>(keys: I) -> Self {
        let snapshot = Snapshot {
            keys: index(keys),
            revoked: Keys::new(),
        };
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            uses: Mutex::default(),
        }
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
