//! Grants in other claims than the default ones.

use boltguard_grants::{ClaimTest, GrantSet, Requirements};
use boltguard_jwt::{AdmittedClaims, ClaimPath, ClaimsPolicy, PolicyError};
use boltguard_types::Permission;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::properties::write;
use crate::{admit_with, lenient};

fn path(path: &str) -> ClaimPath {
    ClaimPath::new(path).unwrap()
}

fn roles_from(paths: &[&str]) -> ClaimsPolicy {
    lenient().with_roles_from(paths.iter().map(|one| path(one)))
}

fn read(policy: &ClaimsPolicy, payload: &str) -> AdmittedClaims {
    admit_with(policy, &Requirements::new(), payload).unwrap()
}

/// Returns the roles, and checks that exactly these meet requirements.
#[track_caller]
fn roles(policy: &ClaimsPolicy, payload: &str) -> Vec<String> {
    let roles: Vec<String> = read(policy, payload)
        .roles()
        .into_iter()
        .map(Into::into)
        .collect();
    let mut requirements = Requirements::new();
    for name in ["admin", "editor", "user", "Shop Editors", "Shop", "a.b"] {
        let id = requirements.role(name);
        let claims = admit_with(policy, &requirements, payload).unwrap();
        let is_granted = claims
            .with_requirements(&requirements)
            .grant_set()
            .contains(id);
        assert_eq!(
            is_granted,
            roles.iter().any(|role| role == name),
            "{name} {payload}"
        );
    }
    roles
}

