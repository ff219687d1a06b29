//! Requirements of a guard, each with an ID.

use boltguard_types::Permission;

use crate::claim_tests::ClaimTests;
use crate::grant_set::RequirementsId;
use crate::names::Names;
use crate::{ClaimTest, FreshAuth, GrantReader, GrantSet, Identity, RequirementId};

/// The permissions, scopes, roles and claim tests that a guard requires, each with an ID.
///
/// A backend creates a [`GrantReader`] for each credential, which returns a [`GrantSet`]. A decision then compares
/// bits, regardless of the number of grants.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    pub(crate) permissions: Names,
    pub(crate) roles: Names,
    pub(crate) scopes: Names,
    pub(crate) claims: ClaimTests,
    pub(crate) fresh_auth: Vec<(FreshAuth, RequirementId)>,
    count: u32,
    id: RequirementsId,
}

impl Requirements {
    /// Creates empty requirements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the ID of a permission, adding it if it is new.
    pub fn permission(&mut self, permission: &Permission) -> RequirementId {
        if self.permissions.is_empty() {
            for pattern in ["*", ".*"] {
                self.permissions.expect_ending(pattern);
            }
        }
        let next = || next(&mut self.count, &mut self.id);
        self.permissions.id(permission.as_str(), next)
    }

    /// Returns the ID of an OAuth scope, adding it if it is new.
    pub fn scope(&mut self, scope: &str) -> RequirementId {
        let next = || next(&mut self.count, &mut self.id);
        self.scopes.id(scope, next)
    }

    /// Returns the ID of a role, adding it if it is new.
    pub fn role(&mut self, role: &str) -> RequirementId {
        let next = || next(&mut self.count, &mut self.id);
        self.roles.id(role, next)
    }

    /// Returns the ID of a claim test, adding it if it is new.
    pub fn claim(&mut self, test: &ClaimTest) -> RequirementId {
        let next = || next(&mut self.count, &mut self.id);
        self.claims.id(test, next)
    }

    /// Returns the ID of a recent authentication, adding it if it is new.
    pub fn fresh_auth(&mut self, required: &FreshAuth) -> RequirementId {
        let mut known = self.fresh_auth.iter();
        if let Some((_, id)) = known.find(|(known, _)| known == required) {
            return *id;
        }
        let id = next(&mut self.count, &mut self.id);
        self.fresh_auth.push((required.clone(), id));
        id
    }

    /// Returns whether a recent authentication is required.
    #[must_use]
    #[inline]
    pub fn has_fresh_auth(&self) -> bool {
        !self.fresh_auth.is_empty()
    }

    /// Creates a reader of the grants of one credential.
    #[must_use]
    #[inline]
    pub fn reader(&self) -> GrantReader<'_> {
        GrantReader::new(self)
    }

    /// Creates a reader that adds to the given grants. They are ignored if they were read for other requirements.
    #[must_use]
    pub fn reader_continuing(&self, grant_set: &GrantSet) -> GrantReader<'_> {
        GrantReader::continuing(self, grant_set)
    }

    /// Returns the requirements that `identity` meets.
    #[must_use]
    pub fn grants_of(&self, identity: &Identity) -> GrantSet {
        let mut grants = self.reader();
        for granted in &identity.permissions {
            grants.permission(&**granted);
        }
        for scope in &identity.scopes {
            grants.scope(scope);
        }
        for role in &identity.roles {
            grants.role(role);
        }
        for name in self.claims.names() {
            if let Some(value) = identity.claims.get(name) {
                grants.claim(name.as_bytes(), value);
            }
        }
        grants.finish()
    }

    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    #[inline]
    pub(crate) fn id(&self) -> RequirementsId {
        self.id
    }
}

