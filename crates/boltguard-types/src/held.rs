//! Which of the things that a guard asks about a caller holds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Wanted;

/// The number of one requested thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WantId(pub(crate) u32);

/// Which of the requested things a caller holds.
///
/// It remembers which [`Wanted`] it was read for, and means nothing beside another: a guard refuses a caller whose
/// grants were read for another guard. The default was read for no guard.
///
/// ```
/// use boltguard_types::{Identity, Permission, Wanted};
///
/// let ada = Identity::new("42", "jwt").with_permissions(["blog.read"]);
/// let (mut blog, mut shop) = (Wanted::new(), Wanted::new());
/// blog.permission(&Permission::new("blog.read")?);
/// shop.permission(&Permission::new("shop.delete")?);
///
/// let held = blog.held_by(&ada);
/// assert!(held.is_of(&blog) && !held.is_of(&shop));
/// # Ok::<(), boltguard_types::PermissionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    of: Questions,
    first: u64,
    /// Behind one pointer, since this is moved with each caller and few guards ask about more.
    more: Option<Box<Words>>,
}

/// Bits in words of 64.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words(Box<[u64]>);

impl Held {
    #[inline]
    pub(crate) fn none_of(wanted: &Wanted) -> Self {
        Self {
            of: wanted.questions(),
            ..Self::default()
        }
    }

    /// Whether it was read for these questions, or there are none to read.
    #[must_use]
    #[inline]
    pub fn is_of(&self, wanted: &Wanted) -> bool {
        let questions = wanted.questions();
        self.of == questions || questions == Questions::default()
    }

    /// Whether the thing of this number is held.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: WantId) -> bool {
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

    /// Marks one of `count` things as held.
    #[inline]
    pub(crate) fn insert(&mut self, id: WantId, count: u32) {
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

/// Tells the questions of one [`Wanted`] from those of all others; clones share it. Zero stands for no question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Questions(u64);

impl Questions {
    pub(crate) fn unlike_any_other() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}
