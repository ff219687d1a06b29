//! The compiled program against the naive evaluator, and the causes it names.

use std::time::{Duration, Instant};

use boltguard_grants::{Identity, Principal};
use boltguard_guard::{CheckResults, Decision, Guard, GuardError};
use boltguard_types::{Permission, ReasonCode};
use proptest::prelude::*;

use crate::naive::{callers, exprs, outcome};

fn perm(name: &str) -> Guard {
    Guard::permission(Permission::new(name).unwrap())
}

fn check(text: &str, who: Identity, expected: Decision) {
    let guard: Guard = text.parse().unwrap();
    assert_eq!(guard.decide(&Principal::Known(who)), expected, "{text}");
}

fn ada() -> Identity {
    Identity::new("1", "jwt")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_program_agrees_with_the_naive_evaluator(expr in exprs(), who in callers()) {
        let expected = expr.decide(&who, &CheckResults::new());
        prop_assert_eq!(outcome(expr.guard().decide(&who)), expected, "{}", expr.guard());
    }
}

#[test]
fn the_reason_is_that_of_the_atom_that_failed() {
    for (text, reason) in [
        ("admin", ReasonCode::AdminRequired),
        ("staff", ReasonCode::StaffRequired),
        (r#"perm("a")"#, ReasonCode::PermissionMissing),
        (r#"any_perm("a", "b")"#, ReasonCode::PermissionMissing),
        (r#"scope("a")"#, ReasonCode::ScopeMissing),
        (r#"claim("a")"#, ReasonCode::ClaimMismatch),
        (r#"via("api_key")"#, ReasonCode::BackendRequired),
        ("deny_all", ReasonCode::Denied),
        ("~authenticated", ReasonCode::Denied),
    ] {
        check(text, ada(), Decision::Deny(reason));
    }
}

#[test]
fn of_several_failures_the_first_that_matters_is_named() {
    for (text, reason) in [
        (
            r#"authenticated & perm("a") & staff"#,
            ReasonCode::PermissionMissing,
        ),
        (r#"staff | perm("a")"#, ReasonCode::StaffRequired),
        // The first alternative came further than the second.
        (
            r#"(authenticated & via("jwt") & scope("s")) | staff"#,
            ReasonCode::ScopeMissing,
        ),
        // What an alternative made up for is not named.
        (
            r#"(staff | via("jwt")) & perm("a")"#,
            ReasonCode::PermissionMissing,
        ),
        (
            r#"((staff | via("jwt")) & perm("a")) | admin"#,
            ReasonCode::PermissionMissing,
        ),
        // An alternative that can only say `denied` leaves the word to another.
        (r#"~via("jwt") | perm("a")"#, ReasonCode::PermissionMissing),
        (
            r#"~(via("jwt") & ~perm("a"))"#,
            ReasonCode::PermissionMissing,
        ),
        (r#"~via("jwt") | ~authenticated"#, ReasonCode::Denied),
        (r#"~via("jwt") & perm("a")"#, ReasonCode::Denied),
    ] {
        check(text, ada(), Decision::Deny(reason));
    }
}

#[test]
fn a_star_grants_what_a_guard_forbids_too() {
    let everything = ada().with_permissions(["*"]);
    check(
        r#"~perm("blog.banned")"#,
        everything.clone(),
        Decision::Deny(ReasonCode::Denied),
    );
    check(r#"perm("blog.add")"#, everything, Decision::Allow);
}

#[test]
fn a_superuser_is_an_administrator_and_no_more() {
    check("admin", ada().superuser(), Decision::Allow);
    check(
        "staff",
        ada().superuser(),
        Decision::Deny(ReasonCode::StaffRequired),
    );
    check(
        r#"perm("a")"#,
        ada().superuser(),
        Decision::Deny(ReasonCode::PermissionMissing),
    );
    check(
        "admin",
        ada().staff(),
        Decision::Deny(ReasonCode::AdminRequired),
    );
}

#[test]
fn an_anonymous_caller_is_challenged_where_an_identity_could_help() {
    for (text, expected) in [
        ("staff", Decision::Challenge),
        ("~staff", Decision::Challenge),
        ("authenticated", Decision::Challenge),
        (r#"check("owner")"#, Decision::Challenge),
        ("allow_any", Decision::Allow),
        ("deny_all", Decision::Deny(ReasonCode::Denied)),
        ("deny_all & staff", Decision::Deny(ReasonCode::Denied)),
        ("allow_any & staff", Decision::Challenge),
    ] {
        assert_eq!(
            text.parse::<Guard>().unwrap().decide(&Principal::Anonymous),
            expected,
            "{text}"
        );
    }
}

#[test]
fn an_empty_list_is_refused() {
    assert_eq!(Guard::all([]), Err(GuardError::Empty));
    assert_eq!(Guard::any([]), Err(GuardError::Empty));
    assert_eq!(Guard::any_permission([]), Err(GuardError::Empty));
    assert_eq!(Guard::all_permissions([]), Err(GuardError::Empty));
}

#[test]
fn names_that_nothing_could_have_are_refused() {
    for name in ["", "a b", "a\n"] {
        assert_eq!(Guard::scope(name), Err(GuardError::ScopeName), "{name:?}");
        assert_eq!(
            Guard::via_backend(name),
            Err(GuardError::BackendName),
            "{name:?}"
        );
    }
    for name in ["", "a\0"] {
        assert_eq!(Guard::check(name), Err(GuardError::CheckName), "{name:?}");
    }
}

#[test]
fn more_atoms_than_a_word_has_bits_are_told_apart() {
    let names: Vec<String> = (0..200).map(|number| format!("p.{number}")).collect();
    let all = Guard::all(names.iter().map(|name| perm(name))).unwrap();
    let most = ada().with_permissions(names.iter().skip(1).map(String::as_str));
    assert_eq!(
        all.decide(&Principal::Known(most.clone())),
        Decision::Deny(ReasonCode::PermissionMissing)
    );
    let every = most.with_permissions(["p.0"]);
    assert_eq!(all.decide(&Principal::Known(every)), Decision::Allow);
}

#[test]
fn no_depth_exhausts_the_stack() {
    let started = Instant::now();
    let mut guard = Guard::staff();
    for number in 0..100_000 {
        let atom = perm(if number % 2 == 0 { "even" } else { "odd" });
        guard = if number % 2 == 0 {
            guard | atom
        } else {
            !(guard & atom)
        };
    }
    let caller = Principal::Known(ada().staff());
    assert!(matches!(
        guard.decide(&caller),
        Decision::Allow | Decision::Deny(_)
    ));
    assert!(guard.to_string().len() > 1_000_000);
    assert_eq!(guard.compile().unwrap_err(), GuardError::TooLarge);
    assert_eq!(guard.to_json(), Err(GuardError::TooLarge));
    assert!(started.elapsed() < Duration::from_secs(20));
}
