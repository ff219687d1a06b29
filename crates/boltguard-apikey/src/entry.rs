//! Owners, grants and expiry dates of keys.

use std::fmt;

use boltguard_types::NumericDate;

/// The owner, the grants and the expiry date of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyEntry {
    public_id: Box<str>,
    user_id: Box<str>,
    has_owner: bool,
    pub(crate) permissions: Vec<Box<str>>,
    pub(crate) scopes: Vec<Box<str>>,
    pub(crate) expires_at: Option<NumericDate>,
}

impl ApiKeyEntry {
    pub(crate) fn new(public_id: &str) -> Self {
        Self {
            public_id: public_id.into(),
            user_id: format!("apikey:{public_id}").into(),
            has_owner: false,
            permissions: Vec::new(),
            scopes: Vec::new(),
            expires_at: None,
        }
    }

    pub(crate) fn set_owner(&mut self, owner: &str) {
        self.user_id = owner.into();
        self.has_owner = true;
    }

    pub(crate) fn with_public_id(&self, public_id: &str) -> Self {
        let mut entry = Self::new(public_id);
        entry.permissions.clone_from(&self.permissions);
        entry
    }

    /// Returns the public ID of the key, which is not a secret.
    #[must_use]
    pub fn public_id(&self) -> &str {
        &self.public_id
    }

    /// Returns the owner, or `apikey:` and the public ID if the key doesn't have an owner.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the owner, if there is one.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.has_owner.then_some(&self.user_id)
    }

    /// Returns the granted permissions, which can be wildcards; see [`Grant`](boltguard_types::Grant).
    pub fn permissions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.permissions.iter().map(|permission| &**permission)
    }

    /// Returns the expiry date of the key, if there is one.
    #[must_use]
    pub const fn expires_at(&self) -> Option<NumericDate> {
        self.expires_at
    }

    /// Returns whether the key has expired at `now`, which it has from the expiry date on.
    #[must_use]
    pub fn has_expired(&self, now: NumericDate) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Returns the granted OAuth scopes.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.scopes.iter().map(|scope| &**scope)
    }
}

/// Shows only the public ID.
impl fmt::Debug for ApiKeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyEntry")
            .field("public_id", &self.public_id)
            .finish_non_exhaustive()
    }
}