/// Returns the next ID. The requirements get a new ID themselves, because they are different from their clones now.
fn next(count: &mut u32, id: &mut RequirementsId) -> RequirementId {
    let next = RequirementId(*count);
    *count += 1;
    *id = RequirementsId::unique();
    next
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_requirements_have_equal_ids() {
        let mut requirements = Requirements::new();
        let name = Permission::new("a.b").unwrap();
        assert_eq!(
            requirements.permission(&name),
            requirements.permission(&name)
        );
        assert_ne!(requirements.permission(&name), requirements.scope("a.b"));
        assert_eq!(
            requirements.claim(&ClaimTest::new("a")),
            requirements.claim(&ClaimTest::new("a"))
        );
    }

    #[test]
    fn new_requirement_invalidates_older_grant_sets() {
        let mut requirements = Requirements::new();
        let name = Permission::new("a.b").unwrap();
        requirements.permission(&name);
        let (grant_set, clone) = (requirements.reader().finish(), requirements.clone());
        requirements.permission(&name);
        assert!(grant_set.was_read_for(&requirements) && grant_set.was_read_for(&clone));
        for add in [
            |requirements: &mut Requirements| {
                requirements.permission(&Permission::new("a.c").unwrap())
            },
            |requirements: &mut Requirements| requirements.scope("a.b"),
            |requirements: &mut Requirements| requirements.role("a.b"),
            |requirements: &mut Requirements| requirements.claim(&ClaimTest::new("a")),
        ] {
            let mut more = requirements.clone();
            add(&mut more);
            assert!(!grant_set.was_read_for(&more) && grant_set.was_read_for(&requirements));
        }
        // Without requirements, no grant is examined.
        assert!(
            grant_set.was_read_for(&Requirements::new())
                && !GrantSet::default().was_read_for(&requirements)
        );
    }

    #[test]
    fn scope_grants_its_permission_but_is_never_a_pattern() {
        let mut requirements = Requirements::new();
        let permission = requirements.permission(&Permission::new("blog.add").unwrap());
        let scope = requirements.scope("blog.add");
        let grant_set =
            requirements.grants_of(&Identity::new("1", "jwt").with_scopes(["blog.add"]));
        assert!(grant_set.contains(permission) && grant_set.contains(scope));
        let grant_set =
            requirements.grants_of(&Identity::new("1", "jwt").with_scopes(["*", "blog.*"]));
        assert_eq!(grant_set, requirements.reader().finish());
    }

    #[test]
    fn permission_grants_no_scope() {
        let mut requirements = Requirements::new();
        let scope = requirements.scope("blog.add");
        let grant_set =
            requirements.grants_of(&Identity::new("1", "jwt").with_permissions(["blog.add", "*"]));
        assert!(!grant_set.contains(scope));
    }

    #[test]
    fn role_is_neither_a_scope_nor_a_permission_nor_a_pattern() {
        let mut requirements = Requirements::new();
        let role = requirements.role("blog.add");
        requirements.scope("blog.add");
        requirements.permission(&Permission::new("blog.add").unwrap());
        let with_role =
            |name| requirements.grants_of(&Identity::new("1", "jwt").with_roles([name]));
        assert!(with_role("blog.add").contains(role));
        let mut only_role = requirements.reader();
        only_role.role("blog.add");
        assert_eq!(with_role("blog.add"), only_role.finish());
        for other in ["*", "blog.*", "Blog.add", "blog.add "] {
            assert_eq!(with_role(other), requirements.reader().finish(), "{other}");
        }
        let others = Identity::new("1", "jwt")
            .with_permissions(["blog.add", "*"])
            .with_scopes(["blog.add"]);
        assert!(!requirements.grants_of(&others).contains(role));
    }

    #[test]
    fn absent_claim_meets_no_requirement() {
        let mut requirements = Requirements::new();
        let id = requirements.claim(&ClaimTest::new("amr").none_of(["sms"]));
        assert!(
            !requirements
                .grants_of(&Identity::new("1", "jwt"))
                .contains(id)
        );
        assert!(
            requirements
                .grants_of(&Identity::new("1", "jwt").with_claim("amr", "pwd"))
                .contains(id)
        );
    }

    proptest! {
        #[test]
        fn bits_agree_with_a_set_of_names(
            required in prop::collection::hash_set("[a-c]{1,2}\\.[a-c]{1,2}", 1..130),
            granted in prop::collection::vec("[a-c]{1,2}\\.([a-c]{1,2}|\\*)|\\*", 0..6),
        ) {
            let mut requirements = Requirements::new();
            let ids: Vec<_> = required
                .iter()
                .map(|name| (name, requirements.permission(&Permission::new(name).unwrap())))
                .collect();
            let identity = Identity::new("1", "jwt").with_permissions(granted.iter().map(String::as_str));
            let grant_set = requirements.grants_of(&identity);
            for (name, id) in ids {
                let expected = granted.iter().any(|grant| {
                    grant == "*" || grant == name
                        || grant.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix))
                });
                prop_assert_eq!(grant_set.contains(id), expected, "{}", name);
            }
        }
    }
}
