//! Custom checks, which run outside of the crate.

use boltguard_grants::{Identity, Principal};
use boltguard_guard::{CheckResults, CompiledGuard, Decision, Guard};
use boltguard_types::ReasonCode;
use proptest::prelude::*;

use crate::naive::{CHECKS, callers, checked_exprs, completions, identities, outcome, results};

fn compile(text: &str) -> CompiledGuard {
    text.parse::<Guard>().unwrap().compile().unwrap()
}

fn decide(guard: &CompiledGuard, identity: &Identity, results: &CheckResults) -> Decision {
    guard
        .guard()
        .decide_with(&Principal::Known(identity.clone()), results)
}

fn open_checks<'g>(
    guard: &'g CompiledGuard,
    identity: &Identity,
    results: &CheckResults,
) -> Vec<&'g str> {
    let grant_set = guard.requirements().grants_of(identity);
    let principal = boltguard_grants::PrincipalView {
        backend: &identity.backend,
        is_staff: identity.is_staff,
        is_superuser: identity.is_superuser,
        grant_set: &grant_set,
    };
    guard.open_checks(Some(&principal), results)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_result_changes_a_final_decision(expr in checked_exprs(), caller in callers(), results in results()) {
        let outcomes: Vec<_> = completions(&results).iter().map(|all| expr.decide(&caller, all)).collect();
        let decision = outcome(expr.guard().decide_with(&caller, &results));
        match decision {
            Decision::Undetermined => {
                prop_assert!(outcomes.contains(&Decision::Allow));
                prop_assert!(outcomes.contains(&Decision::Deny(ReasonCode::Denied)));
            }
            final_decision => prop_assert!(outcomes.iter().all(|outcome| *outcome == final_decision), "{}", expr.guard()),
        }
    }

    #[test]
    fn guard_that_no_result_opens_is_denied(expr in checked_exprs(), caller in callers()) {
        let may_allow = completions(&CheckResults::new()).iter().any(|all| expr.decide(&caller, all).is_allowed());
        prop_assert_eq!(expr.guard().decide(&caller).may_allow(), may_allow);
    }

    #[test]
    fn all_results_make_the_decision_final(
        expr in checked_exprs(), caller in callers(), values in any::<[bool; 3]>(),
    ) {
        let all: CheckResults = CHECKS.into_iter().zip(values).collect();
        prop_assert_eq!(outcome(expr.guard().decide_with(&caller, &all)), expr.decide(&caller, &all));
    }

    #[test]
    fn open_checks_are_those_that_matter(expr in checked_exprs(), identity in identities(), results in results()) {
        let guard = expr.guard().compile().unwrap();
        let caller = Principal::Known(identity.clone());
        let matters = |check: &str| {
            results.get(check).is_none()
                && completions(&results).iter().any(|all| {
                    let flipped = all.clone().with(check, !all.get(check).unwrap());
                    expr.decide(&caller, all) != expr.decide(&caller, &flipped)
                })
        };
        let expected: Vec<_> = guard.checks().filter(|check| matters(check)).collect();
        prop_assert_eq!(open_checks(&guard, &identity, &results), expected);
    }

    #[test]
    fn results_of_open_checks_determine_the_decision(
        expr in checked_exprs(), identity in identities(), values in any::<[bool; 3]>(),
    ) {
        let guard = expr.guard().compile().unwrap();
        let all: CheckResults = CHECKS.into_iter().zip(values).collect();
        let mut results = CheckResults::new();
        for check in open_checks(&guard, &identity, &results) {
            results.insert(check, all.get(check).unwrap());
        }
        let decision = decide(&guard, &identity, &results);
        prop_assert_ne!(decision, Decision::Undetermined);
        prop_assert_eq!(outcome(decision), expr.decide(&Principal::Known(identity), &all));
    }
}

