//! That a key was used, and when.

use std::sync::Arc;

use boltguard_types::NumericDate;

use crate::{KeyDigest, StoredKey};

/// The last use of a key, to be written down when there is time for it.
#[derive(Clone, Debug)]
pub struct KeyUse {
    key: Arc<StoredKey>,
    digest: KeyDigest,
    at: NumericDate,
}

impl KeyUse {
    pub(crate) fn new(key: &Arc<StoredKey>, digest: KeyDigest, at: NumericDate) -> Self {
        Self {
            key: Arc::clone(key),
            digest,
            at,
        }
    }

    /// The public id of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        self.key.id()
    }

    /// When the key was used, to the second.
    #[must_use]
    pub const fn at(&self) -> NumericDate {
        self.at
    }

    /// The digest as it was stored.
    #[must_use]
    pub fn digest(&self) -> &KeyDigest {
        self.key.digest()
    }

    /// The digest by the current secret, where the stored one was made with an old one.
    #[must_use]
    pub fn new_digest(&self) -> Option<&KeyDigest> {
        (self.digest != *self.key.digest()).then_some(&self.digest)
    }
}
