//! Sets of keys that can be replaced at run time.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::KeySet;

/// A set of keys that can be replaced at run time. Operations that have loaded the old set finish with it.
///
/// ```
/// use boltguard_keys::{Algorithm, Key, KeySet, RotatingKeySet, VerifyingKey};
///
/// let keys = RotatingKeySet::new(KeySet::default());
/// let key = VerifyingKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?;
/// keys.replace(KeySet::from(key));
/// assert_eq!(keys.load().len(), 1);
/// # Ok::<(), boltguard_keys::KeyError>(())
/// ```
pub struct RotatingKeySet(ArcSwap<KeySet>);

impl RotatingKeySet {
    /// Creates a set with these keys.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self(ArcSwap::from_pointee(keys))
    }

    /// Returns the current keys without a lock, for a single verification.
    #[inline]
    pub fn load(&self) -> LoadedKeySet {
        LoadedKeySet(self.0.load())
    }

    /// Returns the current keys, which can be stored.
    #[must_use]
    pub fn load_full(&self) -> Arc<KeySet> {
        self.0.load_full()
    }

    /// Replaces the keys.
    pub fn replace(&self, keys: KeySet) {
        self.0.store(Arc::new(keys));
    }
}

impl From<KeySet> for RotatingKeySet {
    fn from(keys: KeySet) -> Self {
        Self::new(keys)
    }
}

impl fmt::Debug for RotatingKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RotatingKeySet")
            .field(&*self.load())
            .finish()
    }
}

/// The keys at the time of [`RotatingKeySet::load`].
pub struct LoadedKeySet(Guard<Arc<KeySet>>);

impl std::ops::Deref for LoadedKeySet {
    type Target = KeySet;

    #[inline]
    fn deref(&self) -> &KeySet {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::{Algorithm, Key, SigningKey, VerifyingKey};

    #[test]
    fn loaded_keys_stay_valid_after_a_replacement() {
        let key =
            VerifyingKey::new(&Key::generate(Algorithm::Hs256).unwrap(), Algorithm::Hs256).unwrap();
        let keys = RotatingKeySet::new(KeySet::from(key));
        let old = keys.load();
        keys.replace(KeySet::default());
        assert_eq!((old.len(), keys.load().len()), (1, 0));
    }

    #[test]
    fn keys_rotate_while_others_verify() {
        let secret = Key::generate(Algorithm::Hs256).unwrap();
        let signing = SigningKey::new(&secret, Algorithm::Hs256).unwrap();
        let signature = signing.sign(b"message").unwrap();
        let named = |name: &str| KeySet::from(signing.verifying_key().clone().with_key_id(name));
        let keys = RotatingKeySet::new(named("0"));
        let verify = || {
            for _ in 0..2000 {
                let now = keys.load();
                assert_eq!(now.len(), 1);
                assert!(now.keys()[0].verify(b"message", signature.as_ref()).is_ok());
            }
        };
        thread::scope(|scope| {
            let threads = [scope.spawn(verify), scope.spawn(verify)];
            let mut name = 0;
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
                name += 1;
                keys.replace(named(&name.to_string()));
            }
        });
    }
}
