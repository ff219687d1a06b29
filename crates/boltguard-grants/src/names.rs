//! Distinct names with their numbers.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use crate::RequirementId;
use boltguard_types::work::step;

/// Distinct names with their numbers: scanned while they are few, hashed when they are many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    list: Vec<(Box<str>, RequirementId)>,
    index: HashMap<Box<[u8]>, RequirementId>,
    /// Places in the list in the order of the names, once somebody has asked for a range of them.
    sorted: OnceLock<Box<[u32]>>,
    /// Those of each name, and of patterns that may cover one.
    endings: Endings,
}

/// Up to this many, comparing each costs less than a hash.
pub(crate) const FEW: usize = 12;

impl Names {
    pub(crate) fn number(
        &mut self,
        name: &str,
        next: impl FnOnce() -> RequirementId,
    ) -> RequirementId {
        step();
        if let Some(id) = self.index.get(name.as_bytes()) {
            return *id;
        }
        let id = next();
        self.index.insert(name.as_bytes().into(), id);
        self.list.push((name.into(), id));
        self.sorted = OnceLock::new();
        self.endings.insert(name.as_bytes());
        id
    }

    /// Takes texts that end so for likely, though no name does.
    pub(crate) fn expect_ending(&mut self, text: &str) {
        self.endings.insert(text.as_bytes());
    }

    /// Whether the text may be one of the names, or end as was said to be expected.
    #[inline(always)]
    pub(crate) fn may_have(&self, text: &[u8]) -> bool {
        self.endings.may_have(text)
    }

    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<RequirementId> {
        if !self.are_few() {
            step();
            return self.index.get(name).copied();
        }
        let found = self.list.iter().find(|(known, _)| {
            step();
            known.as_bytes() == name
        });
        found.map(|(_, id)| *id)
    }

    /// Whether there are so few that looking at each costs little.
    #[inline]
    pub(crate) fn are_few(&self) -> bool {
        self.list.len() <= FEW
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, RequirementId)> {
        self.list.iter().map(|(name, id)| {
            step();
            (&**name, *id)
        })
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = RequirementId> {
        self.iter().map(|(_, id)| id)
    }

    /// Those that begin with the prefix and go on.
    pub(crate) fn under(&self, prefix: &[u8]) -> impl Iterator<Item = RequirementId> {
        let name = |place: &u32| {
            step();
            &self.list[*place as usize]
        };
        let sorted = self.sorted();
        let first = sorted.partition_point(|place| name(place).0.as_bytes() <= prefix);
        sorted[first..]
            .iter()
            .map(name)
            .take_while(move |(name, _)| name.as_bytes().starts_with(prefix))
            .map(|(_, id)| *id)
    }

    fn sorted(&self) -> &[u32] {
        self.sorted.get_or_init(|| {
            let mut places: Box<[u32]> = (0..self.list.len() as u32).collect();
            places.sort_unstable_by_key(|place| &self.list[*place as usize].0);
            places
        })
    }
}

/// How some texts end: most others are told apart by it.
#[derive(Clone)]
pub(crate) struct Endings([bool; 256]);

impl Endings {
    pub(crate) fn insert(&mut self, text: &[u8]) {
        self.0[usize::from(ending(text))] = true;
    }

    /// Whether `text` may be one of those.
    #[inline(always)]
    pub(crate) fn may_have(&self, text: &[u8]) -> bool {
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
