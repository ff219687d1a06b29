//! `implies` and `is_equivalent`, compared with the decisions for all callers.

use boltguard_grants::{Identity, Principal};
use boltguard_guard::{CheckResults, Guard, TooManyAtoms};
use boltguard_types::Permission;
use proptest::prelude::*;

use crate::naive::Expr;

fn guard(text: &str) -> Guard {
    text.parse().unwrap()
}

fn implies(one: &str, other: &str) -> bool {
    guard(one).implies(&guard(other)).unwrap()
}

fn is_equivalent(one: &str, other: &str) -> bool {
    guard(one).is_equivalent(&guard(other)).unwrap()
}

/// All callers that the atoms of [`small_exprs`] distinguish, with all results of the checks.
fn all_callers() -> Vec<(Principal, CheckResults)> {
    let subsets = |items: &[&'static str]| -> Vec<Vec<&'static str>> {
        let items = items.to_vec();
        (0..1_usize << items.len())
            .map(|set| {
                items
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| set >> bit & 1 == 1)
                    .map(|(_, item)| *item)
                    .collect()
            })
            .collect()
    };
    let mut all = vec![(Principal::Anonymous, CheckResults::new())];
    for permissions in subsets(&["blog.add", "blog.edit"]) {
        for scopes in subsets(&["blog.add"]) {
            for backend in ["jwt", "api_key", "other"] {
                for staff in [false, true] {
                    for amr in subsets(&["otp", "pwd"]).into_iter().map(Some).chain([None]) {
                        for owner in [false, true] {
                            let mut identity = Identity::new("1", backend)
                                .with_permissions(permissions.iter().copied())
                                .with_scopes(scopes.iter().copied());
                            identity.is_staff = staff;
                            if let Some(amr) = &amr {
                                identity = identity.with_claim("amr", amr.clone());
                            }
                            all.push((
                                Principal::Known(identity),
                                CheckResults::new().with("owner", owner),
                            ));
                        }
                    }
                }
            }
        }
    }
    all
}

