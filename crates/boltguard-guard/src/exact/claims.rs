//! How the tests of one claim can come out together.

use std::collections::{BTreeSet, HashMap};

use boltguard_grants::{ClaimTest, ClaimValue};

use super::TooManyAtoms;

/// The ways in which the tests, all of one claim, can pass and fail together.
pub(super) fn possible(tests: &[&ClaimTest]) -> Result<BTreeSet<Vec<bool>>, TooManyAtoms> {
    let values = informative(tests)?;
    let masks: Vec<Masks> = tests.iter().map(|test| Masks::of(test, &values)).collect();
    // A token without the claim fails every test. One with it has any of the values, or another.
    let absent = vec![false; tests.len()];
    let present =
        (0..1_u32 << values.len()).map(|set| masks.iter().map(|masks| masks.pass(set)).collect());
    Ok(present.chain([absent]).collect())
}

/// The values of one test's lists, as sets of the values that tell.
struct Masks {
    any: Option<u32>,
    all: u32,
    none: u32,
}

impl Masks {
    fn of(test: &ClaimTest, values: &[&ClaimValue]) -> Self {
        let mask = |list: &[ClaimValue]| {
            let bits = values.iter().enumerate();
            let named = bits.filter(|(_, value)| has(list, value));
            named.fold(0, |mask, (bit, _)| mask | 1 << bit)
        };
        let any = test.required_any();
        Self {
            any: (!any.is_empty()).then(|| mask(any)),
            all: mask(test.required_all()),
            none: mask(test.forbidden()),
        }
    }

    /// Whether a claim with these values passes.
    fn pass(&self, set: u32) -> bool {
        self.any.is_none_or(|any| set & any != 0)
            && set & self.all == self.all
            && set & self.none == 0
    }
}

/// The values that the tests name, but of those that every test treats alike no more than two: a claim has none of
/// them, some, or all, and two can say that.
fn informative<'t>(tests: &[&'t ClaimTest]) -> Result<Vec<&'t ClaimValue>, TooManyAtoms> {
    let named: BTreeSet<&ClaimValue> = tests
        .iter()
        .flat_map(|test| lists(test).into_iter().flatten())
        .collect();
    let mut kept = Vec::new();
    let mut roles: HashMap<Vec<[bool; 3]>, usize> = HashMap::new();
    for value in named {
        let role = tests
            .iter()
            .map(|test| lists(test).map(|list| has(list, value)))
            .collect();
        let alike = roles.entry(role).or_default();
        if *alike < 2 {
            *alike += 1;
            kept.push(value);
        }
        if kept.len() > MAX_VALUES {
            return Err(TooManyAtoms(()));
        }
    }
    Ok(kept)
}

/// Whether a list, which is sorted, names the value.
fn has(list: &[ClaimValue], value: &ClaimValue) -> bool {
    list.binary_search(value).is_ok()
}

fn lists(test: &ClaimTest) -> [&[ClaimValue]; 3] {
    [test.required_any(), test.required_all(), test.forbidden()]
}

/// Up to this many values, every set of them is tried.
const MAX_VALUES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_of_many_values_is_no_dearer_than_one_of_two() {
        let many = ClaimTest::new("role")
            .any_of((0..100).map(ClaimValue::from))
            .all_of((100..200).map(ClaimValue::from));
        assert_eq!(informative(&[&many]).map(|values| values.len()), Ok(4));
        assert_eq!(possible(&[&many]), Ok([vec![false], vec![true]].into()));
    }

    #[test]
    fn tests_of_one_claim_constrain_each_other() {
        let (mfa, there) = (ClaimTest::new("amr").any_of(["mfa"]), ClaimTest::new("amr"));
        let expected = [vec![false, false], vec![false, true], vec![true, true]];
        assert_eq!(possible(&[&mfa, &there]), Ok(expected.into()));
        let without = ClaimTest::new("amr").none_of(["mfa"]);
        let expected = [vec![false, false], vec![false, true], vec![true, false]];
        assert_eq!(possible(&[&mfa, &without]), Ok(expected.into()));
    }

    #[test]
    fn too_many_values_are_said_to_be_too_many() {
        let tests: Vec<_> = (0..7)
            .map(|one| ClaimTest::new("a").any_of([one, one + 1, one * 100 + 9]))
            .collect();
        assert_eq!(
            possible(&tests.iter().collect::<Vec<_>>()),
            Err(TooManyAtoms(()))
        );
    }
}