#[test]
fn object_check_is_combined_with_its_own_branch() {
    let guard = compile(r#"(staff & check("a_obj")) | (perm("b") & check("b_obj"))"#);
    let staff = Identity::new("1", "jwt").staff();
    assert_eq!(
        decide(&guard, &staff, &CheckResults::new()),
        Decision::Undetermined
    );
    assert_eq!(open_checks(&guard, &staff, &CheckResults::new()), ["a_obj"]);
    let others = CheckResults::new().with("a_obj", false).with("b_obj", true);
    assert_eq!(
        decide(&guard, &staff, &others),
        Decision::Deny(ReasonCode::Denied)
    );
    assert_eq!(
        decide(&guard, &staff, &CheckResults::new().with("a_obj", true)),
        Decision::Allow
    );
    assert!(!decide(&guard, &Identity::new("2", "jwt"), &CheckResults::new()).may_allow());
}

#[test]
fn negated_check_is_run_and_inverted() {
    let guard = compile(r#"~(staff & check("a"))"#);
    let staff = Identity::new("1", "jwt").staff();
    assert_eq!(
        decide(&guard, &Identity::new("2", "jwt"), &CheckResults::new()),
        Decision::Allow
    );
    assert_eq!(
        decide(&guard, &staff, &CheckResults::new()),
        Decision::Undetermined
    );
    assert_eq!(
        decide(&guard, &staff, &CheckResults::new().with("a", true)),
        Decision::Deny(ReasonCode::Denied)
    );
    assert_eq!(
        decide(&guard, &staff, &CheckResults::new().with("a", false)),
        Decision::Allow
    );
}

#[test]
fn contradictory_checks_are_decided_without_results() {
    let identity = Identity::new("1", "jwt");
    let never = compile(r#"check("a") & ~check("a")"#);
    assert_eq!(
        decide(&never, &identity, &CheckResults::new()),
        Decision::Deny(ReasonCode::Denied)
    );
    let always = compile(r#"check("a") | ~check("a")"#);
    assert_eq!(
        decide(&always, &identity, &CheckResults::new()),
        Decision::Allow
    );
    assert_eq!(always.decide(None), Decision::Challenge);
}

#[test]
fn check_that_only_sometimes_matters_is_open() {
    // If `a` is true, access is denied regardless of `b`; otherwise, `b` decides.
    let guard = compile(r#"(check("a") & check("b") & staff) | (~check("a") & check("b"))"#);
    let identity = Identity::new("1", "jwt");
    assert_eq!(
        decide(&guard, &identity, &CheckResults::new()),
        Decision::Undetermined
    );
    assert_eq!(
        open_checks(&guard, &identity, &CheckResults::new()),
        ["a", "b"]
    );
}

#[test]
fn reason_names_missing_grant_rather_than_check() {
    let identity = Identity::new("1", "jwt");
    for text in [r#"check("a") & perm("b")"#, r#"perm("b") & check("a")"#] {
        assert_eq!(
            decide(&compile(text), &identity, &CheckResults::new()),
            Decision::Deny(ReasonCode::PermissionMissing)
        );
    }
    let either = compile(r#"check("a") | perm("b")"#);
    let failed = CheckResults::new().with("a", false);
    assert_eq!(
        decide(&either, &identity, &failed),
        Decision::Deny(ReasonCode::PermissionMissing)
    );
}

#[test]
fn many_open_checks_take_bounded_time() {
    let names: Vec<String> = (0..60).map(|number| format!("c{number}")).collect();
    let any = Guard::any(names.iter().map(|name| Guard::check(name).unwrap())).unwrap();
    let never = (any.clone() & Guard::staff()).compile().unwrap();
    let identity = Identity::new("1", "jwt");
    // With more than twelve checks, the decision can be undetermined unnecessarily, but access is not allowed.
    assert!(!decide(&never, &identity, &CheckResults::new()).is_allowed());
    let all: CheckResults = names.iter().map(|name| (name.as_str(), true)).collect();
    assert_eq!(
        decide(&never, &identity, &all),
        Decision::Deny(ReasonCode::StaffRequired)
    );
    assert_eq!(
        open_checks(
            &any.clone().compile().unwrap(),
            &identity,
            &CheckResults::new()
        )
        .len(),
        60
    );
    let decided = (Guard::authenticated() | any).compile().unwrap();
    assert!(open_checks(&decided, &identity, &CheckResults::new()).is_empty());
}

#[test]
fn closed_decision_is_never_undetermined() {
    assert_eq!(
        Decision::Undetermined.closed(),
        Decision::Deny(ReasonCode::Denied)
    );
    assert_eq!(Decision::Allow.closed(), Decision::Allow);
    assert!(!Decision::Undetermined.is_allowed());
}
