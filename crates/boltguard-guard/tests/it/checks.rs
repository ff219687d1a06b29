//! Checks that the engine leaves to its caller.

use boltguard_grants::{Identity, Principal};
use boltguard_guard::{CheckResults, CompiledGuard, Decision, Guard};
use boltguard_types::ReasonCode;
use proptest::prelude::*;

use crate::naive::{CHECKS, callers, checked_exprs, completions, identities, outcome, results};

fn compile(text: &str) -> CompiledGuard {
    text.parse::<Guard>().unwrap().compile().unwrap()
}

fn decide(guard: &CompiledGuard, who: &Identity, results: &CheckResults) -> Decision {
    guard
        .guard()
        .decide_with(&Principal::Known(who.clone()), results)
}

fn open_checks<'g>(
    guard: &'g CompiledGuard,
    who: &Identity,
    results: &CheckResults,
) -> Vec<&'g str> {
    let grant_set = guard.requirements().grants_of(who);
    let principal = boltguard_grants::PrincipalView {
        backend: &who.backend,
        is_staff: who.is_staff,
        is_superuser: who.is_superuser,
        grant_set: &grant_set,
    };
    guard.open_checks(Some(&principal), results)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_decided_early_no_answer_changes(expr in checked_exprs(), who in callers(), said in results()) {
        let outcomes: Vec<_> = completions(&said).iter().map(|all| expr.decide(&who, all)).collect();
        let decision = outcome(expr.guard().decide_with(&who, &said));
        match decision {
            Decision::Undetermined => {
                prop_assert!(outcomes.contains(&Decision::Allow));
                prop_assert!(outcomes.contains(&Decision::Deny(ReasonCode::Denied)));
            }
            settled => prop_assert!(outcomes.iter().all(|outcome| *outcome == settled), "{}", expr.guard()),
        }
    }

    #[test]
    fn what_no_answer_could_open_is_refused_at_once(expr in checked_exprs(), who in callers()) {
        let could_open = completions(&CheckResults::new()).iter().any(|all| expr.decide(&who, all).is_allowed());
        prop_assert_eq!(expr.guard().decide(&who).may_open(), could_open);
    }

    #[test]
    fn with_every_check_answered_nothing_is_left_to_ask(
        expr in checked_exprs(), who in callers(), said in any::<[bool; 3]>(),
    ) {
        let all: CheckResults = CHECKS.into_iter().zip(said).collect();
        prop_assert_eq!(outcome(expr.guard().decide_with(&who, &all)), expr.decide(&who, &all));
    }

    #[test]
    fn the_questions_are_those_that_matter(expr in checked_exprs(), who in identities(), said in results()) {
        let guard = expr.guard().compile().unwrap();
        let caller = Principal::Known(who.clone());
        let matters = |check: &str| {
            said.get(check).is_none()
                && completions(&said).iter().any(|all| {
                    let flipped = all.clone().with(check, !all.get(check).unwrap());
                    expr.decide(&caller, all) != expr.decide(&caller, &flipped)
                })
        };
        let expected: Vec<_> = guard.checks().filter(|check| matters(check)).collect();
        prop_assert_eq!(open_checks(&guard, &who, &said), expected);
    }

    #[test]
    fn answering_the_questions_settles_the_guard(
        expr in checked_exprs(), who in identities(), said in any::<[bool; 3]>(),
    ) {
        let guard = expr.guard().compile().unwrap();
        let all: CheckResults = CHECKS.into_iter().zip(said).collect();
        let mut given = CheckResults::new();
        for check in open_checks(&guard, &who, &given) {
            given.insert(check, all.get(check).unwrap());
        }
        let decision = decide(&guard, &who, &given);
        prop_assert_ne!(decision, Decision::Undetermined);
        prop_assert_eq!(outcome(decision), expr.decide(&Principal::Known(who), &all));
    }
}

#[test]
fn an_object_check_holds_beside_its_own_part_of_the_request() {
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
    assert!(!decide(&guard, &Identity::new("2", "jwt"), &CheckResults::new()).may_open());
}

#[test]
fn a_negated_check_is_asked_and_turned_round() {
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
fn a_check_that_is_both_asked_and_forbidden_opens_nothing() {
    let who = Identity::new("1", "jwt");
    let never = compile(r#"check("a") & ~check("a")"#);
    assert_eq!(
        decide(&never, &who, &CheckResults::new()),
        Decision::Deny(ReasonCode::Denied)
    );
    let always = compile(r#"check("a") | ~check("a")"#);
    assert_eq!(decide(&always, &who, &CheckResults::new()), Decision::Allow);
    assert_eq!(always.decide(None), Decision::Challenge);
}

#[test]
fn what_one_answer_makes_irrelevant_is_still_asked_beside_another() {
    // If `a` holds, nothing helps; if not, `b` decides.
    let guard = compile(r#"(check("a") & check("b") & staff) | (~check("a") & check("b"))"#);
    let who = Identity::new("1", "jwt");
    assert_eq!(
        decide(&guard, &who, &CheckResults::new()),
        Decision::Undetermined
    );
    assert_eq!(open_checks(&guard, &who, &CheckResults::new()), ["a", "b"]);
}

#[test]
fn a_refusal_names_what_is_missing_rather_than_a_check() {
    let who = Identity::new("1", "jwt");
    for text in [r#"check("a") & perm("b")"#, r#"perm("b") & check("a")"#] {
        assert_eq!(
            decide(&compile(text), &who, &CheckResults::new()),
            Decision::Deny(ReasonCode::PermissionMissing)
        );
    }
    let either = compile(r#"check("a") | perm("b")"#);
    let failed = CheckResults::new().with("a", false);
    assert_eq!(
        decide(&either, &who, &failed),
        Decision::Deny(ReasonCode::PermissionMissing)
    );
}

#[test]
fn many_checks_are_asked_in_bounded_time() {
    let names: Vec<String> = (0..60).map(|number| format!("c{number}")).collect();
    let any = Guard::any(names.iter().map(|name| Guard::check(name).unwrap())).unwrap();
    let never = (any.clone() & Guard::staff()).compile().unwrap();
    let who = Identity::new("1", "jwt");
    // Beyond a dozen checks it may ask in vain, and lets nobody in for it.
    assert!(!decide(&never, &who, &CheckResults::new()).is_allowed());
    let every: CheckResults = names.iter().map(|name| (name.as_str(), true)).collect();
    assert_eq!(
        decide(&never, &who, &every),
        Decision::Deny(ReasonCode::StaffRequired)
    );
    assert_eq!(
        open_checks(&any.clone().compile().unwrap(), &who, &CheckResults::new()).len(),
        60
    );
    let settled = (Guard::authenticated() | any).compile().unwrap();
    assert!(open_checks(&settled, &who, &CheckResults::new()).is_empty());
}

#[test]
fn a_closed_decision_asks_no_more() {
    assert_eq!(
        Decision::Undetermined.closed(),
        Decision::Deny(ReasonCode::Denied)
    );
    assert_eq!(Decision::Allow.closed(), Decision::Allow);
    assert!(!Decision::Undetermined.is_allowed());
}
