//! Permissions, scopes and tests of claims, which guards require.

use boltguard_grants::{ClaimTest, ClaimValue, GrantSet, Identity, Requirements};
use boltguard_jwt::AdmittedClaims;
use boltguard_types::Permission;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::admit_wanting;
use crate::properties::write;

fn read(payload: &str) -> AdmittedClaims {
    admit_wanting(&Requirements::new(), payload).unwrap()
}

fn requirements_for(permissions: &[&str]) -> Requirements {
    let mut requirements = Requirements::new();
    for permission in permissions {
        requirements.permission(&Permission::new(permission).unwrap());
    }
    requirements
}

/// Whether these claims grant the permission.
fn grants(payload: &str, permission: &str) -> bool {
    let mut requirements = requirements_for(&[]);
    let id = requirements.permission(&Permission::new(permission).unwrap());
    admit_wanting(&requirements, payload)
        .unwrap()
        .grant_set()
        .contains(id)
}

#[test]
fn permissions_are_the_strings_of_a_list() {
    for payload in [
        r#"{"permissions":["blog.add"]}"#,
        r#"{"permissions":["x","blog.add","y"]}"#,
        r#"{"permissions":[1,null,"blog.add",["blog.x"],{}]}"#,
        r#"{"permissions":["blog\u002eadd"]}"#,
        r#"{"perm\u0069ssions":[ "blog.add" ]}"#,
        r#"{"permissions":["blog.*"]}"#,
        r#"{"permissions":["*"]}"#,
        r#"{"scope":"blog.add"}"#,
        r#"{"scope":"a blog.add  b"}"#,
        r#"{"scope":"a\u0020blog.add"}"#,
        r#"{"permissions":"blog.add"}"#,
        r#"{"permissions":"shop.add  blog.add"}"#,
        r#"{"permissions":"blog.* x"}"#,
        r#"{"permissions":"x\u0020blog.add"}"#,
        r#"{"scope":["blog.add"]}"#,
        r#"{"scope":["a","x blog.add"]}"#,
        r#"{"scope":[7,"blog\u002eadd"]}"#,
        r#"{"scp":"blog.add"}"#,
        r#"{"scp":"a blog.add"}"#,
        r#"{"scp":["a","blog.add"]}"#,
        r#"{"s\u0063p":["blog.add"]}"#,
        r#"{"scope":"x","scp":["blog.add"],"permissions":"y"}"#,
    ] {
        assert!(grants(payload, "blog.add"), "{payload}");
    }
}

#[test]
fn what_only_resembles_a_grant_grants_nothing() {
    for payload in [
        "{}",
        r#"{"permissions":"blog.add,shop.add"}"#,
        r#"{"permissions":"x\tblog.add"}"#,
        r#"{"permissions":{"blog.add":true}}"#,
        r#"{"permissions":[["blog.add"]]}"#,
        r#"{"permissions":[{"name":"blog.add"}]}"#,
        r#"{"permissions":["blog.add "]}"#,
        r#"{"permissions":["Blog.Add"]}"#,
        r#"{"permissions":["blog.ad"]}"#,
        r#"{"permissions":["blog.add.x"]}"#,
        r#"{"permissions":["blog"]}"#,
        r#"{"permissions":["blog."]}"#,
        r#"{"permissions":["blo*"]}"#,
        r#"{"permissions":["*.add"]}"#,
        r#"{"permissions":["blog.add","x"],"permission":[]}"#
            .replace("\"blog.add\",", "")
            .as_str(),
        r#"{"PERMISSIONS":["blog.add"]}"#,
        r#"{"a":{"permissions":["blog.add"]}}"#,
        r#"{"scope":"*"}"#,
        r#"{"scope":"blog.*"}"#,
        r#"{"scope":[["blog.add"]]}"#,
        r#"{"scope":["blog.*"]}"#,
        r#"{"scope":{"blog.add":true}}"#,
        r#"{"scp":"*"}"#,
        r#"{"scp":{"blog.add":true}}"#,
        r#"{"SCP":"blog.add"}"#,
        r#"{"scopes":"blog.add"}"#,
        r#"{"scope":"blog.add,x"}"#,
        r#"{"scope":"x\tblog.add"}"#,
        r#"{"scope":"x\u00a0blog.add"}"#,
    ] {
        assert!(!grants(payload, "blog.add"), "{payload}");
    }
}

