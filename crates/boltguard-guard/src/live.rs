//! The value of a guard while its atoms change one by one.

use boltguard_types::work::step;

use crate::guard::{Join, Op};
use crate::{Guard, Kleene};

/// The value of each sub-guard; a change costs as much as the changed atom is deep in the guard.
pub(crate) struct Live<'g> {
    guard: &'g Guard,
    values: Vec<Kleene>,
    /// The step that takes the sub-guard that a step ends; none for the whole guard.
    takers: Vec<Option<usize>>,
    /// How many operands of a step have each value.
    counts: Vec<[u32; 3]>,
}

impl<'g> Live<'g> {
    /// Starts with these values of the steps.
    pub(crate) fn new(guard: &'g Guard, values: Vec<Kleene>) -> Self {
        let starts = guard.starts();
        let mut takers = vec![None; values.len()];
        let mut counts = vec![[0; 3]; values.len()];
        for (at, counts) in counts.iter_mut().enumerate() {
            for operand in guard.operands_reversed(at, &starts) {
                takers[operand] = Some(at);
                counts[values[operand] as usize] += 1;
            }
        }
        Self {
            guard,
            values,
            takers,
            counts,
        }
    }

    /// Whether the whole guard is not false.
    pub(crate) fn may_hold(&self) -> bool {
        self.values.last() != Some(&Kleene::False)
    }

    /// Gives the atom at this step another value.
    pub(crate) fn set(&mut self, mut at: usize, mut value: Kleene) {
        loop {
            step();
            let old = std::mem::replace(&mut self.values[at], value);
            let Some(taker) = self.takers[at].filter(|_| old != value) else {
                return;
            };
            self.counts[taker][old as usize] -= 1;
            self.counts[taker][value as usize] += 1;
            (at, value) = (taker, self.value(taker));
        }
    }

    /// The value that its operands give a step.
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
