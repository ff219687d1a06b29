//! The things that a guard asks about, numbered.

use crate::claim_tests::ClaimTests;
use crate::held::Questions;
use crate::names::Names;
use crate::{ClaimTest, GrantReader, Held, Identity, Permission, WantId};

/// The permissions, scopes and claim tests that a guard asks about, each with a number.
///
/// A reader of credentials makes a [`GrantReader`] of it for each credential and gets the bits of [`Held`]; a decision
/// then compares bits, whatever the number of grants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub(crate) permissions: Names,
    pub(crate) scopes: Names,
    pub(crate) claims: ClaimTests,
    count: u32,
    questions: Questions,
}

impl Wanted {
    /// Asks about nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a permission; the same for the same name.
    pub fn permission(&mut self, permission: &Permission) -> WantId {
        if self.permissions.is_empty() {
            for pattern in ["*", ".*"] {
                self.permissions.expect_ending(pattern);
            }
        }
        let next = || next(&mut self.count, &mut self.questions);
        self.permissions.number(permission.as_str(), next)
    }

    /// The number of an OAuth scope; the same for the same name.
    pub fn scope(&mut self, scope: &str) -> WantId {
        let next = || next(&mut self.count, &mut self.questions);
        self.scopes.number(scope, next)
    }

    /// The number of a test of a claim; the same for the same test.
    pub fn claim(&mut self, test: &ClaimTest) -> WantId {
        let next = || next(&mut self.count, &mut self.questions);
        self.claims.number(test, next)
    }

    /// Starts to read what one credential grants.
    #[must_use]
    #[inline]
    pub fn reader(&self) -> GrantReader<'_> {
        GrantReader::new(self)
    }

    /// Goes on to read for a caller who holds this already; begins anew if it was read for other questions.
    #[must_use]
    pub fn reader_after(&self, held: &Held) -> GrantReader<'_> {
        GrantReader::after(self, held)
    }

    /// Which of the requested things `identity` holds.
    #[must_use]
    pub fn held_by(&self, identity: &Identity) -> Held {
        let mut grants = self.reader();
        for granted in &identity.permissions {
            grants.permission(&**granted);
        }
        for scope in &identity.scopes {
            grants.scope(scope);
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
    pub(crate) fn questions(&self) -> Questions {
        self.questions
    }
}

/// The next number, which makes other questions of these.
fn next(count: &mut u32, questions: &mut Questions) -> WantId {
    let id = WantId(*count);
    *count += 1;
    *questions = Questions::unlike_any_other();
    id
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_thing_has_the_same_number() {
        let mut wanted = Wanted::new();
        let name = Permission::new("a.b").unwrap();
        assert_eq!(wanted.permission(&name), wanted.permission(&name));
        assert_ne!(wanted.permission(&name), wanted.scope("a.b"));
        assert_eq!(
            wanted.claim(&ClaimTest::new("a")),
            wanted.claim(&ClaimTest::new("a"))
        );
    }

    #[test]
    fn a_further_question_makes_another_of_the_questions() {
        let mut wanted = Wanted::new();
        let name = Permission::new("a.b").unwrap();
        wanted.permission(&name);
        let (held, clone) = (wanted.reader().finish(), wanted.clone());
        wanted.permission(&name);
        assert!(held.is_of(&wanted) && held.is_of(&clone));
        for ask in [
            |wanted: &mut Wanted| wanted.permission(&Permission::new("a.c").unwrap()),
            |wanted: &mut Wanted| wanted.scope("a.b"),
            |wanted: &mut Wanted| wanted.claim(&ClaimTest::new("a")),
        ] {
            let mut more = wanted.clone();
            ask(&mut more);
            assert!(!held.is_of(&more) && held.is_of(&wanted));
        }
        // Where nothing is asked, no grant is looked at.
        assert!(held.is_of(&Wanted::new()) && !Held::default().is_of(&wanted));
    }

    #[test]
    fn a_scope_grants_the_permission_of_its_name_and_is_no_pattern() {
        let mut wanted = Wanted::new();
        let permission = wanted.permission(&Permission::new("blog.add").unwrap());
        let scope = wanted.scope("blog.add");
        let held = wanted.held_by(&Identity::new("1", "jwt").with_scopes(["blog.add"]));
        assert!(held.contains(permission) && held.contains(scope));
        let held = wanted.held_by(&Identity::new("1", "jwt").with_scopes(["*", "blog.*"]));
        assert_eq!(held, wanted.reader().finish());
    }

    #[test]
    fn a_permission_grants_no_scope() {
        let mut wanted = Wanted::new();
        let scope = wanted.scope("blog.add");
        let held = wanted.held_by(&Identity::new("1", "jwt").with_permissions(["blog.add", "*"]));
        assert!(!held.contains(scope));
    }

    #[test]
    fn an_absent_claim_is_not_held() {
        let mut wanted = Wanted::new();
        let id = wanted.claim(&ClaimTest::new("amr").none_of(["sms"]));
        assert!(!wanted.held_by(&Identity::new("1", "jwt")).contains(id));
        assert!(
            wanted
                .held_by(&Identity::new("1", "jwt").with_claim("amr", "pwd"))
                .contains(id)
        );
    }

    proptest! {
        #[test]
        fn bits_agree_with_a_set_of_names(
            asked in prop::collection::hash_set("[a-c]{1,2}\\.[a-c]{1,2}", 1..130),
            granted in prop::collection::vec("[a-c]{1,2}\\.([a-c]{1,2}|\\*)|\\*", 0..6),
        ) {
            let mut wanted = Wanted::new();
            let numbers: Vec<_> = asked
                .iter()
                .map(|name| (name, wanted.permission(&Permission::new(name).unwrap())))
                .collect();
            let identity = Identity::new("1", "jwt").with_permissions(granted.iter().map(String::as_str));
            let held = wanted.held_by(&identity);
            for (name, id) in numbers {
                let expected = granted.iter().any(|grant| {
                    grant == "*" || grant == name
                        || grant.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix))
                });
                prop_assert_eq!(held.contains(id), expected, "{}", name);
            }
        }
    }
}