#[test]
fn permissions_are_listed_each_once() {
    let list = |payload: &str| -> Vec<String> {
        read(payload)
            .permissions()
            .into_iter()
            .map(Into::into)
            .collect()
    };
    assert_eq!(
        list(r#"{"permissions":["b","a",7,"b","\u0061"]}"#),
        ["b", "a"]
    );
    assert_eq!(
        list(r#"{"permissions":["a"],"scope":"a b b c"}"#),
        ["a", "b", "c"]
    );
    assert_eq!(
        list(r#"{"permissions":"a b\u0020c a","scope":["b","d e"],"scp":"f a"}"#),
        ["a", "b", "c", "d", "e", "f"]
    );
    assert_eq!(
        list(r#"{"permissions":{"a":1},"scope":7,"scp":null}"#),
        [""; 0]
    );
}

#[test]
fn claims_with_a_wrong_type_are_reported() {
    let mut requirements = requirements_for(&["a.b"]);
    requirements.scope("x");
    for (payload, expected) in [
        (
            r#"{"permissions":{"a.b":true}}"#,
            Some(("permissions", "an object")),
        ),
        (r#"{"scope":7}"#, Some(("scope", "a number"))),
        (r#"{"scp":true}"#, Some(("scp", "true or false"))),
        (
            r#"{"permissions":["a.b",7]}"#,
            Some(("permissions", "a list with other values than strings")),
        ),
        (
            r#"{"scp":[["x"]]}"#,
            Some(("scp", "a list with other values than strings")),
        ),
        (r#"{"permissions":null,"scope":null,"scp":null}"#, None),
        (r#"{"permissions":["a.b"],"scope":"x","scp":["x"]}"#, None),
        (r#"{"permissions":[],"scope":"","scp":[]}"#, None),
        ("{}", None),
    ] {
        let claims = admit_wanting(&requirements, payload).unwrap();
        let found = claims.ignored_grants();
        let found: Vec<_> = found.iter().map(|one| (one.claim(), one.found())).collect();
        assert_eq!(found, Vec::from_iter(expected), "{payload}");
    }
    let claims = admit_wanting(&requirements, r#"{"scope":{"secret":1}}"#).unwrap();
    assert_eq!(
        claims.ignored_grants()[0].to_string(),
        "the claim `scope` must be a string or a list of strings, not an object"
    );
}

#[test]
fn scopes_are_split_at_spaces() {
    let list = |payload: &str| -> Vec<String> {
        read(payload).scopes().into_iter().map(Into::into).collect()
    };
    assert_eq!(list(r#"{"scope":"a b"}"#), ["a", "b"]);
    assert_eq!(list(r#"{"scope":"  a\u0020b  "}"#), ["a", "b"]);
    assert_eq!(list(r#"{"scope":"a\tb"}"#), ["a\tb"]);
    assert_eq!(list(r#"{"scope":""}"#), [""; 0]);
    assert_eq!(
        list(r#"{"scope":"b a","scp":["a c",7,"d"]}"#),
        ["b", "a", "c", "d"]
    );
}

#[test]
fn grants_without_requirement_are_not_recorded() {
    let claims = read(r#"{"permissions":["a","*"],"scope":"b","amr":["pwd"]}"#);
    assert_eq!(*claims.grant_set(), GrantSet::default());
    assert_eq!(claims.permissions(), ["a", "*", "b"]);
}

#[test]
fn a_claim_is_tested_where_it_stands() {
    let mut requirements = Requirements::new();
    let mfa = requirements.claim(&ClaimTest::new("amr").any_of(["mfa"]));
    let org = requirements.claim(&ClaimTest::new("org").any_of([7]));
    let no_bot = requirements.claim(&ClaimTest::new("client").none_of(["bot"]));
    let grant_set = |payload: &str| {
        let claims = admit_wanting(&requirements, payload).unwrap();
        [mfa, org, no_bot].map(|id| claims.grant_set().contains(id))
    };
    assert_eq!(
        grant_set(r#"{"amr":["pwd","mfa"],"org":7,"client":"web"}"#),
        [true, true, true]
    );
    assert_eq!(
        grant_set(r#"{"\u0061mr":"m\u0066a","o\u0072g":[7]}"#),
        [true, true, false]
    );
    assert_eq!(
        grant_set(r#"{"amr":["sms"],"org":"7","client":"bot"}"#),
        [false, false, false]
    );
    assert_eq!(
        grant_set(r#"{"amr":null,"org":7.0,"client":null}"#),
        [false, false, false]
    );
    assert_eq!(
        grant_set(r#"{"a":{"amr":"mfa","org":7}}"#),
        [false, false, false]
    );
}

#[test]
fn a_registered_claim_is_tested_too() {
    let mut requirements = Requirements::new();
    let id = requirements.claim(&ClaimTest::new("sub").any_of(["42"]));
    let scope = requirements.claim(&ClaimTest::new("scope").any_of(["a b"]));
    let claims = admit_wanting(&requirements, r#"{"sub":"42","scope":"a b"}"#).unwrap();
    assert!(claims.grant_set().contains(id) && claims.grant_set().contains(scope));
    assert_eq!(claims.subject().as_deref(), Some("42"));
}

/// Reads claims in a simple way, without regard to cost.
fn naive(claims: &Value) -> Identity {
    let strings = |list: &Value| -> Vec<String> {
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(String::from)
            .collect()
    };
    let words = |texts: Vec<String>| -> Vec<String> {
        let words = texts.iter().flat_map(|text| text.split(' '));
        words
            .filter(|word| !word.is_empty())
            .map(String::from)
            .collect()
    };
    let permissions = match &claims["permissions"] {
        Value::String(text) => words(vec![text.clone()]),
        list => strings(list),
    };
    let scopes = ["scope", "scp"].map(|name| match &claims[name] {
        Value::String(text) => words(vec![text.clone()]),
        list => words(strings(list)),
    });
    let identity = Identity::new("42", "jwt")
        .with_permissions(permissions.iter().map(String::as_str))
        .with_scopes(scopes.iter().flatten().map(String::as_str));
    let members = claims.as_object().unwrap().iter();
    members.fold(identity, |identity, (name, value)| {
        identity.with_claim(name, value.clone())
    })
}

fn name() -> impl Strategy<Value = String> {
    "[ab]{1,2}(\\.[ab]{1,2})?|é|\"".boxed()
}

fn granted() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        "[ab]{1,2}\\.\\*",
        Just("*".to_owned()),
        "[ab]\\*",
        Just(String::new())
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        granted().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null)
    ]
}

#[test]
fn interpreted_claims_can_be_tested_too() {
    let mut requirements = Requirements::new();
    let banned = requirements.claim(&ClaimTest::new("banned").any_of([true]));
    // The last is the largest double, written with one digit more than it needs.
    for other in ["1", "1e308", "1.7976931348623158e308"] {
        let payload = format!(r#"{{"banned":[true,{other}]}}"#);
        let claims = admit_wanting(&requirements, &payload).unwrap();
        assert!(claims.grant_set().contains(banned), "{payload}");
    }
}

fn claim() -> impl Strategy<Value = Value> {
    prop_oneof![
        scalar(),
        prop::collection::vec(scalar(), 0..4).prop_map(Value::from),
        Just(json!({"a": 1})),
        Just(json!(1.0))
    ]
}

fn claim_test() -> impl Strategy<Value = ClaimTest> {
    let values = || prop::collection::vec(name(), 0..3);
    (
        prop::sample::select(vec!["a", "permissions", "scope", "sub"]),
        values(),
        values(),
        values(),
    )
        .prop_map(|(name, any, all, none)| {
            let texts = |list: &[String]| {
                list.iter()
                    .map(|text| text.as_str().into())
                    .collect::<Vec<ClaimValue>>()
            };
            let mut test = ClaimTest::new(name);
            for (list, add) in [
                (
                    any,
                    ClaimTest::any_of as fn(ClaimTest, Vec<ClaimValue>) -> ClaimTest,
                ),
                (all, ClaimTest::all_of),
                (none, ClaimTest::none_of),
            ] {
                if !list.is_empty() {
                    test = add(test, texts(&list));
                }
            }
            test
        })
}

proptest! {
    #[test]
    fn held_agrees_with_a_naive_reading(
        permissions in prop_oneof![prop::collection::vec(scalar(), 0..8).prop_map(Value::from), claim()],
        scope in prop_oneof![prop::collection::vec(granted(), 0..5).prop_map(|scopes| Value::from(scopes.join(" "))), claim()],
        scp in claim(),
        other in claim(),
        required in prop::collection::vec(name(), 0..20),
        scopes in prop::collection::vec(name(), 0..4),
        tests in prop::collection::vec(claim_test(), 0..4),
        seed in 1..u64::MAX,
    ) {
        let claims = json!({"permissions": permissions, "scope": scope, "scp": scp, "a": other, "sub": "a"});
        let mut requirements = Requirements::new();
        for name in &required {
            if let Ok(permission) = Permission::new(name) {
                requirements.permission(&permission);
            }
        }
        for scope in &scopes {
            requirements.scope(scope);
        }
        for test in &tests {
            requirements.claim(test);
        }
        let mut seed = seed;
        let text = write(&claims, &mut seed);
        let read = admit_wanting(&requirements, &text).unwrap();
        prop_assert_eq!(read.grant_set(), &requirements.grants_of(&naive(&claims)), "{}", text);
    }
}
