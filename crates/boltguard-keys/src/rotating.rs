//! A set of keys that is replaced while requests run.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::KeySet;

/// A set of keys that is replaced while requests run: whoever has loaded the old set finishes with it.
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
    /// Starts with these keys.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self(ArcSwap::from_pointee(keys))
    }

    /// The keys of now, without a lock; for one verification, not to be kept.
    #[inline]
    pub fn load(&self) -> LoadedKeySet {
        LoadedKeySet(self.0.load())
    }

    /// The keys of now, to keep.
    #[must_use]
    pub fn load_full(&self) -> Arc<KeySet> {
        self.0.load_full()
    }

    /// Trusts other keys from now on.
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

/// The keys of the moment of [`RotatingKeySet::load`].
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
    use super::*;
    use crate::{Algorithm, Key, VerifyingKey};

    #[test]
    fn whoever_loaded_the_old_keys_finishes_with_them() {
        let key =
            VerifyingKey::new(&Key::generate(Algorithm::Hs256).unwrap(), Algorithm::Hs256).unwrap();
        let keys = RotatingKeySet::new(KeySet::from(key));
        let old = keys.load();
        keys.replace(KeySet::default());
        assert_eq!((old.len(), keys.load().len()), (1, 0));
    }
}
