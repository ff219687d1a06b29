//! Digests of keys, which are all that is kept of them.

use std::fmt;
use std::hash::{Hash, Hasher};

use boltguard_keys::{Secret, digest_sha256, hmac_sha256};
use subtle::{Choice, ConstantTimeEq};

/// The digest of a key; two are compared in constant time.
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// A digest that was written down before.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to write down.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn plain(key: &str) -> Self {
        Self(digest_sha256(key.as_bytes()))
    }

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

/// The secrets of the server that key the digests of stored keys.
///
/// A digest is HMAC-SHA-256 over the whole key. Whoever reads the store alone can neither test a key nor write a
/// row for one. The secret may be one that also signs tokens: no key has the form of a token.
///
/// # Rotation
///
/// New digests use the current secret, and those of the old ones are accepted. A key comes to the current secret when
/// it is presented: [`KeyUse::new_digest`](crate::KeyUse::new_digest) is what to write down then, and where you
/// look keys up yourself, compare [`digest`](crate::ParsedKey::digest) with the stored one. Drop an old secret when no
/// digest of it is left.
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
    /// Uses this secret.
    #[must_use]
    pub const fn new(current: Secret) -> Self {
        Self {
            current,
            old: Vec::new(),
        }
    }

    /// Accepts digests that were made with this secret, too.
    #[must_use]
    pub fn with_old(mut self, pepper: Secret) -> Self {
        self.old.push(pepper);
        self
    }

    pub(crate) fn digest(&self, key: &str) -> KeyDigest {
        KeyDigest::keyed(&self.current, key)
    }

    /// The digest by the current secret, if one of the secrets makes `digest` of the key; all of them are tried.
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
