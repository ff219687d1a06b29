//! Conversion of the grants of a credential to bits.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::{GrantSet, RequirementId, Requirements};

/// A reader of one credential, which collects the [`Requirements`] that its grants meet.
///
/// ```
/// use boltguard_grants::Requirements;
/// use boltguard_types::Permission;
///
/// let mut requirements = Requirements::new();
/// let add = requirements.permission(&Permission::new("blog.add")?);
/// let mut grants = requirements.reader();
/// grants.permission("blog.*");
/// assert!(grants.finish().contains(add));
/// # Ok::<(), boltguard_types::PermissionError>(())
/// ```
pub struct GrantReader<'w> {
    requirements: &'w Requirements,
    grant_set: GrantSet,
    /// Prefixes to be looked up in [`finish`](Self::finish), if there are many permissions.
    prefixes: Vec<Box<[u8]>>,
    /// Whether all permissions are granted.
    has_all: bool,
}

impl<'w> GrantReader<'w> {
    #[inline]
    pub(crate) fn new(requirements: &'w Requirements) -> Self {
        Self {
            requirements,
            grant_set: GrantSet::none_of(requirements),
            prefixes: Vec::new(),
            has_all: false,
        }
    }

    pub(crate) fn continuing(requirements: &'w Requirements, grant_set: &GrantSet) -> Self {
        let mut reader = Self::new(requirements);
        if grant_set.was_read_for(requirements) {
            reader.grant_set = grant_set.clone();
        }
        reader
    }

    /// Reads a granted permission, which can be a [wildcard](boltguard_types::Grant).
    #[inline(always)]
    pub fn permission(&mut self, granted: impl AsRef<[u8]>) {
        let granted = granted.as_ref();
        if self.requirements.permissions.may_have(granted) {
            self.probable_permission(granted);
        }
    }

    #[inline(never)]
    fn probable_permission(&mut self, granted: &[u8]) {
        if granted.last() == Some(&b'*') {
            self.pattern(granted);
        } else {
            self.mark(self.requirements.permissions.find(granted));
        }
    }

    #[cold]
    #[inline(never)]
    fn pattern(&mut self, granted: &[u8]) {
        match granted {
            _ if self.has_all => {}
            b"*" => {
                self.has_all = true;
                for id in self.requirements.permissions.ids() {
                    self.mark(Some(id));
                }
            }
            [prefix @ .., b'*'] if prefix.len() > 1 && prefix.ends_with(b".") => {
                self.prefix(prefix);
            }
            // A `*` in another position is not a pattern, and no permission contains it.
            _ => {}
        }
    }

    fn prefix(&mut self, prefix: &[u8]) {
        if !self.requirements.permissions.is_small() {
            self.prefixes.push(prefix.into());
            return;
        }
        for (name, id) in self.requirements.permissions.iter() {
            if name.len() > prefix.len() && name.as_bytes().starts_with(prefix) {
                self.grant_set.insert(id, self.requirements.count());
            }
        }
    }

    /// Reads a granted OAuth scope, which also grants the permission of the same name.
    #[inline]
    pub fn scope(&mut self, scope: &str) {
        self.mark(self.requirements.scopes.find(scope.as_bytes()));
        self.mark(self.requirements.permissions.find(scope.as_bytes()));
    }

    /// Reads a role, which is compared exactly.
    #[inline]
    pub fn role(&mut self, role: &str) {
        self.mark(self.requirements.roles.find(role.as_bytes()));
    }

    /// Reads an authentication. `is_recent` returns whether it is younger than a time.
    pub fn authentication(&mut self, is_recent: impl Fn(Duration) -> bool, acr: Option<&str>) {
        for (required, id) in &self.requirements.fresh_auth {
            if required.is_met(&is_recent, acr) {
                self.mark(Some(*id));
            }
        }
    }

    /// Returns whether a requirement refers to the claim, so that it has to be read.
    #[must_use]
    #[inline]
    pub fn mentions_claim(&self, name: &[u8]) -> bool {
        self.requirements.claims.mention(name)
    }

    /// Reads the value of a claim.
    pub fn claim(&mut self, name: &[u8], value: &Value) {
        let (grant_set, count) = (&mut self.grant_set, self.requirements.count());
        self.requirements
            .claims
            .passed(name, value, |id| grant_set.insert(id, count));
    }

    /// Returns whether no permissions and no scopes are required, so that reading them can be skipped.
    #[must_use]
    #[inline]
    pub fn has_no_grants(&self) -> bool {
        self.requirements.permissions.is_empty() && self.requirements.scopes.is_empty()
    }

    /// Returns the set of the requirements that are met.
    #[must_use]
    #[inline]
    pub fn finish(mut self) -> GrantSet {
        if !self.prefixes.is_empty() && !self.has_all {
            self.mark_prefixes();
        }
        self.grant_set
    }

    /// Marks the permissions with one of the prefixes, each once: of nested prefixes, the shortest covers the others.
    #[cold]
    #[inline(never)]
    fn mark_prefixes(&mut self) {
        let mut prefixes = std::mem::take(&mut self.prefixes);
        prefixes.sort_unstable();
        prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter));
        for prefix in &prefixes {
            for id in self.requirements.permissions.under(prefix) {
                self.mark(Some(id));
            }
        }
    }

    #[inline]
    fn mark(&mut self, id: Option<RequirementId>) {
        if let Some(id) = id {
            self.grant_set.insert(id, self.requirements.count());
        }
    }
}

/// Hides the grants of the credential.
impl fmt::Debug for GrantReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantReader").finish_non_exhaustive()
    }
}
