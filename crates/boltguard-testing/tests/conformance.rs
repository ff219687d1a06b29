//! Verifies the tokens of the conformance vectors.

use std::collections::HashSet;

use boltguard_testing::conformance::{Expectation, Verdict, rows};

#[test]
fn every_token_is_accepted_or_rejected_as_expected() {
    let rows = rows();
    let different: Vec<String> = rows
        .iter()
        .filter_map(|row| match row.judge(row.admit().as_ref()) {
            Verdict::Same => None,
            verdict => Some(format!("{}: {verdict:?}. {}", row.id, row.reason)),
        })
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn rows_have_unique_names_and_both_results() {
    let rows = rows();
    let names: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(names.len(), rows.len());
    for expect in [Expectation::Accept, Expectation::Reject] {
        assert!(rows.iter().any(|row| row.expect == expect), "{expect:?}");
    }
}
