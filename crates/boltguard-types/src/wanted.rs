//! The things that a guard asks about, numbered, and which of them a caller holds.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::permission::Grant;
use crate::{ClaimTest, Identity, Permission};

/// The permissions, scopes and claim tests that a guard asks about, each with a number.
///
/// Whoever reads a credential asks this for each thing granted, and gets the bits of [`Held`]; a
/// decision then compares bits, whatever the number of grants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    permissions: Names,
    scopes: Names,
    claims: Vec<(ClaimTest, WantId)>,
    count: u32,
    identity: WantedIdentity,
}

/// Tells questions from others: clones that ask the same share it, and each further question makes a new one.
#[derive(Clone, Debug, Default)]
pub struct WantedIdentity(Arc<()>);

impl WantedIdentity {
    /// Whether it is of these questions, so that [`Held`] means the same beside both.
    #[must_use]
    #[inline]
    pub fn is_of(&self, wanted: &Wanted) -> bool {
        Arc::ptr_eq(&self.0, &wanted.identity.0)
    }
}

impl Wanted {
    /// Asks about nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a permission; the same for the same name.
    pub fn permission(&mut self, permission: &Permission) -> WantId {
        let count = self.count;
        for pattern in ["*", ".*"] {
            self.permissions.endings.insert(pattern.as_bytes());
        }
        let id = self
            .permissions
            .number(permission.as_str(), &mut self.count);
        self.note_change(count);
        id
    }

    /// The number of an OAuth scope; the same for the same name.
    pub fn scope(&mut self, scope: &str) -> WantId {
        let count = self.count;
        let id = self.scopes.number(scope, &mut self.count);
        self.note_change(count);
        id
    }

    /// The number of a test of a claim; the same for the same test.
    pub fn claim(&mut self, test: &ClaimTest) -> WantId {
        if let Some((_, id)) = self.claims.iter().find(|(known, _)| known == test) {
            return *id;
        }
        let count = self.count;
        let id = next(&mut self.count);
        self.claims.push((test.clone(), id));
        self.note_change(count);
        id
    }

    fn note_change(&mut self, count_before: u32) {
        if self.count != count_before {
            self.identity = WantedIdentity::default();
        }
    }

    /// What tells these questions from others.
    #[must_use]
    pub fn identity(&self) -> &WantedIdentity {
        &self.identity
    }

    /// Notes that a caller is granted what `granted` says, a permission or a wildcard.
    #[inline(always)]
    pub fn grant_permission(&self, granted: impl AsRef<[u8]>, held: &mut Held) {
        let granted = granted.as_ref();
        if self.permissions.endings.may_have(granted) {
            self.grant_likely(granted, held);
        }
    }

    #[inline(never)]
    fn grant_likely(&self, granted: &[u8], held: &mut Held) {
        if granted.last() == Some(&b'*') {
            self.grant_pattern(granted, held);
        } else {
            self.permissions.mark(granted, held);
        }
    }

    #[cold]
    #[inline(never)]
    fn grant_pattern(&self, granted: &[u8], held: &mut Held) {
        let Ok(text) = str::from_utf8(granted) else {
            return;
        };
        let pattern = Grant::parse(text);
        for (name, id) in &self.permissions.list {
            if pattern.covers_name(name) {
                held.insert(*id);
            }
        }
    }

    /// Notes that a caller is granted an OAuth scope, which also grants the one permission of that name.
    #[inline]
    pub fn grant_scope(&self, scope: &str, held: &mut Held) {
        self.scopes.mark(scope.as_bytes(), held);
        self.permissions.mark(scope.as_bytes(), held);
    }

    /// Whether a test asks about the claim of this name.
    #[must_use]
    #[inline]
    pub fn asks_claim(&self, name: &[u8]) -> bool {
        self.claims
            .iter()
            .any(|(test, _)| test.name().as_bytes() == name)
    }

    /// Notes the value of a claim.
    pub fn note_claim(&self, name: &[u8], value: &Value, held: &mut Held) {
        for (test, id) in &self.claims {
            if test.name().as_bytes() == name && test.holds(Some(value)) {
                held.insert(*id);
            }
        }
    }

    /// Whether nothing is asked about permissions or scopes, so that a reader may skip them.
    #[must_use]
    #[inline]
    pub fn asks_no_grants(&self) -> bool {
        self.permissions.list.is_empty() && self.scopes.list.is_empty()
    }

    /// Which of the wanted things `identity` holds.
    #[must_use]
    pub fn held_by(&self, identity: &Identity) -> Held {
        let mut held = Held::default();
        for granted in &identity.permissions {
            self.grant_permission(&**granted, &mut held);
        }
        for scope in &identity.scopes {
            self.grant_scope(scope, &mut held);
        }
        for (test, id) in &self.claims {
            if test.holds(identity.claims.get(test.name())) {
                held.insert(*id);
            }
        }
        held
    }
}

