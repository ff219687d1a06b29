//! Decisions of compiled guards, compared with the naive evaluator, and their reasons.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::time::{Duration, Instant};

use boltguard_grants::{Identity, Principal};
use boltguard_guard::{CheckResults, Decision, Guard, GuardError};
use boltguard_types::{Permission, ReasonCode};
use proptest::prelude::*;

use crate::naive::{callers, exprs, outcome};

fn perm(name: &str) -> Guard {
    Guard::permission(Permission::new(name).unwrap())
}

fn check(text: &str, identity: Identity, expected: Decision) {
    let guard: Guard = text.parse().unwrap();
    assert_eq!(
        guard.decide(&Principal::Known(identity)),
        expected,
        "{text}"
    );
}

fn ada() -> Identity {
    Identity::new("1", "jwt")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn compiled_guard_agrees_with_naive_evaluator(expr in exprs(), caller in callers()) {
        let expected = expr.decide(&caller, &CheckResults::new());
        prop_assert_eq!(outcome(expr.guard().decide(&caller)), expected, "{}", expr.guard());
    }
}

#[test]
fn reason_is_that_of_the_failed_atom() {
    for (text, reason) in [
        ("admin", ReasonCode::AdminRequired),
        ("staff", ReasonCode::StaffRequired),
        (r#"perm("a")"#, ReasonCode::PermissionMissing),
        (r#"any_perm("a", "b")"#, ReasonCode::PermissionMissing),
        (r#"scope("a")"#, ReasonCode::ScopeMissing),
        ("fresh_auth(300)", ReasonCode::AuthenticationInsufficient),
        (r#"role("a")"#, ReasonCode::RoleMissing),
        (r#"any_role("a", "b")"#, ReasonCode::RoleMissing),
        (r#"claim("a")"#, ReasonCode::ClaimMismatch),
        (r#"via("api_key")"#, ReasonCode::BackendRequired),
        ("deny_all", ReasonCode::Denied),
        ("~authenticated", ReasonCode::Denied),
    ] {
        check(text, ada(), Decision::Deny(reason));
    }
}

#[test]
fn first_relevant_failure_is_the_reason() {
    for (text, reason) in [
        (
            r#"authenticated & perm("a") & staff"#,
            ReasonCode::PermissionMissing,
        ),
        (r#"staff | perm("a")"#, ReasonCode::StaffRequired),
        // The first alternative failed later than the second.
        (
            r#"(authenticated & via("jwt") & scope("s")) | staff"#,
            ReasonCode::ScopeMissing,
        ),
        // A failure is not reported if an alternative passed.
        (
            r#"(staff | via("jwt")) & perm("a")"#,
            ReasonCode::PermissionMissing,
        ),
        (
            r#"((staff | via("jwt")) & perm("a")) | admin"#,
            ReasonCode::PermissionMissing,
        ),
        // An alternative with a more specific reason than `denied` takes precedence.
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
fn star_also_grants_forbidden_permissions() {
    let everything = ada().with_permissions(["*"]);
    check(
        r#"~perm("blog.banned")"#,
        everything.clone(),
        Decision::Deny(ReasonCode::Denied),
    );
    check(r#"perm("blog.add")"#, everything, Decision::Allow);
}

#[test]
fn superuser_has_no_implied_rights() {
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
fn anonymous_caller_is_challenged_unless_denied_to_all() {
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
fn rejects_invalid_names() {
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
fn more_than_64_permissions_are_distinguished() {
    let names: Vec<String> = (0..200).map(|number| format!("p.{number}")).collect();
    let all = Guard::all(names.iter().map(|name| perm(name))).unwrap();
    let most = ada().with_permissions(names.iter().skip(1).map(String::as_str));
    assert_eq!(
        all.decide(&Principal::Known(most.clone())),
        Decision::Deny(ReasonCode::PermissionMissing)
    );
    let all_granted = most.with_permissions(["p.0"]);
    assert_eq!(all.decide(&Principal::Known(all_granted)), Decision::Allow);
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
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
