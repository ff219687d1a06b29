//! Turns what a credential grants into bits.

use std::fmt;

use serde_json::Value;

use crate::{GrantSet, RequirementId, Requirements};

/// Collects what one credential grants of the things that a guard asks about.
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
    /// Prefixes of many permissions, which are looked up together in the end.
    prefixes: Vec<Box<[u8]>>,
    /// All permissions are granted.
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

    pub(crate) fn after(requirements: &'w Requirements, grant_set: &GrantSet) -> Self {
        let mut reader = Self::new(requirements);
        if grant_set.was_read_for(requirements) {
            reader.grant_set = grant_set.clone();
        }
        reader
    }

    /// Grants a permission, or those of a wildcard.
    #[inline(always)]
    pub fn permission(&mut self, granted: impl AsRef<[u8]>) {
        let granted = granted.as_ref();
        if self.requirements.permissions.may_have(granted) {
            self.likely_permission(granted);
        }
    }

    #[inline(never)]
    fn likely_permission(&mut self, granted: &[u8]) {
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
            // No permission contains `*`.
            _ => {}
        }
    }

    fn prefix(&mut self, prefix: &[u8]) {
        if !self.requirements.permissions.are_few() {
            self.prefixes.push(prefix.into());
            return;
        }
        for (name, id) in self.requirements.permissions.iter() {
            if name.len() > prefix.len() && name.as_bytes().starts_with(prefix) {
                self.grant_set.insert(id, self.requirements.count());
            }
        }
    }

    /// Grants an OAuth scope, and with it the one permission of that name.
    #[inline]
    pub fn scope(&mut self, scope: &str) {
        self.mark(self.requirements.scopes.find(scope.as_bytes()));
        self.mark(self.requirements.permissions.find(scope.as_bytes()));
    }

    /// Whether a test asks about the claim of this name.
    #[must_use]
    #[inline]
    pub fn mentions_claim(&self, name: &[u8]) -> bool {
        self.requirements.claims.ask(name)
    }

    /// Notes the value of a claim.
    pub fn claim(&mut self, name: &[u8], value: &Value) {
        let (grant_set, count) = (&mut self.grant_set, self.requirements.count());
        self.requirements
            .claims
            .passed(name, value, |id| grant_set.insert(id, count));
    }

    /// Whether nothing is asked about permissions or scopes, so that reading them can be skipped.
    #[must_use]
    #[inline]
    pub fn has_no_grants(&self) -> bool {
        self.requirements.permissions.is_empty() && self.requirements.scopes.is_empty()
    }

    /// The grants that were read.
    #[must_use]
    #[inline]
    pub fn finish(mut self) -> GrantSet {
        if !self.prefixes.is_empty() && !self.has_all {
            self.mark_prefixes();
        }
        self.grant_set
    }

    /// Marks what is under the prefixes, each permission once: of nested prefixes the shortest covers the others.
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

/// Hides what a credential grants.
impl fmt::Debug for GrantReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantReader").finish_non_exhaustive()
    }
}