/// The number of one wanted thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WantId(u32);

/// Which of the wanted things a caller holds.
///
/// The numbers mean something only beside the [`Wanted`] that gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    first: u64,
    more: Box<[u64]>,
}

impl Held {
    /// Whether the thing of this number is held.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: WantId) -> bool {
        let (word, bit) = (id.0 / 64, id.0 % 64);
        let bits = match word {
            0 => self.first,
            _ => self.more.get(word as usize - 1).copied().unwrap_or(0),
        };
        bits >> bit & 1 == 1
    }

    /// Marks the thing of this number as held.
    #[inline]
    pub fn insert(&mut self, id: WantId) {
        let (word, bit) = (id.0 / 64, id.0 % 64);
        match word {
            0 => self.first |= 1 << bit,
            _ => self.insert_beyond(word as usize - 1, bit),
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_beyond(&mut self, word: usize, bit: u32) {
        if self.more.len() <= word {
            let mut more = std::mem::take(&mut self.more).into_vec();
            more.resize(word + 1, 0);
            self.more = more.into();
        }
        self.more[word] |= 1 << bit;
    }
}

/// Distinct names with their numbers: scanned while they are few, hashed when they are many.
#[derive(Clone, Debug, Default)]
struct Names {
    list: Vec<(Box<str>, WantId)>,
    index: HashMap<Box<[u8]>, WantId>,
    /// Those of each name, and of patterns that may cover one.
    endings: Endings,
}

/// Up to this many names, comparing each costs less than a hash.
const SCANNED: usize = 12;

impl Names {
    fn number(&mut self, name: &str, count: &mut u32) -> WantId {
        if let Some(id) = self.index.get(name.as_bytes()) {
            return *id;
        }
        let id = next(count);
        self.index.insert(name.as_bytes().into(), id);
        self.list.push((name.into(), id));
        self.endings.insert(name.as_bytes());
        id
    }

    fn mark(&self, name: &[u8], held: &mut Held) {
        if let Some(id) = self.find(name) {
            held.insert(id);
        }
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<WantId> {
        if self.list.len() > SCANNED {
            return self.index.get(name).copied();
        }
        let found = self.list.iter().find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, id)| *id)
    }
}

/// How some texts end: most others are told apart by it.
#[derive(Clone)]
struct Endings([bool; 256]);

impl Endings {
    fn insert(&mut self, text: &[u8]) {
        self.0[usize::from(ending(text))] = true;
    }

    /// Whether `text` may be one of those.
    #[inline(always)]
    fn may_have(&self, text: &[u8]) -> bool {
        self.0[usize::from(ending(text))]
    }
}

impl Default for Endings {
    fn default() -> Self {
        Self([false; 256])
    }
}

impl fmt::Debug for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endings").finish_non_exhaustive()
    }
}

/// The last two bytes, in which names differ most, mixed into one; shorter texts share one ending.
#[inline(always)]
fn ending(text: &[u8]) -> u8 {
    // The multiplier is 2^32 over the golden ratio, which spreads what differs over the highest bits.
    let mixed = text.last_chunk().map_or(0, |two| {
        u32::from(u16::from_le_bytes(*two)).wrapping_mul(0x9e37_79b1)
    });
    (mixed >> 24) as u8
}

fn next(count: &mut u32) -> WantId {
    let id = WantId(*count);
    *count += 1;
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
        let (identity, clone) = (wanted.identity().clone(), wanted.clone());
        wanted.permission(&name);
        assert!(identity.is_of(&wanted) && identity.is_of(&clone));
        for ask in [
            |wanted: &mut Wanted| wanted.permission(&Permission::new("a.c").unwrap()),
            |wanted: &mut Wanted| wanted.scope("a.b"),
            |wanted: &mut Wanted| wanted.claim(&ClaimTest::new("a")),
        ] {
            let mut more = wanted.clone();
            ask(&mut more);
            assert!(!identity.is_of(&more) && identity.is_of(&wanted));
        }
        assert!(!identity.is_of(&Wanted::new()));
    }

    #[test]
    fn a_scope_grants_the_permission_of_its_name_and_is_no_pattern() {
        let mut wanted = Wanted::new();
        let permission = wanted.permission(&Permission::new("blog.add").unwrap());
        let scope = wanted.scope("blog.add");
        let held = wanted.held_by(&Identity::new("1", "jwt").with_scopes(["blog.add"]));
        assert!(held.contains(permission) && held.contains(scope));
        let held = wanted.held_by(&Identity::new("1", "jwt").with_scopes(["*", "blog.*"]));
        assert_eq!(held, Held::default());
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
