//! Digests of keys, which are stored instead of the keys.

use std::fmt;
use std::hash::{Hash, Hasher};

use boltguard_keys::{Secret, digest_sha256, hmac_sha256};
use subtle::{Choice, ConstantTimeEq};

/// The digest of a key. Comparisons take constant time.
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Creates a digest from stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Computes the SHA-256 digest of a key.
    pub(crate) fn unkeyed(key: &str) -> Self {
        Self(digest_sha256(key.as_bytes()))
    }

    /// Computes the HMAC-SHA-256 digest of a key.
    pub(crate) fn keyed(pepper: &Secret, key: &str) -> Self {
        Self(hmac_sha256(pepper, key.as_bytes()))
    }
}

impl ConstantTimeEq for KeyDigest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for KeyDigest {}

impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// The secrets of the server for the digests of stored keys.
///
/// A digest is the HMAC-SHA-256 of the whole key. With access to the store only, an attacker can neither test guessed
/// keys nor add a row for their own key. The secret can be the same as the one that signs tokens, because a key
/// never has the form of a token.
///
/// # Rotation
///
/// New digests use the current secret, and digests with an old secret are still accepted. When a key with an old digest
/// is used, store [`KeyUse::new_digest`](crate::KeyUse::new_digest). With a custom store, store
/// [`ParsedKey::digest`](crate::ParsedKey::digest) if it differs from the stored digest. Remove an old secret when no
/// stored digest uses it.
///
/// ```
/// use boltguard_apikey::{KeyFormat, Peppers};
/// use boltguard_keys::Secret;
///
/// let key = KeyFormat::new("sk")?.generate()?;
/// let before = Peppers::new(Secret::new(b"the secret of 2025, 32 bytes long")?);
/// let after = Peppers::new(Secret::new(b"the secret of 2026, 32 bytes long")?)
///     .with_old(Secret::new(b"the secret of 2025, 32 bytes long")?);
/// assert_ne!(key.digest(&before), key.digest(&after));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Peppers {
    current: Secret,
    old: Vec<Secret>,
}

impl Peppers {
    /// Creates a set with this secret as the current one.
    #[must_use]
    pub const fn new(current: Secret) -> Self {
        Self {
            current,
            old: Vec::new(),
        }
    }

    /// Also accepts digests with this secret.
    #[must_use]
    pub fn with_old(mut self, pepper: Secret) -> Self {
        self.old.push(pepper);
        self
    }

    pub(crate) fn digest(&self, key: &str) -> KeyDigest {
        KeyDigest::keyed(&self.current, key)
    }

    /// Returns the digest with the current secret, if `digest` belongs to the key with any of the secrets.
    ///
    /// All secrets are tried, so that the time doesn't depend on which one matches.
    pub(crate) fn recognize(&self, key: &str, digest: &KeyDigest) -> Option<KeyDigest> {
        let current = self.digest(key);
        let matches = self
            .old
            .iter()
            .fold(current.ct_eq(digest), |found, pepper| {
                found | KeyDigest::keyed(pepper, key).ct_eq(digest)
            });
        bool::from(matches).then_some(current)
    }
}
