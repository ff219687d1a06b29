//! Explanations, and missing grants.

use boltguard_grants::{Identity, Principal};
use boltguard_guard::{Atom, CheckResults, Decision, Guard, Kleene, Missing, PartKind};
use boltguard_types::{Grant, Permission, ReasonCode};
use proptest::prelude::*;

use crate::naive::{Expr, callers, checked_exprs, completions, identities, results};

fn guard(text: &str) -> Guard {
    text.parse().unwrap()
}

fn ada() -> Identity {
    Identity::new("1", "jwt")
}

fn missing(text: &str, identity: Identity) -> String {
    guard(text)
        .explain(&Principal::Known(identity))
        .missing()
        .to_string()
}

/// Grants a permission, scope or role.
fn granted(identity: &Identity, atom: &Atom) -> Identity {
    match atom {
        Atom::Permission(permission) => identity.clone().with_permissions([permission.as_str()]),
        Atom::Role(role) => identity.clone().with_roles([&**role]),
        Atom::Scope(scope) => identity.clone().with_scopes([&**scope]),
        other => panic!("{other} can't be granted"),
    }
}

/// Returns whether access is allowed for some results of the checks.
fn may_allow(expr: &Expr, caller: &Identity) -> bool {
    let caller = Principal::Known(caller.clone());
    completions(&CheckResults::new())
        .iter()
        .any(|all| expr.decide(&caller, all).is_allowed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn parts_agree_with_naive_evaluator(
        expr in checked_exprs(), caller in callers(), results in results(),
    ) {
        let guard = expr.guard();
        let explanation = guard.explain_with(&caller, &results);
        prop_assert_eq!(explanation.parts()[0].truth, expr.value(&caller, &results));
        prop_assert_eq!(explanation.decision(), guard.decide_with(&caller, &results));
        let atoms: Vec<_> = explanation.parts().iter().filter_map(|part| match &part.kind {
            PartKind::Atom(atom) => Some(atom),
            _ => None,
        }).collect();
        prop_assert_eq!(atoms, guard.atoms().collect::<Vec<_>>());
    }

    #[test]
    fn missing_grants_are_a_smallest_sufficient_set(expr in checked_exprs(), identity in identities()) {
        let guard = expr.guard();
        let mut grantable: Vec<Atom> = Vec::new();
        for atom in guard.atoms() {
            let seen = grantable.contains(atom);
            if matches!(atom, Atom::Permission(_) | Atom::Role(_) | Atom::Scope(_)) && !seen {
                grantable.push(atom.clone());
            }
        }
        let sufficient = (0..1_u32 << grantable.len()).filter(|set| {
            let set = grantable.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            may_allow(&expr, &set.fold(identity.clone(), |identity, (_, atom)| granted(&identity, atom)))
        });
        let fewest = sufficient.map(u32::count_ones).min();
        match guard.explain(&Principal::Known(identity.clone())).missing() {
            Missing::Nothing => prop_assert_eq!(fewest, Some(0)),
            Missing::Unattainable => prop_assert_eq!(fewest, None),
            Missing::Grants { grants, smallest } => {
                prop_assert!(*smallest);
                prop_assert_eq!(fewest, Some(grants.len() as u32), "{}", guard);
                prop_assert!(may_allow(&expr, &grants.iter().fold(identity, |identity, atom| granted(&identity, atom))));
            }
            other => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn smallest_alternative_is_found() {
    let text = r#"(all_perms("a", "b", "c") | all_perms("d", "e")) & ~perm("banned")"#;
    assert_eq!(missing(text, ada()), r#"perm("d"), perm("e")"#);
    assert_eq!(
        missing(text, ada().with_permissions(["a", "c"])),
        r#"perm("b")"#
    );
    assert_eq!(
        missing(text, ada().with_permissions(["banned"])),
        "no grant is sufficient"
    );
    assert_eq!(
        missing(r#"staff & perm("a")"#, ada()),
        "no grant is sufficient"
    );
    assert_eq!(missing(r#"scope("a") & perm("a")"#, ada()), r#"scope("a")"#);
    assert_eq!(missing("deny_all", ada()), "no grant is sufficient");
}

#[test]
fn anonymous_caller_is_missing_authentication() {
    let explanation = guard(r#"perm("a") & ~staff"#).explain(&Principal::Anonymous);
    assert_eq!(explanation.decision(), Decision::Challenge);
    assert_eq!(explanation.missing(), &Missing::Identity);
    assert!(
        explanation
            .parts()
            .iter()
            .all(|part| part.truth == Kleene::Unknown)
    );
    let open = Guard::allow_any().explain(&Principal::Anonymous);
    assert_eq!(open.to_string(), "allow\n  true     allow_any");
    let closed = Guard::deny_all().explain(&Principal::Anonymous);
    assert_eq!(closed.missing(), &Missing::Unattainable);
}

fn all_of(count: usize) -> Guard {
    Guard::all_permissions((0..count).map(|n| Permission::new(format!("p{n}")).unwrap())).unwrap()
}

#[test]
fn more_than_twelve_grants_may_not_be_smallest() {
    let either = all_of(20) | guard(r#"all_perms("one", "two", "three")"#);
    assert_eq!(
        either
            .explain(&Principal::Known(ada()))
            .missing()
            .to_string(),
        r#"perm("one"), perm("two"), perm("three") (or fewer)"#
    );
    let with_alternative = guard(r#"perm("a") & (perm("x") | staff)"#) & all_of(13);
    let explanation = with_alternative.explain(&Principal::Known(ada().staff()));
    assert!(
        !explanation.missing().to_string().contains(r#"perm("x")"#),
        "{explanation}"
    );
    let forbidden = all_of(13) & !guard(r#"perm("banned")"#);
    assert_eq!(
        forbidden.explain(&Principal::Known(ada())).missing(),
        &Missing::Unknown
    );
}

#[test]
fn repeated_permission_is_missing_once() {
    let guard = (0..13).fold(all_of(1), |guard, _| !(!guard & Guard::staff()) & all_of(1));
    let explanation = guard.explain(&Principal::Known(ada().staff()));
    let Missing::Grants {
        grants,
        smallest: true,
    } = explanation.missing()
    else {
        panic!("{explanation}");
    };
    assert_eq!(grants.len(), 1);
}

#[test]
fn open_checks_are_unknown_and_miss_nothing() {
    let guard = guard(r#"perm("a") & check("owner")"#);
    let caller = Principal::Known(ada().with_permissions(["a"]));
    let explanation = guard.explain(&caller);
    assert_eq!(
        explanation.to_string(),
        "undetermined\n  unknown  all of\n  true       perm(\"a\")\n  unknown    check(\"owner\")"
    );
    let failed = guard.explain_with(&caller, &CheckResults::new().with("owner", false));
    assert_eq!(failed.decision(), Decision::Deny(ReasonCode::Denied));
    assert_eq!(failed.missing(), &Missing::Unattainable);
}

#[test]
fn wildcard_grants_forbidden_permission() {
    let all = Identity::new("1", "jwt").with_permissions(["*"]);
    assert!(Grant::parse("*").covers(&Permission::new("banned").unwrap()));
    let explanation = guard(r#"~perm("banned")"#).explain(&Principal::Known(all));
    assert_eq!(
        explanation.to_string(),
        "deny: denied\n  false    not\n  true       perm(\"banned\")\nmissing: no grant is sufficient"
    );
}

#[test]
fn explanation_is_serialized_as_flat_list() {
    let explanation = guard(r#"~staff & perm("a")"#).explain(&Principal::Known(ada()));
    assert_eq!(
        serde_json::to_value(&explanation).unwrap(),
        serde_json::json!({
            "decision": "deny",
            "reason": "permission_missing",
            "parts": [
                {"depth": 0, "part": "all of", "truth": "false"},
                {"depth": 1, "part": "not", "truth": "true"},
                {"depth": 2, "part": "staff", "truth": "false"},
                {"depth": 1, "part": "perm(\"a\")", "truth": "false"},
            ],
            "missing": {"kind": "grants", "grants": ["perm(\"a\")"], "smallest": true},
        })
    );
}
