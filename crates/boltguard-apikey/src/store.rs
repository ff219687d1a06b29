//! Stores of generated keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use boltguard_types::NumericDate;

use crate::layers::{Changes, Layers};
use crate::{KeyDigest, KeyUse, StoreUnavailable, StoredKey};

/// A store of keys with synchronous, non-blocking lookups.
///
/// For keys in a database, keep a [`MemoryKeyStore`] up to date, or look up [`ParsedKey::id`](crate::ParsedKey::id)
/// yourself and pass the result to [`ApiKeyVerifier::admit`](crate::ApiKeyVerifier::admit).
pub trait KeyStore: Send + Sync {
    /// Returns the key with this ID, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`] if the store can't tell. A gate refuses the request with 503 then, so that clients don't
    /// discard valid keys.
    fn find(&self, id: &str) -> Result<Option<Arc<StoredKey>>, StoreUnavailable>;

    /// Records that a key was used. `digest` is its digest with the current secret.
    ///
    /// By default, this does nothing.
    fn record_use(&self, key: &Arc<StoredKey>, digest: KeyDigest, now: NumericDate) {
        let _ = (key, digest, now);
    }
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn find(&self, id: &str) -> Result<Option<Arc<StoredKey>>, StoreUnavailable> {
        (**self).find(id)
    }

    fn record_use(&self, key: &Arc<StoredKey>, digest: KeyDigest, now: NumericDate) {
        (**self).record_use(key, digest, now);
    }
}

/// A store of keys in memory: a snapshot that is read without a lock.
///
/// A key that was revoked with [`revoke`](Self::revoke) stays revoked if a snapshot from before the revocation is
/// loaded afterwards. Only removing the key ends this.
///
/// Use a separate store for each tenant, database or schema, because their owners can have the same IDs.
///
/// The last use of each key is kept until [`take_uses`](Self::take_uses) is called.
///
/// ```
/// use boltguard_apikey::{KeyFormat, MemoryKeyStore, Peppers, StoredKey};
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
/// assert!(store.get(key.id()).is_some_and(|stored| stored.revoked_at().is_some()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct MemoryKeyStore {
    snapshot: ArcSwap<Snapshot>,
    uses: Mutex<HashMap<Box<str>, KeyUse>>,
}

#[derive(Clone, Default)]
struct Snapshot {
    keys: Layers,
    /// The keys that were revoked in this store, which take precedence over `keys`.
    revoked: Layers,
    len: usize,
}

impl MemoryKeyStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the key with this ID.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<StoredKey>> {
        self.snapshot.load().find(id).cloned()
    }

    /// Replaces all keys. If several have the same ID, the last one is used.
    pub fn replace(&self, keys: impl IntoIterator<Item = StoredKey>) {
        let keys = index(keys);
        let len = keys.len();
        let keys = Layers::new(keys);
        self.snapshot.rcu(|old| Snapshot {
            keys: keys.clone(),
            revoked: old.revoked.retained(|id| keys.contains(id)),
            len,
        });
    }

    /// Adds a key, or replaces the one with the same ID.
    pub fn insert(&self, key: StoredKey) {
        self.update([key], []);
    }

    /// Adds or replaces the `changed` keys and removes those with the `removed` IDs, atomically.
    ///
    /// If you load changes incrementally from a database, also [`replace`](Self::replace) all keys every few minutes: a
    /// change counter doesn't detect changes that bypass it, or that were lost in a failover.
    pub fn update<'a>(
        &self,
        changed: impl IntoIterator<Item = StoredKey>,
        removed: impl IntoIterator<Item = &'a str>,
    ) {
        let mut changes = index(changed);
        let removed: Vec<&str> = removed.into_iter().collect();
        for id in &removed {
            changes.insert((*id).into(), None);
        }
        self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            new.update(&changes, &removed);
            new
        });
    }

    /// Revokes the key with this ID, and returns whether it exists.
    pub fn revoke(&self, id: &str, now: NumericDate) -> bool {
        let old = self.snapshot.rcu(|old| {
            let mut new = Snapshot::clone(old);
            new.revoke(id, now);
            new
        });
        old.find(id).is_some()
    }

    /// Returns the last use of each key that was used since the previous call, in arbitrary order.
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
    /// for last_use in store.take_uses() {
    ///     assert_eq!((last_use.id(), last_use.at(), last_use.new_digest()), (key.id(), now, None));
    /// }
    /// assert!(store.take_uses().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn take_uses(&self) -> Vec<KeyUse> {
        std::mem::take(&mut *self.uses()).into_values().collect()
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshot.load().len
    }

    /// Returns whether the store is empty.
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
        self.revoked.find(id).or_else(|| self.keys.find(id))
    }

    fn update(&mut self, changes: &Changes, removed: &[&str]) {
        for (id, key) in changes {
            self.len += usize::from(key.is_some());
            self.len -= usize::from(self.keys.contains(id));
        }
        let effective = changes
            .iter()
            .filter(|(id, key)| key.is_some() || self.keys.contains(id));
        let changes = effective
            .map(|(id, key)| (id.clone(), key.clone()))
            .collect();
        self.keys.change(changes);
        let revoked = removed.iter().filter(|id| self.revoked.contains(id));
        let removed = revoked.map(|id| ((*id).into(), None)).collect();
        self.revoked.change(removed);
    }

    fn revoke(&mut self, id: &str, now: NumericDate) {
        if let Some(key) = self.find(id) {
            let revoked = StoredKey::clone(key).with_revocation(now);
            self.revoked.set(id, Some(Arc::new(revoked)));
        }
    }
}

impl KeyStore for MemoryKeyStore {
    fn find(&self, id: &str) -> Result<Option<Arc<StoredKey>>, StoreUnavailable> {
        Ok(self.get(id))
    }