#[test]
fn roles_are_found_by_path() {
    for (paths, payload, expected) in [
        (
            &["roles"][..],
            r#"{"roles":["admin","editor"]}"#,
            &["admin", "editor"][..],
        ),
        (
            &["roles"],
            r#"{"roles":"admin  editor"}"#,
            &["admin", "editor"],
        ),
        (
            &["roles"],
            r#"{"roles":["Shop Editors"]}"#,
            &["Shop Editors"],
        ),
        (
            &["roles"],
            r#"{"roles":"Shop Editors"}"#,
            &["Shop", "Editors"],
        ),
        (&["roles"], r#"{"r\u006fles":["adm\u0069n"]}"#, &["admin"]),
        (
            &["realm_access.roles"],
            r#"{"realm_access":{"roles":["admin"]}}"#,
            &["admin"],
        ),
        (
            &["resource_access.my-api.roles"],
            r#"{"resource_access":{"account":{"roles":["user"]},"my-api":{"x":1,"roles":["admin"]}}}"#,
            &["admin"],
        ),
        (
            &["https://example.com/roles"],
            r#"{"https://example.com/roles":["admin"]}"#,
            &["admin"],
        ),
        (
            &["cognito:groups"],
            r#"{"cognito:groups":["admin"]}"#,
            &["admin"],
        ),
        (
            &["roles", "realm_access.roles"],
            r#"{"realm_access":{"roles":["user","admin"]},"roles":["admin"]}"#,
            &["admin", "user"],
        ),
        (&["r\u{f6}le"], r#"{"r\u00f6le":["admin"]}"#, &["admin"]),
        (&["a.b"], r#"{"a":{"\u0062":["admin"]}}"#, &["admin"]),
    ] {
        assert_eq!(roles(&roles_from(paths), payload), expected, "{payload}");
    }
}

#[test]
fn whole_name_precedes_a_path() {
    let policy = roles_from(&["a.b"]);
    for (payload, expected) in [
        (r#"{"a.b":["admin"],"a":{"b":["user"]}}"#, &["admin"][..]),
        (r#"{"a":{"b":["user"]},"a.b":["admin"]}"#, &["admin"]),
        (r#"{"a":{"b":["user"]}}"#, &["user"]),
        // A claim that exists is used, even if it grants nothing.
        (r#"{"a.b":null,"a":{"b":["user"]}}"#, &[]),
        (r#"{"a.b":{},"a":{"b":["user"]}}"#, &[]),
    ] {
        assert_eq!(roles(&policy, payload), expected, "{payload}");
    }
    // Only the whole path can be a name, not a part of it.
    assert_eq!(
        roles(
            &roles_from(&["a.b.c"]),
            r#"{"a":{"b.c":["user"]},"a.b":{"c":["user"]}}"#
        ),
        [""; 0]
    );
}

#[test]
fn what_only_resembles_a_role_grants_nothing() {
    let policy = roles_from(&["realm_access.roles", "roles"]);
    for payload in [
        "{}",
        r#"{"realm_access":["roles","admin"]}"#,
        r#"{"realm_access":"roles"}"#,
        r#"{"realm_access":null}"#,
        r#"{"realm_access":{"roles":{"admin":true}}}"#,
        r#"{"realm_access":{"roles":[["admin"],{"admin":1},7,null,true]}}"#,
        r#"{"realm_access":{"roles":true}}"#,
        r#"{"realm_access":{"Roles":["admin"]}}"#,
        r#"{"realm_access":[{"roles":["admin"]}]}"#,
        r#"{"x":{"realm_access":{"roles":["admin"]}}}"#,
        r#"{"permissions":["admin"],"scope":"admin"}"#,
        // Other libraries may read the first or the last of two members with the same name.
        r#"{"realm_access":{"roles":["user"],"roles":["admin"]}}"#,
        r#"{"realm_access":{"roles":["user"],"r\u006fles":["admin"]}}"#,
    ] {
        assert_eq!(roles(&policy, payload), [""; 0], "{payload}");
    }
    let expected = ["admin,editor", " user", "Admin", "*"];
    let payload = r#"{"roles":["admin,editor"," user","Admin","*"]}"#;
    assert_eq!(roles(&policy, payload), expected);
}

#[test]
fn other_sources_replace_the_default_claims() {
    let mut requirements = Requirements::new();
    let permission = requirements.permission(&Permission::new("blog.add").unwrap());
    let scope = requirements.scope("write");
    let found = |policy: &ClaimsPolicy, payload| {
        let claims = admit_with(policy, &requirements, payload).unwrap();
        // Until the grants are read, no guard finds any.
        assert_eq!(*claims.grant_set(), GrantSet::default());
        let claims = claims.with_requirements(&requirements);
        [permission, scope].map(|id| claims.grant_set().contains(id))
    };
    let standard = r#"{"permissions":["blog.*"],"scope":"write"}"#;
    let other = r#"{"a":{"p":["blog.*"],"s":["read write"]}}"#;
    let permissions = lenient().with_permissions_from([path("a.p")]);
    assert_eq!(found(&permissions, standard), [false, true]);
    assert_eq!(found(&permissions, other), [true, false]);
    let scopes = lenient().with_scopes_from([path("a.s")]);
    assert_eq!(found(&scopes, standard), [true, false]);
    assert_eq!(found(&scopes, other), [false, true]);
    let both = permissions.with_scopes_from([path("a.s"), path("scope")]);
    assert_eq!(found(&both, standard), [false, true]);
    assert_eq!(found(&both, other), [true, true]);
    let claims = read(
        &both,
        r#"{"a":{"p":"x y","s":"z x"},"scope":"w","permissions":["v"]}"#,
    );
    assert_eq!(claims.permissions(), ["x", "y", "z", "w"]);
    assert_eq!(claims.scopes(), ["z", "x", "w"]);
    // With roles alone, the other grants are still in the default claims.
    assert_eq!(found(&roles_from(&["roles"]), standard), [true, true]);
    assert!(!lenient().reads_roles() && !both.reads_roles() && roles_from(&["a"]).reads_roles());
}

#[test]
fn claims_are_tested_with_other_sources() {
    let mut requirements = Requirements::new();
    let id = requirements.claim(&ClaimTest::new("amr").any_of(["mfa"]));
    let claims = admit_with(
        &roles_from(&["roles"]),
        &requirements,
        r#"{"\u0061mr":["mfa"]}"#,
    );
    assert!(
        claims
            .unwrap()
            .with_requirements(&requirements)
            .grant_set()
            .contains(id)
    );
}

#[test]
fn claims_with_a_wrong_type_are_reported_by_path() {
    let mut requirements = Requirements::new();
    requirements.role("admin");
    let policy = roles_from(&["realm_access.roles"]).with_scopes_from([path("scp")]);
    for (payload, expected) in [
        (
            r#"{"realm_access":{"roles":{"a":1}}}"#,
            &["realm_access.roles: an object"][..],
        ),
        (r#"{"scp":7,"scope":7}"#, &["scp: a number"]),
        (
            r#"{"permissions":true,"realm_access":{"roles":["admin",1]}}"#,
            &[
                "permissions: true or false",
                "realm_access.roles: a list with other values than strings",
            ],
        ),
        (
            r#"{"scp":null,"realm_access":{"roles":null},"scope":7}"#,
            &[],
        ),
        ("{}", &[]),
    ] {
        let claims = admit_with(&policy, &requirements, payload).unwrap();
        let found = claims.with_requirements(&requirements).ignored_grants();
        let found: Vec<_> = found
            .iter()
            .map(|one| format!("{}: {}", one.claim(), one.found()))
            .collect();
        assert_eq!(found, expected, "{payload}");
    }
}

#[test]
fn mistakes_in_sources_are_found() {
    let mistake = |policy: ClaimsPolicy| policy.check_settings();
    let many = |count| {
        (0..count)
            .map(|n| path(&format!("r{n}")))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        mistake(lenient().with_roles_from(many(ClaimsPolicy::MAX_SOURCES))),
        Ok(())
    );
    for (paths, expected) in [
        (many(0), PolicyError::NoClaimPath),
        (
            many(ClaimsPolicy::MAX_SOURCES + 1),
            PolicyError::TooManyClaimPaths,
        ),
        (
            vec![path("a"), path("b"), path("a")],
            PolicyError::DuplicateClaimPath,
        ),
    ] {
        assert_eq!(
            mistake(lenient().with_roles_from(paths.clone())),
            Err(expected)
        );
        assert_eq!(
            mistake(lenient().with_scopes_from(paths.clone())),
            Err(expected)
        );
        assert_eq!(
            mistake(lenient().with_permissions_from(paths)),
            Err(expected)
        );
    }
    let text = PolicyError::TooManyClaimPaths.to_string();
    assert!(text.contains(&ClaimsPolicy::MAX_SOURCES.to_string()));
}

/// Looks a path up in claims that `serde_json` has parsed.
fn look_up<'v>(claims: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(whole) = claims.get(path) {
        return Some(whole);
    }
    let mut parts = path.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.as_object()?.get(part))
}

fn expected_roles(value: Option<&Value>) -> Vec<String> {
    let words = |text: &String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut all = match value {
        Some(Value::String(text)) => {
            let mut words = words(text);
            words.retain(|word| !word.is_empty());
            words
        }
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|one| Some(one.as_str()?.to_owned()))
            .collect(),
        _ => Vec::new(),
    };
    let mut seen = Vec::new();
    all.retain(|role| {
        !seen.contains(role) && {
            seen.push(role.clone());
            true
        }
    });
    all
}

/// Objects whose names are parts of paths, or whole paths.
fn objects() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!(7)),
        "[ab ]{0,4}".prop_map(Value::from),
        prop::collection::vec(
            prop_oneof![Just(json!(1)), "[ab ]{1,2}".prop_map(Value::from)],
            0..4
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::hash_map("[ab]|a\\.[ab](\\.a)?", inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn path_finds_what_a_naive_lookup_finds(
        members in prop::collection::hash_map("[ab]|a\\.[ab](\\.a)?", objects(), 0..5),
        text in "[ab](\\.[ab]){0,3}",
        mut seed in any::<u64>(),
    ) {
        let claims: Map<String, Value> = members.into_iter().collect();
        let payload = write(&Value::Object(claims.clone()), &mut seed);
        let found = read(&roles_from(&[&text]), &payload);
        prop_assert_eq!(found.roles(), expected_roles(look_up(&claims, &text)), "{} {}", text, payload);
    }
}
