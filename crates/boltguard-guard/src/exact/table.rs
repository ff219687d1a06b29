//! Truth tables as bits.

use std::ops::{BitAnd, BitOr, Not};

/// A value for each assignment to a dozen variables at most: bit `a` is that of the assignment whose variable `v` is
/// true where bit `v` of `a` is set.
///
/// A table of fewer than six variables repeats itself up to the end of its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table(Box<[u64]>);

impl Table {
    /// The table that is `value` everywhere.
    pub(super) fn constant(variables: usize, value: bool) -> Self {
        let words = 1 << variables.saturating_sub(LANES.len());
        Self(vec![if value { u64::MAX } else { 0 }; words].into())
    }

    /// The table that is true where the variable is.
    pub(super) fn variable(variables: usize, number: usize) -> Self {
        Self::constant(variables, false).variable_of(number)
    }

    /// The variable, in a table of as many as this one has.
    pub(super) fn variable_of(&self, number: usize) -> Self {
        let mut table = self.clone();
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

    pub(super) fn is_true(&self) -> bool {
        self.0.iter().all(|word| *word == u64::MAX)
    }

    /// The table with a variable held fixed.
    pub(super) fn fixed(&self, number: usize, value: bool) -> Self {
        let mut table = self.clone();
        match LANES.get(number) {
            Some(lanes) => {
                let shift = 1 << number;
                for word in &mut table.0 {
                    *word = if value {
                        let kept = *word & lanes;
                        kept | kept >> shift
                    } else {
                        let kept = *word & !lanes;
                        kept | kept << shift
                    };
                }
            }
            None => {
                let bit = 1 << (number - LANES.len());
                for at in 0..table.0.len() {
                    table.0[at] = self.0[if value { at | bit } else { at & !bit }];
                }
            }
        }
        table
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

/// The first six variables within a word.
const LANES: [u64; 6] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_held_fixed_is_that_constant_and_leaves_the_others() {
        for variables in [1, 6, 7, 12] {
            for number in 0..variables {
                let variable = Table::variable(variables, number);
                for value in [false, true] {
                    assert_eq!(
                        variable.fixed(number, value),
                        Table::constant(variables, value)
                    );
                    let other = Table::variable(variables, (number + 1) % variables);
                    if variables > 1 {
                        assert_eq!(other.fixed(number, value), other);
                    }
                }
            }
        }
    }
}
