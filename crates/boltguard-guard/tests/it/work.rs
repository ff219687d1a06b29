//! The cost of decisions by the size of a guard, measured in counted steps.

use boltguard_grants::{ClaimTest, Identity, Principal};
use boltguard_guard::{CheckResults, Guard, Missing};
use boltguard_types::Permission;
use boltguard_types::work::steps;

fn permission(name: &str) -> Guard {
    Guard::permission(Permission::new(name).unwrap())
}

type Atoms = fn(usize) -> Guard;

/// Guards with a given number of atoms.
const GUARDS: [(&str, Atoms); 7] = [
    ("all permissions", |count| {
        Guard::all((0..count).map(|n| permission(&format!("p{n}")))).unwrap()
    }),
    ("any permission", |count| {
        Guard::any((0..count).map(|n| permission(&format!("p{n}")))).unwrap()
    }),
    ("all scopes", |count| {
        Guard::all((0..count).map(|n| Guard::scope(&format!("s{n}")).unwrap())).unwrap()
    }),
    ("scopes and permissions of one name", |count| {
        let both = |n| Guard::scope(&format!("x{n}")).unwrap() & permission(&format!("x{n}"));
        Guard::all((0..count / 2).map(both)).unwrap()
    }),
    ("pairs of permissions", |count| {
        let pair = |n| permission(&format!("a{n}")) | !permission(&format!("b{n}"));
        Guard::all((0..count / 2).map(pair)).unwrap()
    }),
    ("claims", |count| {
        let test = |n| ClaimTest::new(format!("c{}", n % 100)).any_of([n as i64]);
        Guard::any((0..count).map(|n| Guard::claim(test(n)).unwrap())).unwrap()
    }),
    ("backends and checks", |count| {
        let pair = |n| {
            Guard::via_backend(&format!("b{n}")).unwrap() & Guard::check(&format!("c{n}")).unwrap()
        };
        Guard::any((0..count / 2).map(pair)).unwrap()
    }),
];

#[test]
fn explaining_takes_linear_time() {
    let callers = [
        Identity::new("1", "jwt"),
        Identity::new("1", "jwt")
            .with_permissions(["p0", "b*"])
            .with_scopes(["s1"]),
    ];
    for (name, guard) in GUARDS {
        for caller in &callers {
            let cost = |count: usize| {
                let guard = guard(count);
                let caller = Principal::Known(caller.clone());
                steps(|| guard.explain_with(&caller, &CheckResults::new())).0
            };
            let (small, large) = (cost(96), cost(960));
            assert!(
                large <= 12 * small.max(100),
                "{name}: {small} steps, then {large}"
            );
        }
    }
}

#[test]
fn missing_grants_of_large_guard_are_found() {
    let bare = Principal::Known(Identity::new("1", "jwt"));
    for (name, guard) in GUARDS.into_iter().take(4) {
        let guard = guard(100);
        let Missing::Grants { grants, .. } = guard.explain(&bare).missing().clone() else {
            panic!("{name}: expected missing grants");
        };
        let expected = match name {
            "any permission" => 1,
            // A scope also grants the permission of the same name.
            "scopes and permissions of one name" => 50,
            _ => 100,
        };
        assert_eq!(grants.len(), expected, "{name}");
    }
}
