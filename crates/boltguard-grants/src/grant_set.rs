//! Which of the things that a guard asks about a caller holds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Requirements;

/// The number of one requested thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequirementId(pub(crate) u32);

/// Which of the requested things a caller holds.
///
/// It remembers which [`Requirements`] it was read for, and means nothing beside another: a guard refuses a caller
/// whose grants were read for another guard. The default was read for no guard.
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
    of: RequirementsId,
    first: u64,
    /// Behind one pointer, since this is moved with each caller and few guards ask about more.
    more: Option<Box<Words>>,
}

/// Bits in words of 64.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words(Box<[u64]>);

impl GrantSet {
    #[inline]
    pub(crate) fn none_of(requirements: &Requirements) -> Self {
        Self {
            of: requirements.id(),
            ..Self::default()
        }
    }

    /// Whether it was read for these requirements, or there are none.
    #[must_use]
    #[inline]
    pub fn was_read_for(&self, requirements: &Requirements) -> bool {
        let id = requirements.id();
        self.of == id || id == RequirementsId::default()
    }

    /// Whether the thing of this number is granted.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: RequirementId) -> bool {
        let (word, bit) = (id.0 / 64, id.0 % 64);
        let bits = match word {
            0 => self.first,
            _ => self.beyond(word as usize - 1),
        };
        bits >> bit & 1 == 1
    }

    #[cold]
    fn beyond(&self, word: usize) -> u64 {
        let more = self.more.as_deref();
        more.and_then(|Words(more)| more.get(word))
            .copied()
            .unwrap_or(0)
    }

    /// Marks one of `count` requirements as granted.
    #[inline]
    pub(crate) fn insert(&mut self, id: RequirementId, count: u32) {
        let (word, bit) = (id.0 / 64, id.0 % 64);
        match word {
            0 => self.first |= 1 << bit,
            _ => self.insert_beyond(word as usize - 1, bit, count),
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_beyond(&mut self, word: usize, bit: u32, count: u32) {
        let words = count.div_ceil(64) as usize - 1;
        let none = || Box::new(Words(vec![0; words].into()));
        let Words(more) = &mut **self.more.get_or_insert_with(none);
        more[word] |= 1 << bit;
    }
}

/// Identifies one [`Requirements`] and its clones. Zero stands for no requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequirementsId(u64);

impl RequirementsId {
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}
