//! Uses of keys.

use std::sync::Arc;

use boltguard_types::NumericDate;

use crate::{KeyDigest, StoredKey};

/// The last use of a key, to be stored later.
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

    /// Returns the public ID of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        self.key.id()
    }

    /// Returns the time of the use, with a precision of one second.
    #[must_use]
    pub const fn at(&self) -> NumericDate {
        self.at
    }

    /// Returns the stored digest.
    #[must_use]
    pub fn digest(&self) -> &KeyDigest {
        self.key.digest()
    }

    /// Returns the digest with the current secret, if the stored one uses an old secret.
    #[must_use]
    pub fn new_digest(&self) -> Option<&KeyDigest> {
        (self.digest != *self.key.digest()).then_some(&self.digest)
    }
}
