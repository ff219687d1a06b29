//! The possible combinations of results of tests of one claim.

use std::collections::{BTreeSet, HashMap};

use boltguard_grants::{ClaimTest, ClaimValue};

use super::TooManyAtoms;

/// Returns the combinations of results that the tests, all of the same claim, can have.
pub(super) fn possible(tests: &[&ClaimTest]) -> Result<BTreeSet<Vec<bool>>, TooManyAtoms> {
    let values = informative(tests)?;
    let masks: Vec<Masks> = tests.iter().map(|test| Masks::of(test, &values)).collect();
    // Without the claim, every test fails. Otherwise, the claim has some of the values, or only other ones.
    let absent = vec![false; tests.len()];
    let present =
        (0..1_u32 << values.len()).map(|set| masks.iter().map(|masks| masks.pass(set)).collect());
    Ok(present.chain([absent]).collect())
}

/// The lists of values of one test, as bit sets of the informative values.
struct Masks {
    any: Option<u32>,
    all: u32,
    none: u32,
}

impl Masks {
    fn of(test: &ClaimTest, values: &[&ClaimValue]) -> Self {
        let mask = |list: &[ClaimValue]| {
            let bits = values.iter().enumerate();
            let listed = bits.filter(|(_, value)| contains(list, value));
            listed.fold(0, |mask, (bit, _)| mask | 1 << bit)
        };
        let any = test.required_any();
        Self {
            any: (!any.is_empty()).then(|| mask(any)),
            all: mask(test.required_all()),
            none: mask(test.forbidden()),
        }
    }

    /// Returns whether a claim with these values passes the test.
    fn pass(&self, set: u32) -> bool {
        self.any.is_none_or(|any| set & any != 0)
            && set & self.all == self.all
            && set & self.none == 0
    }
}

/// Returns the values in the tests, but at most two of those that all tests treat equally: two are sufficient to
/// represent a claim with none, some, or all of them.
fn informative<'t>(tests: &[&'t ClaimTest]) -> Result<Vec<&'t ClaimValue>, TooManyAtoms> {
    let values: BTreeSet<&ClaimValue> = tests
        .iter()
        .flat_map(|test| lists(test).into_iter().flatten())
        .collect();
    let mut informative = Vec::new();
    let mut roles: HashMap<Vec<[bool; 3]>, usize> = HashMap::new();
    for value in values {
        let role = tests
            .iter()
            .map(|test| lists(test).map(|list| contains(list, value)))
            .collect();
        let count = roles.entry(role).or_default();
        if *count < 2 {
            *count += 1;
            informative.push(value);
        }
        if informative.len() > MAX_VALUES {
            return Err(TooManyAtoms(()));
        }
    }
    Ok(informative)
}

/// Returns whether a sorted list contains the value.
fn contains(list: &[ClaimValue], value: &ClaimValue) -> bool {
    list.binary_search(value).is_ok()
}

fn lists(test: &ClaimTest) -> [&[ClaimValue]; 3] {
    [test.required_any(), test.required_all(), test.forbidden()]
}

/// The maximum number of values of which all subsets are evaluated.
const MAX_VALUES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_of_many_values_costs_like_two() {
        let many = ClaimTest::new("role")
            .any_of((0..100).map(ClaimValue::from))
            .all_of((100..200).map(ClaimValue::from));
        assert_eq!(informative(&[&many]).map(|values| values.len()), Ok(4));
        assert_eq!(possible(&[&many]), Ok([vec![false], vec![true]].into()));
    }

    #[test]
    fn tests_of_one_claim_constrain_each_other() {
        let (mfa, present) = (ClaimTest::new("amr").any_of(["mfa"]), ClaimTest::new("amr"));
        let expected = [vec![false, false], vec![false, true], vec![true, true]];
        assert_eq!(possible(&[&mfa, &present]), Ok(expected.into()));
        let without = ClaimTest::new("amr").none_of(["mfa"]);
        let expected = [vec![false, false], vec![false, true], vec![true, false]];
        assert_eq!(possible(&[&mfa, &without]), Ok(expected.into()));
    }

    #[test]
    fn too_many_values_are_an_error() {
        let tests: Vec<_> = (0..7)
            .map(|one| ClaimTest::new("a").any_of([one, one + 1, one * 100 + 9]))
            .collect();
        assert_eq!(
            possible(&tests.iter().collect::<Vec<_>>()),
            Err(TooManyAtoms(()))
        );
    }
}
