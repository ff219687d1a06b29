//! Truth tables as bit sets.

use std::ops::{BitAnd, BitOr, Not};

/// A truth value for each assignment to up to twelve variables. Bit `a` belongs to the assignment in which variable `v`
/// is true if bit `v` of `a` is set.
///
/// A table of fewer than six variables is repeated to fill its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table(Box<[u64]>);

impl Table {
    /// Creates a table that is `value` everywhere.
    pub(super) fn constant(variables: usize, value: bool) -> Self {
        let words = 1 << variables.saturating_sub(LANES.len());
        Self(vec![if value { u64::MAX } else { 0 }; words].into())
    }

    /// Creates a table that is true where the variable is true.
    pub(super) fn variable(variables: usize, number: usize) -> Self {
        let mut table = Self::constant(variables, false);
        for (at, word) in table.0.iter_mut().enumerate() {
            *word = match LANES.get(number) {
                Some(lanes) => *lanes,
                None if at >> (number - LANES.len()) & 1 == 1 => u64::MAX,
                None => 0,
            };
        }
        table
    }

    pub(super) fn is_false(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn zip(mut self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word = join(*word, *other);
        }
        self
    }
}

impl BitAnd<&Self> for Table {
    type Output = Self;

    fn bitand(self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }
}

impl BitOr<&Self> for Table {
    type Output = Self;

    fn bitor(self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }
}

impl Not for Table {
    type Output = Self;

    fn not(mut self) -> Self {
        for word in &mut self.0 {
            *word = !*word;
        }
        self
    }
}

/// The truth tables of the first six variables, within one word.
const LANES: [u64; 6] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];
