//! The requirements that a caller meets, as bits.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Requirements;

/// The ID of a requirement, unique within its [`Requirements`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequirementId(pub(crate) u32);

/// The requirements that a caller meets.
///
/// A set belongs to the [`Requirements`] that it was read for, and has no meaning for others: a guard denies access to
/// a caller whose grants were read for another guard. The default set belongs to empty requirements.
///
/// ```
/// use boltguard_grants::{Identity, Requirements};
/// use boltguard_types::Permission;
///
/// let ada = Identity::new("42", "jwt").with_permissions(["blog.read"]);
/// let (mut blog, mut shop) = (Requirements::new(), Requirements::new());
/// blog.permission(&Permission::new("blog.read")?);
/// shop.permission(&Permission::new("shop.delete")?);
///
/// let grant_set = blog.grants_of(&ada);
/// assert!(grant_set.was_read_for(&blog) && !grant_set.was_read_for(&shop));
/// # Ok::<(), boltguard_types::PermissionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantSet {
    requirements: RequirementsId,
    first: u64,
    /// Behind a thin pointer, because the set is moved often and few guards have more than 64 requirements.
    rest: Option<Box<Words>>,
}

/// Bits in words of 64.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words(Box<[u64]>);

impl GrantSet {
    #[inline]
    pub(crate) fn none_of(requirements: &Requirements) -> Self {
        Self {
            requirements: requirements.id(),
            ..Self::default()
        }
    }

    /// Returns whether the set was read for these requirements. Always true for empty requirements.
    #[must_use]
    #[inline]
    pub fn was_read_for(&self, requirements: &Requirements) -> bool {
        let id = requirements.id();
        self.requirements == id || id == RequirementsId::default()
    }

    /// Returns whether the requirement is met.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: RequirementId) -> bool {
        let (word, bit) = (id.0 / 64, id.0 % 64);
        let bits = match word {
            0 => self.first,
            _ => self.rest_word(word as usize - 1),
        };
        bits >> bit & 1 == 1
    }

    #[cold]
    fn rest_word(&self, word: usize) -> u64 {
        let rest = self.rest.as_deref();
        rest.and_then(|Words(rest)| rest.get(word))
            .copied()
            .unwrap_or(0)
    }

    /// Marks one of `count` requirements as met.
    #[inline]
    pub(crate) fn insert(&mut self, id: RequirementId, count: u32) {
        let (word, bit) = (id.0 / 64, id.0 % 64);
        match word {
            0 => self.first |= 1 << bit,
            _ => self.insert_in_rest(word as usize - 1, bit, count),
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_in_rest(&mut self, word: usize, bit: u32, count: u32) {
        let words = count.div_ceil(64) as usize - 1;
        let none = || Box::new(Words(vec![0; words].into()));
        let Words(rest) = &mut **self.rest.get_or_insert_with(none);
        rest[word] |= 1 << bit;
    }
}

/// The ID of a [`Requirements`] and its clones. Zero is the ID of empty requirements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequirementsId(u64);

impl RequirementsId {
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}