    fn record_use(&self, key: &Arc<StoredKey>, digest: KeyDigest, now: NumericDate) {
        // Each key takes the lock at most once per second.
        if key.touch(now) {
            let last_use = KeyUse::new(key, digest, now);
            self.uses().insert(key.id().into(), last_use);
        }
    }
}

impl FromIterator<StoredKey> for MemoryKeyStore {
    fn from_iter<I: IntoIterator<Item = StoredKey>>(keys: I) -> Self {
        let keys = index(keys);
        let snapshot = Snapshot {
            len: keys.len(),
            keys: Layers::new(keys),
            revoked: Layers::default(),
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

fn index(keys: impl IntoIterator<Item = StoredKey>) -> Changes {
    let by_id = |key: StoredKey| (key.id().into(), Some(Arc::new(key)));
    keys.into_iter().map(by_id).collect()
}

#[cfg(test)]
mod tests {
    use boltguard_types::work::steps;
    use proptest::prelude::*;

    use super::*;

    const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);

    #[derive(Clone, Debug)]
    enum Operation {
        Replace(Vec<(u8, i64)>),
        Revoke(u8),
        Update(Vec<(u8, i64)>, Vec<u8>),
    }

    fn operation() -> impl Strategy<Value = Operation> {
        let keys = || prop::collection::vec((0..12_u8, 0..1000_i64), 0..6);
        let removed = || prop::collection::vec(0..12_u8, 0..4);
        prop_oneof![
            1 => keys().prop_map(Operation::Replace),
            2 => (0..12_u8).prop_map(Operation::Revoke),
            6 => (keys(), removed()).prop_map(|(changed, removed)| Operation::Update(changed, removed)),
        ]
    }

    fn key((id, created): (u8, i64)) -> StoredKey {
        let digest = KeyDigest::from_bytes([id; 32]);
        StoredKey::from_parts(id.to_string(), digest, NumericDate::from_secs(created))
    }

    /// The creation date of each key, and whether it is revoked.
    #[derive(Default)]
    struct Model(HashMap<u8, (i64, bool)>);

    impl Model {
        fn add(&mut self, keys: &[(u8, i64)]) {
            for (id, created) in keys {
                let key = self.0.entry(*id).or_insert((*created, false));
                // A revoked key is not updated.
                key.0 = if key.1 { key.0 } else { *created };
            }
        }

        fn apply(&mut self, operation: &Operation) {
            match operation {
                Operation::Replace(keys) => {
                    self.0
                        .retain(|id, _| keys.iter().any(|(other, _)| other == id));
                    self.add(keys);
                }
                Operation::Revoke(id) => {
                    self.0.entry(*id).and_modify(|key| key.1 = true);
                }
                Operation::Update(changed, removed) => {
                    self.add(changed);
                    self.0.retain(|id, _| !removed.contains(id));
                }
            }
        }
    }

    fn apply(store: &MemoryKeyStore, operation: Operation) {
        match operation {
            Operation::Replace(keys) => store.replace(keys.into_iter().map(key)),
            Operation::Revoke(id) => {
                store.revoke(&id.to_string(), NOW);
            }
            Operation::Update(changed, removed) => {
                let removed: Vec<_> = removed.iter().map(u8::to_string).collect();
                let removed = removed.iter().map(String::as_str);
                store.update(changed.into_iter().map(key), removed);
            }
        }
    }

    proptest! {
        #[test]
        fn store_agrees_with_model(operations in prop::collection::vec(operation(), 0..30)) {
            let (store, mut model) = (MemoryKeyStore::new(), Model::default());
            for operation in operations {
                model.apply(&operation);
                apply(&store, operation);
                prop_assert_eq!(store.len(), model.0.len());
                for id in 0..12_u8 {
                    let found = store.get(&id.to_string());
                    let found = found.map(|key| (key.created_at().as_secs(), key.revoked_at().is_some()));
                    prop_assert_eq!(found, model.0.get(&id).copied());
                }
            }
        }
    }

    #[test]
    fn changes_take_n_log_n_time() {
        const COUNT: usize = 4_096;
        let keys = || {
            (0..COUNT).map(|number| {
                let digest = KeyDigest::from_bytes([0; 32]);
                StoredKey::from_parts(number.to_string(), digest, NOW)
            })
        };
        type Change = fn(&MemoryKeyStore, StoredKey);
        let changes: [(&str, Change); 3] = [
            ("revoke", |store, key| assert!(store.revoke(key.id(), NOW))),
            ("insert", |store, key| store.insert(key)),
            ("remove", |store, key| store.update([], [key.id()])),
        ];
        for (name, change) in changes {
            let store = MemoryKeyStore::from_iter(keys());
            let (steps, ()) = steps(|| keys().for_each(|key| change(&store, key)));
            assert!(steps <= 64 * COUNT as u64, "{name}: {steps} steps");
            assert_eq!(store.len(), if name == "remove" { 0 } else { COUNT });
        }
        let store = MemoryKeyStore::new();
        let (steps, ()) = steps(|| keys().for_each(|key| store.insert(key)));
        assert!(
            steps <= 64 * COUNT as u64,
            "insert into an empty store: {steps} steps"
        );
    }

    #[test]
    fn lookup_examines_few_layers() {
        let store = MemoryKeyStore::new();
        for number in 0..5_000 {
            let digest = KeyDigest::from_bytes([0; 32]);
            store.insert(StoredKey::from_parts(number.to_string(), digest, NOW));
            let (steps, found) = steps(|| store.get("0"));
            assert!(found.is_some() && steps <= 5, "{steps} layers of {number}");
        }
    }
}
