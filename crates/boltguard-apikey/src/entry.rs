//! Who holds a key, and what it grants.

use std::fmt;

use boltguard_grants::Identity;

/// What a key says of the caller who presents it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyEntry {
    public_id: Box<str>,
    user_id: Box<str>,
    has_owner: bool,
    pub(crate) permissions: Vec<Box<str>>,
    pub(crate) scopes: Vec<Box<str>>,
}

impl ApiKeyEntry {
    pub(crate) fn new(public_id: &str) -> Self {
        Self {
            public_id: public_id.into(),
            user_id: format!("apikey:{public_id}").into(),
            has_owner: false,
            permissions: Vec::new(),
            scopes: Vec::new(),
        }
    }

    pub(crate) fn set_owner(&mut self, owner: &str) {
        self.user_id = owner.into();
        self.has_owner = true;
    }

    pub(crate) fn with_public_id(&self, public_id: &str) -> Self {
        let mut renamed = Self::new(public_id);
        renamed.permissions.clone_from(&self.permissions);
        renamed
    }

    /// The name of the key, which is no secret.
    #[must_use]
    pub fn public_id(&self) -> &str {
        &self.public_id
    }

    /// The owner; for a key without one `apikey:` and the public id.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The owner, unless the key stands for itself.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.has_owner.then_some(&self.user_id)
    }

    /// Granted permissions, wildcards included; see [`Grant`](boltguard_types::Grant).
    pub fn permissions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.permissions.iter().map(|granted| &**granted)
    }

    /// Granted OAuth scopes.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.scopes.iter().map(|granted| &**granted)
    }

    /// The caller as a guard knows one, of the backend `api_key`.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::new(self.user_id(), "api_key")
            .with_permissions(self.permissions())
            .with_scopes(self.scopes())
    }
}

/// Shows the public id alone.
impl fmt::Debug for ApiKeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyEntry")
            .field("public_id", &self.public_id)
            .finish_non_exhaustive()
    }
}
