//! What is written down of a generated key.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use boltguard_types::{NumericDate, Subject};

use crate::{ApiKeyEntry, ApiKeyError, GeneratedKey, KeyDigest, Peppers};

/// A generated key as a store holds it: everything but the key.
#[derive(Clone)]
pub struct StoredKey {
    entry: Arc<ApiKeyEntry>,
    digest: KeyDigest,
    owner: Option<Subject>,
    created: NumericDate,
    expires: Option<NumericDate>,
    revoked: Option<NumericDate>,
    last_used: LastUsed,
}

impl StoredKey {
    /// What to write down of a key that was just made.
    #[must_use]
    pub fn new(key: &GeneratedKey, peppers: &Peppers, now: NumericDate) -> Self {
        Self::from_parts(key.id(), key.digest(peppers), now)
    }

    /// What was written down before, to which the other methods add the rest.
    #[must_use]
    pub fn from_parts(id: &str, digest: KeyDigest, created: NumericDate) -> Self {
        Self {
            entry: Arc::new(ApiKeyEntry::new(id)),
            digest,
            owner: None,
            created,
            expires: None,
            revoked: None,
            last_used: LastUsed::default(),
        }
    }

    /// Makes the key stand for its owner.
    #[must_use]
    pub fn owned_by(mut self, owner: impl Into<Subject>) -> Self {
        let owner = owner.into();
        Arc::make_mut(&mut self.entry).set_owner(owner.as_str());
        self.owner = Some(owner);
        self
    }

    /// Grants permissions, wildcards included.
    #[must_use]
    pub fn with_permissions<'a>(mut self, granted: impl IntoIterator<Item = &'a str>) -> Self {
        let entry = Arc::make_mut(&mut self.entry);
        entry.permissions.extend(granted.into_iter().map(Box::from));
        self
    }

    /// Grants OAuth scopes.
    #[must_use]
    pub fn with_scopes<'a>(mut self, granted: impl IntoIterator<Item = &'a str>) -> Self {
        let entry = Arc::make_mut(&mut self.entry);
        entry.scopes.extend(granted.into_iter().map(Box::from));
        self
    }

    /// Ends the key's time at `end`; an earlier end stays.
    #[must_use]
    pub fn expiring(mut self, end: NumericDate) -> Self {
        self.expires = Some(self.expires.filter(|expires| *expires < end).unwrap_or(end));
        self
    }

    /// Revokes the key, at once and for good; the date is a note.
    #[must_use]
    pub fn revoked_at(mut self, date: NumericDate) -> Self {
        self.revoked = self.revoked.or(Some(date));
        self
    }

    /// The same owner and grants under another key, which has no end yet.
    ///
    /// To replace a key without a gap, store this beside the old one and let that one end with
    /// [`expiring`](Self::expiring).
    #[must_use]
    pub fn renewed(&self, key: &GeneratedKey, peppers: &Peppers, now: NumericDate) -> Self {
        let renewed = Self::new(key, peppers, now)
            .with_permissions(self.entry.permissions())
            .with_scopes(self.entry.scopes());
        match &self.owner {
            Some(owner) => renewed.owned_by(owner.clone()),
            None => renewed,
        }
    }

    /// The same key under the digest of another secret.
    #[must_use]
    pub fn with_digest(mut self, digest: KeyDigest) -> Self {
        self.digest = digest;
        self
    }

    /// The public id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.entry.public_id()
    }

    /// The keyed digest of the whole key.
    #[must_use]
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    /// The owner.
    #[must_use]
    pub const fn owner(&self) -> Option<&Subject> {
        self.owner.as_ref()
    }

    /// Who the key stands for.
    #[must_use]
    pub const fn entry(&self) -> &Arc<ApiKeyEntry> {
        &self.entry
    }

    /// When the key was made.
    #[must_use]
    pub const fn created(&self) -> NumericDate {
        self.created
    }

    /// When the key's time ends.
    #[must_use]
    pub const fn expires(&self) -> Option<NumericDate> {
        self.expires
    }

    /// When the key was revoked.
    #[must_use]
    pub const fn revoked(&self) -> Option<NumericDate> {
        self.revoked
    }

    /// Notes a use and says whether it is the first one of this second, so that most uses write nothing.
    pub(crate) fn touch(&self, now: NumericDate) -> bool {
        let now = now.as_secs();
        let LastUsed(last) = &self.last_used;
        let first = last.load(Ordering::Relaxed) != now;
        if first {
            last.store(now, Ordering::Relaxed);
        }
        first
    }

    /// Whether the key may be used at `now`.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Expired`] from its end on.
    /// - [`ApiKeyError::Revoked`] if it was revoked, whatever the date of that.
    pub fn check(&self, now: NumericDate) -> Result<(), ApiKeyError> {
        if self.revoked.is_some() {
            return Err(ApiKeyError::Revoked);
        }
        if self.expires.is_some_and(|end| end <= now) {
            return Err(ApiKeyError::Expired);
        }
        Ok(())
    }
}

/// The second of the last use.
#[derive(Debug)]
struct LastUsed(AtomicI64);

impl Default for LastUsed {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Clone for LastUsed {
    /// A copy of a key may be in another store, which has not heard of the uses of this one.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Shows the public id and the dates.
impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id())
            .field("digest", &self.digest)
            .field("created", &self.created)
            .field("expires", &self.expires)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}