/// Guards of a few atoms.
fn small_exprs() -> BoxedStrategy<Expr> {
    let permission = |name: &str| Expr::Permission(name.into());
    let amr = || boltguard_grants::ClaimTest::new("amr");
    let atoms = vec![
        permission("blog.add"),
        permission("blog.edit"),
        Expr::Scope("blog.add".into()),
        Expr::Via("jwt".into()),
        Expr::Via("api_key".into()),
        Expr::Staff,
        Expr::Authenticated,
        Expr::AllowAny,
        Expr::DenyAll,
        Expr::Check("owner".into()),
        Expr::Claim(amr()),
        Expr::Claim(amr().any_of(["otp", "pwd"])),
        Expr::Claim(amr().all_of(["otp", "pwd"])),
        Expr::Claim(amr().none_of(["otp"])),
    ];
    prop::sample::select(atoms)
        .prop_recursive(4, 10, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
                inner.prop_map(|inner| Expr::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn comparison_agrees_with_all_callers(a in small_exprs(), b in small_exprs()) {
        let (one, other) = (a.guard(), b.guard());
        let callers = all_callers();
        let implied = callers.iter().all(|(identity, results)| {
            !a.decide(identity, results).is_allowed() || b.decide(identity, results).is_allowed()
        });
        prop_assert_eq!(one.implies(&other), Ok(implied), "{}   and   {}", one, other);
        let same = callers.iter().all(|(identity, results)| a.decide(identity, results) == b.decide(identity, results));
        prop_assert_eq!(one.is_equivalent(&other), Ok(same), "{}   and   {}", one, other);
    }

    #[test]
    fn conjunction_implies_its_parts(a in small_exprs(), b in small_exprs()) {
        let (a, b) = (a.guard(), b.guard());
        prop_assert_eq!((a.clone() & b.clone()).implies(&a), Ok(true));
        prop_assert_eq!(b.implies(&(a | b.clone())), Ok(true));
    }
}

#[test]
fn relations_between_atoms_are_considered() {
    assert!(implies("staff", "authenticated"));
    assert!(implies("fresh_auth(60)", "fresh_auth(300)"));
    assert!(!implies("fresh_auth(300)", "fresh_auth(60)"));
    assert!(implies(
        r#"fresh_auth(60, acr=["a"])"#,
        r#"fresh_auth(60, acr=["b", "a"])"#
    ));
    assert!(implies(r#"fresh_auth(60, acr=["a"])"#, "fresh_auth(60)"));
    assert!(!implies("fresh_auth(60)", r#"fresh_auth(60, acr=["a"])"#));
    assert!(implies(r#"scope("a.b")"#, r#"perm("a.b")"#));
    assert!(!implies(r#"perm("a.b")"#, r#"scope("a.b")"#));
    assert!(implies(r#"via("jwt")"#, r#"~via("api_key")"#));
    assert!(!implies(r#"~via("api_key")"#, r#"via("jwt")"#));
    assert!(implies(
        r#"claim("amr", any=["x"])"#,
        r#"claim("amr", any=["x", "y"])"#
    ));
    assert!(implies(
        r#"claim("amr", all=["x", "y"])"#,
        r#"claim("amr", any=["y", "z"])"#
    ));
    assert!(implies(r#"claim("amr", none=["x"])"#, r#"claim("amr")"#));
    assert!(!implies(
        r#"claim("amr", any=["x"])"#,
        r#"claim("acr", any=["x"])"#
    ));
    assert!(!implies("admin", "staff"));
}

#[test]
fn weaker_guard_is_not_implied() {
    assert!(!implies("allow_any", "authenticated"));
    assert!(!implies("authenticated", "staff"));
    assert!(implies(
        r#"authenticated & perm("a")"#,
        r#"any_perm("a", "b")"#
    ));
    assert!(!implies(
        r#"any_perm("a", "b", "c")"#,
        r#"any_perm("a", "b")"#
    ));
}

#[test]
fn equivalent_guards_have_equal_status_codes() {
    assert!(!is_equivalent("allow_any", "authenticated"));
    assert!(!is_equivalent("deny_all", "~authenticated"));
    assert!(is_equivalent("staff & ~staff", "~authenticated"));
    assert!(is_equivalent("~(staff & admin)", "~staff | ~admin"));
    assert!(implies("~authenticated", "deny_all"));
}

fn wide(count: usize) -> Guard {
    Guard::any((0..count).map(atom)).unwrap()
}

#[test]
fn more_than_twelve_atoms_are_an_error() {
    assert_eq!(wide(11).implies(&wide(12)), Ok(true));
    assert_eq!(wide(12).implies(&wide(11)), Ok(false));
    let error: TooManyAtoms = wide(12).implies(&wide(13)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "only guards with up to 12 distinct atoms can be compared"
    );
    assert_eq!(wide(13).is_equivalent(&!wide(13)), Err(error));
    // These results are obvious.
    assert_eq!(wide(13).implies(&wide(13)), Ok(true));
    assert_eq!(wide(13).implies(&Guard::authenticated()), Ok(true));
    assert_eq!(Guard::allow_any().implies(&wide(13)), Ok(false));
}

#[test]
fn long_guard_of_twelve_atoms_is_compared() {
    let deep = (1..1_000).fold(atom(0), |guard, number| {
        let next = atom(number * 7 % 12);
        if number % 2 == 0 {
            guard & next
        } else {
            !(guard & !next)
        }
    });
    assert_eq!(deep.implies(&deep.clone()), Ok(true));
    assert!(deep.is_equivalent(&!deep.clone()).is_ok());
    assert!((deep.clone() & atom(12)).is_equivalent(&deep).is_err());
}

fn atom(number: usize) -> Guard {
    Guard::permission(Permission::new(format!("p.{number}")).unwrap())
}
