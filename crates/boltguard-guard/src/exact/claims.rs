//! How the tests of one claim can come out together.

use std::collections::BTreeSet;

use boltguard_types::{ClaimTest, Scalar};

use super::TooManyAtoms;

/// The ways in which the tests, all of one claim, can pass and fail together.
pub(super) fn possible(tests: &[&ClaimTest]) -> Result<BTreeSet<Vec<bool>>, TooManyAtoms> {
    let values = telling(tests);
    if values.len() > MAX_VALUES {
        return Err(TooManyAtoms(()));
    }
    // A token without the claim fails every test. One with it has any of the values, or another.
    let absent = vec![false; tests.len()];
    let present = (0..1_u32 << values.len()).map(|set| {
        let has = |value: &Scalar| {
            values
                .iter()
                .position(|known| *known == value)
                .is_some_and(|bit| set >> bit & 1 == 1)
        };
        tests
            .iter()
            .map(|test| passes(test, &values, has))
            .collect()
    });
    Ok(present.chain([absent]).collect())
}

/// Whether a claim with some of `values` passes.
fn passes(test: &ClaimTest, values: &[&Scalar], has: impl Fn(&Scalar) -> bool) -> bool {
    let any = test.required_any();
    let all = test
        .required_all()
        .iter()
        .filter(|value| values.contains(value));
    (any.is_empty() || any.iter().any(&has))
        && all.into_iter().all(&has)
        && !test.forbidden().iter().any(&has)
}

/// The values that the tests name, but of those that every test treats alike no more than two: a claim has none of
/// them, some, or all, and two can say that.
fn telling<'t>(tests: &[&'t ClaimTest]) -> Vec<&'t Scalar> {
    let named: BTreeSet<&Scalar> = tests
        .iter()
        .flat_map(|test| lists(test).into_iter().flatten())
        .collect();
    let mut kept: Vec<(&Scalar, Vec<[bool; 3]>)> = Vec::new();
    for value in named {
        let role = tests
            .iter()
            .map(|test| lists(test).map(|list| list.contains(value)))
            .collect();
        if kept.iter().filter(|(_, known)| *known == role).count() < 2 {
            kept.push((value, role));
        }
    }
    kept.into_iter().map(|(value, _)| value).collect()
}

fn lists(test: &ClaimTest) -> [&[Scalar]; 3] {
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
            .any_of((0..100).map(Scalar::from))
            .all_of((100..200).map(Scalar::from));
        assert_eq!(telling(&[&many]).len(), 4);
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
