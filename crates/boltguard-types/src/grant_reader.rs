//! Turns what a credential grants into bits.

use std::fmt;

use serde_json::Value;

use crate::{Held, WantId, Wanted};

/// Collects what one credential grants of the things that a guard asks about.
///
/// ```
/// use boltguard_types::{Permission, Wanted};
///
/// let mut wanted = Wanted::new();
/// let add = wanted.permission(&Permission::new("blog.add")?);
/// let mut grants = wanted.reader();
/// grants.permission("blog.*");
/// assert!(grants.finish().contains(add));
/// # Ok::<(), boltguard_types::PermissionError>(())
/// ```
pub struct GrantReader<'w> {
    wanted: &'w Wanted,
    held: Held,
    /// Prefixes of many permissions, which are looked up together in the end.
    prefixes: Vec<Box<[u8]>>,
    /// All permissions are held.
    has_all: bool,
}

impl<'w> GrantReader<'w> {
    #[inline]
    pub(crate) fn new(wanted: &'w Wanted) -> Self {
        Self {
            wanted,
            held: Held::none_of(wanted),
            prefixes: Vec::new(),
            has_all: false,
        }
    }

    pub(crate) fn after(wanted: &'w Wanted, held: &Held) -> Self {
        let mut reader = Self::new(wanted);
        if held.is_of(wanted) {
            reader.held = held.clone();
        }
        reader
    }

    /// Grants a permission, or those of a wildcard.
    #[inline(always)]
    pub fn permission(&mut self, granted: impl AsRef<[u8]>) {
        let granted = granted.as_ref();
        if self.wanted.permissions.may_have(granted) {
            self.likely_permission(granted);
        }
    }

    #[inline(never)]
    fn likely_permission(&mut self, granted: &[u8]) {
        if granted.last() == Some(&b'*') {
            self.pattern(granted);
        } else {
            self.mark(self.wanted.permissions.find(granted));
        }
    }

    #[cold]
    #[inline(never)]
    fn pattern(&mut self, granted: &[u8]) {
        match granted {
            _ if self.has_all => {}
            b"*" => {
                self.has_all = true;
                for id in self.wanted.permissions.ids() {
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
        if !self.wanted.permissions.are_few() {
            self.prefixes.push(prefix.into());
            return;
        }
        for (name, id) in self.wanted.permissions.iter() {
            if name.len() > prefix.len() && name.as_bytes().starts_with(prefix) {
                self.held.insert(id, self.wanted.count());
            }
        }
    }

    /// Grants an OAuth scope, and with it the one permission of that name.
    #[inline]
    pub fn scope(&mut self, scope: &str) {
        self.mark(self.wanted.scopes.find(scope.as_bytes()));
        self.mark(self.wanted.permissions.find(scope.as_bytes()));
    }

    /// Whether a test asks about the claim of this name.
    #[must_use]
    #[inline]
    pub fn asks_claim(&self, name: &[u8]) -> bool {
        self.wanted.claims.ask(name)
    }

    /// Notes the value of a claim.
    pub fn claim(&mut self, name: &[u8], value: &Value) {
        let (held, count) = (&mut self.held, self.wanted.count());
        self.wanted
            .claims
            .passed(name, value, |id| held.insert(id, count));
    }

    /// Whether nothing is asked about permissions or scopes, so that reading them can be skipped.
    #[must_use]
    #[inline]
    pub fn asks_no_grants(&self) -> bool {
        self.wanted.permissions.is_empty() && self.wanted.scopes.is_empty()
    }

    /// What is held.
    #[must_use]
    #[inline]
    pub fn finish(mut self) -> Held {
        if !self.prefixes.is_empty() && !self.has_all {
            self.mark_prefixes();
        }
        self.held
    }

    /// Marks what is under the prefixes, each permission once: of nested prefixes the shortest covers the others.
    #[cold]
    #[inline(never)]
    fn mark_prefixes(&mut self) {
        let mut prefixes = std::mem::take(&mut self.prefixes);
        prefixes.sort_unstable();
        prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter));
        for prefix in &prefixes {
            for id in self.wanted.permissions.under(prefix) {
                self.mark(Some(id));
            }
        }
    }

    #[inline]
    fn mark(&mut self, id: Option<WantId>) {
        if let Some(id) = id {
            self.held.insert(id, self.wanted.count());
        }
    }
}

/// Hides what a credential grants.
impl fmt::Debug for GrantReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantReader").finish_non_exhaustive()
    }
}
