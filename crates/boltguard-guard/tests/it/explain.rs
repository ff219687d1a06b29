//! Explanations, and the smallest set that is missing.

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

fn missing(text: &str, who: Identity) -> String {
    guard(text)
        .explain(&Principal::Known(who))
        .missing()
        .to_string()
}

/// Grants one atom's worth.
fn granted(who: &Identity, atom: &Atom) -> Identity {
    match atom {
        Atom::Permission(permission) => who.clone().with_permissions([permission.as_str()]),
        Atom::Scope(scope) => who.clone().with_scopes([&**scope]),
        other => panic!("{other} can't be granted"),
    }
}

/// Whether some results of the checks let the caller in.
fn may_open(expr: &Expr, who: &Identity) -> bool {
    let who = Principal::Known(who.clone());
    completions(&CheckResults::new())
        .iter()
        .any(|all| expr.decide(&who, all).is_allowed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn parts_have_the_values_that_the_naive_evaluator_gives(
        expr in checked_exprs(), who in callers(), said in results(),
    ) {
        let guard = expr.guard();
        let explanation = guard.explain_with(&who, &said);
        prop_assert_eq!(explanation.parts()[0].truth, expr.value(&who, &said));
        prop_assert_eq!(explanation.decision(), guard.decide_with(&who, &said));
        let atoms: Vec<_> = explanation.parts().iter().filter_map(|part| match &part.kind {
            PartKind::Atom(atom) => Some(atom),
            _ => None,
        }).collect();
        prop_assert_eq!(atoms, guard.atoms().collect::<Vec<_>>());
    }

    #[test]
    fn what_is_missing_opens_the_guard_and_nothing_smaller_does(expr in checked_exprs(), who in identities()) {
        let guard = expr.guard();
        let mut grantable: Vec<Atom> = Vec::new();
        for atom in guard.atoms() {
            let known = grantable.contains(atom);
            if matches!(atom, Atom::Permission(_) | Atom::Scope(_)) && !known {
                grantable.push(atom.clone());
            }
        }
        let opening = (0..1_u32 << grantable.len()).filter(|set| {
            let set = grantable.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            may_open(&expr, &set.fold(who.clone(), |who, (_, atom)| granted(&who, atom)))
        });
        let fewest = opening.map(u32::count_ones).min();
        match guard.explain(&Principal::Known(who.clone())).missing() {
            Missing::Nothing => prop_assert_eq!(fewest, Some(0)),
            Missing::NotGrants => prop_assert_eq!(fewest, None),
            Missing::Grants { grants, smallest } => {
                prop_assert!(*smallest);
                prop_assert_eq!(fewest, Some(grants.len() as u32), "{}", guard);
                prop_assert!(may_open(&expr, &grants.iter().fold(who, |who, atom| granted(&who, atom))));
            }
            other => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn the_smallest_set_is_found_among_alternatives() {
    let text = r#"(all_perms("a", "b", "c") | all_perms("d", "e")) & ~perm("banned")"#;
    assert_eq!(missing(text, ada()), r#"perm("d"), perm("e")"#);
    assert_eq!(
        missing(text, ada().with_permissions(["a", "c"])),
        r#"perm("b")"#
    );
    assert_eq!(
        missing(text, ada().with_permissions(["banned"])),
        "nothing that can be granted"
    );
    assert_eq!(
        missing(r#"staff & perm("a")"#, ada()),
        "nothing that can be granted"
    );
    assert_eq!(missing(r#"scope("a") & perm("a")"#, ada()), r#"scope("a")"#);
    assert_eq!(missing("deny_all", ada()), "nothing that can be granted");
}

#[test]
fn an_anonymous_caller_lacks_an_identity() {
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
    let shut = Guard::deny_all().explain(&Principal::Anonymous);
    assert_eq!(shut.missing(), &Missing::NotGrants);
}

fn all_of(count: usize) -> Guard {
    Guard::all_permissions((0..count).map(|n| Permission::new(&format!("p{n}")).unwrap())).unwrap()
}

#[test]
fn beyond_a_dozen_the_answer_says_that_it_may_not_be_the_smallest() {
    let either = all_of(20) | guard(r#"all_perms("one", "two", "three")"#);
    assert_eq!(
        either
            .explain(&Principal::Known(ada()))
            .missing()
            .to_string(),
        r#"perm("one"), perm("two"), perm("three") (perhaps fewer)"#
    );
    let beside = guard(r#"perm("a") & (perm("x") | staff)"#) & all_of(13);
    let explanation = beside.explain(&Principal::Known(ada().staff()));
    assert!(
        !explanation.missing().to_string().contains(r#"perm("x")"#),
        "{explanation}"
    );
    let forbidden = all_of(13) & !guard(r#"perm("banned")"#);
    assert_eq!(
        forbidden.explain(&Principal::Known(ada())).missing(),
        &Missing::TooMany
    );
}

#[test]
fn a_permission_that_is_asked_often_is_granted_once() {
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
fn open_checks_are_unknown_and_count_as_open() {
    let guard = guard(r#"perm("a") & check("owner")"#);
    let who = Principal::Known(ada().with_permissions(["a"]));
    let explanation = guard.explain(&who);
    assert_eq!(
        explanation.to_string(),
        "undetermined\n  unknown  all of\n  true       perm(\"a\")\n  unknown    check(\"owner\")"
    );
    let failed = guard.explain_with(&who, &CheckResults::new().with("owner", false));
    assert_eq!(failed.decision(), Decision::Deny(ReasonCode::Denied));
    assert_eq!(failed.missing(), &Missing::NotGrants);
}

#[test]
fn a_wildcard_holds_what_the_guard_asks() {
    let all = Identity::new("1", "jwt").with_permissions(["*"]);
    assert!(Grant::parse("*").covers(&Permission::new("banned").unwrap()));
    let explanation = guard(r#"~perm("banned")"#).explain(&Principal::Known(all));
    assert_eq!(
        explanation.to_string(),
        "deny: denied\n  false    not\n  true       perm(\"banned\")\nmissing: nothing that can be granted"
    );
}

#[test]
fn an_explanation_is_serialized_flat() {
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
