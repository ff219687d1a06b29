//! Incremental evaluation of a guard.

use boltguard_types::work::step;

use crate::guard::{Join, Op};
use crate::{Guard, Kleene};

/// The value of each part of a guard. The cost of a change is proportional to the depth of the changed atom.
pub(crate) struct IncrementalValues<'g> {
    guard: &'g Guard,
    values: Vec<Kleene>,
    /// The operator that each part is an operand of; `None` for the whole guard.
    parents: Vec<Option<usize>>,
    /// The number of operands of each operator by value.
    counts: Vec<[u32; 3]>,
}

impl<'g> IncrementalValues<'g> {
    /// Starts with the given values of the parts.
    pub(crate) fn new(guard: &'g Guard, values: Vec<Kleene>) -> Self {
        let starts = guard.starts();
        let mut parents = vec![None; values.len()];
        let mut counts = vec![[0; 3]; values.len()];
        for (at, counts) in counts.iter_mut().enumerate() {
            for operand in guard.operands_reversed(at, &starts) {
                parents[operand] = Some(at);
                counts[values[operand] as usize] += 1;
            }
        }
        Self {
            guard,
            values,
            parents,
            counts,
        }
    }

    /// Returns whether the guard isn't false.
    pub(crate) fn may_allow(&self) -> bool {
        self.values.last() != Some(&Kleene::False)
    }

    /// Changes the value of the atom at this position.
    pub(crate) fn set(&mut self, mut at: usize, mut value: Kleene) {
        loop {
            step();
            let old = std::mem::replace(&mut self.values[at], value);
            let Some(parent) = self.parents[at].filter(|_| old != value) else {
                return;
            };
            self.counts[parent][old as usize] -= 1;
            self.counts[parent][value as usize] += 1;
            (at, value) = (parent, self.value(parent));
        }
    }

    /// Computes the value of a part from its operands.
    fn value(&self, at: usize) -> Kleene {
        let has = |value: Kleene| self.counts[at][value as usize] > 0;
        let least = [Kleene::False, Kleene::Unknown]
            .into_iter()
            .find(|value| has(*value));
        let greatest = [Kleene::True, Kleene::Unknown]
            .into_iter()
            .find(|value| has(*value));
        match &self.guard.ops[at] {
            Op::Atom(_) => self.values[at],
            Op::Join(Join::All, _) => least.unwrap_or(Kleene::True),
            Op::Join(Join::Any, _) => greatest.unwrap_or(Kleene::False),
            Op::Not => !least.unwrap_or(Kleene::True),
        }
    }
}
