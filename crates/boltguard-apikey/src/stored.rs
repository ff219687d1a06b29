//! Records of generated keys.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use boltguard_types::{NumericDate, Subject};

use crate::{ApiKeyEntry, ApiKeyError, GeneratedKey, KeyDigest, Peppers};

/// The record of a generated key in a store. It contains the digest instead of the key.
#[derive(Clone)]
pub struct StoredKey {
    entry: Arc<ApiKeyEntry>,
    digest: KeyDigest,
    owner: Option<Subject>,
    created_at: NumericDate,
    revoked_at: Option<NumericDate>,
    last_used: LastUsed,
}

impl StoredKey {
    /// Creates the record of a new key.
    #[must_use]
    pub fn new(key: &GeneratedKey, peppers: &Peppers, now: NumericDate) -> Self {
        Self::from_parts(key.id(), key.digest(peppers), now)
    }

    /// Creates a record from stored values. Use the other methods to add the optional ones.
    #[must_use]
    pub fn from_parts(id: impl AsRef<str>, digest: KeyDigest, created_at: NumericDate) -> Self {
        let id = id.as_ref();
        Self {
            entry: Arc::new(ApiKeyEntry::new(id)),
            digest,
            owner: None,
            created_at,
            revoked_at: None,
            last_used: LastUsed::default(),
        }
    }

    /// Sets the owner.
    #[must_use]
    pub fn owned_by(mut self, owner: impl Into<Subject>) -> Self {
        let owner = owner.into();
        Arc::make_mut(&mut self.entry).set_owner(owner.as_str());
        self.owner = Some(owner);
        self
    }

    /// Adds granted permissions, which can be wildcards.
    #[must_use]
    pub fn with_permissions(mut self, permissions: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let entry = Arc::make_mut(&mut self.entry);
        entry
            .permissions
            .extend(permissions.into_iter().map(|name| name.as_ref().into()));
        self
    }

    /// Adds granted OAuth scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let entry = Arc::make_mut(&mut self.entry);
        entry
            .scopes
            .extend(scopes.into_iter().map(|name| name.as_ref().into()));
        self
    }

    /// Sets the expiry date, unless the key expires earlier.
    #[must_use]
    pub fn expiring(mut self, date: NumericDate) -> Self {
        let entry = Arc::make_mut(&mut self.entry);
        entry.expires_at = Some(entry.expires_at.map_or(date, |earlier| earlier.min(date)));
        self
    }

    /// Revokes the key immediately and permanently. The date is for information only.
    #[must_use]
    pub fn with_revocation(mut self, date: NumericDate) -> Self {
        self.revoked_at = self.revoked_at.or(Some(date));
        self
    }

    /// Creates the record of a new key with the same owner and grants, and without an expiry date.
    ///
    /// To rotate a key without interruption, store this in addition to the old record, and set an expiry date for the
    /// old key with [`expiring`](Self::expiring).
    #[must_use]
    pub fn rotated(&self, key: &GeneratedKey, peppers: &Peppers, now: NumericDate) -> Self {
        let rotated = Self::new(key, peppers, now)
            .with_permissions(self.entry.permissions())
            .with_scopes(self.entry.scopes());
        match &self.owner {
            Some(owner) => rotated.owned_by(owner.clone()),
            None => rotated,
        }
    }

    /// Replaces the digest with one with another secret.
    #[must_use]
    pub fn with_digest(mut self, digest: KeyDigest) -> Self {
        self.digest = digest;
        self
    }

    /// Returns the public ID.
    #[must_use]
    pub fn id(&self) -> &str {
        self.entry.public_id()
    }

    /// Returns the keyed digest of the whole key.
    #[must_use]
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    /// Returns the owner, if there is one.
    #[must_use]
    pub const fn owner(&self) -> Option<&Subject> {
        self.owner.as_ref()
    }

    /// Returns the owner and the grants.
    #[must_use]
    pub const fn entry(&self) -> &Arc<ApiKeyEntry> {
        &self.entry
    }

    /// Returns the creation date.
    #[must_use]
    pub const fn created_at(&self) -> NumericDate {
        self.created_at
    }

    /// Returns the expiry date, if there is one.
    #[must_use]
    pub fn expires_at(&self) -> Option<NumericDate> {
        self.entry.expires_at
    }

    /// Returns the date of the revocation, if the key was revoked.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<NumericDate> {
        self.revoked_at
    }

    /// Records a use, and returns whether it is the first one in this second.
    pub(crate) fn touch(&self, now: NumericDate) -> bool {
        let now = now.as_secs();
        let LastUsed(last) = &self.last_used;
        let first = last.load(Ordering::Relaxed) != now;
        if first {
            last.store(now, Ordering::Relaxed);
        }
        first
    }

    /// Checks that the key is valid at `now`.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Expired`] from the expiry date on.
    /// - [`ApiKeyError::Revoked`] if the key was revoked, regardless of the date.
    pub fn check(&self, now: NumericDate) -> Result<(), ApiKeyError> {
        if self.revoked_at.is_some() {
            return Err(ApiKeyError::Revoked);
        }
        if self.entry.has_expired(now) {
            return Err(ApiKeyError::Expired);
        }
        Ok(())
    }
}

/// The time of the last use in seconds.
#[derive(Debug)]
struct LastUsed(AtomicI64);

impl Default for LastUsed {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Clone for LastUsed {
    /// Starts without a use, because the clone can be in another store, which records uses separately.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Shows only the public ID and the dates.
impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id())
            .field("digest", &self.digest)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at())
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}
