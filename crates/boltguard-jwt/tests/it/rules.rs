//! Claims that must have one of several values or pass a test, and the name of the claim that failed.

use boltguard_grants::ClaimTest;
use boltguard_jwt::ClaimsPolicy;

use crate::{admit, assert_admitted, assert_refused, lenient, mismatch, missing, not_access_token};

#[test]
fn a_claim_must_be_one_of_the_values() {
    for name in ["token_use", "tenant", "a\"b", "é"] {
        let quoted = serde_json::Value::from(name);
        let with = |value: &str| format!("{{{quoted}:{value}}}");
        let policy = lenient().with_claim(name, "x").with_claim(name, "y");
        assert_admitted(
            &policy,
            &[&with(r#""x""#), &with(r#""y""#), &with(r#""\u0078""#)],
        );
        for value in [
            r#""X""#,
            r#""x ""#,
            r#""""#,
            "1",
            "true",
            r#"["x"]"#,
            r#"{"x":1}"#,
        ] {
            assert_refused(&policy, &[&with(value)], mismatch(name));
        }
        assert_refused(&policy, &["{}", &with("null")], missing(name));
    }
}

#[test]
fn values_are_not_mixed_up_by_kind() {
    let policy = lenient().with_claim("v", 1).with_claim("v", true);
    assert_admitted(&policy, &[r#"{"v":1}"#, r#"{"v":true}"#]);
    assert_refused(
        &policy,
        &[
            r#"{"v":"1"}"#,
            r#"{"v":false}"#,
            r#"{"v":1.5}"#,
            r#"{"v":[1]}"#,
        ],
        mismatch("v"),
    );
}

#[test]
fn every_rule_has_to_hold() {
    let policy = lenient().with_claim("a", "x").with_claim("b", "y");
    assert_admitted(&policy, &[r#"{"a":"x","b":"y"}"#]);
    assert_refused(&policy, &[r#"{"a":"x","b":"x"}"#], mismatch("b"));
    assert_refused(&policy, &[r#"{"a":"x"}"#], missing("b"));
}

#[test]
fn acr_must_be_one_of_the_classes() {
    let policy = lenient().requiring(ClaimTest::new("acr").any_of(["silver", "gold"]));
    assert_admitted(&policy, &[r#"{"acr":"gold"}"#, r#"{"acr":"\u0067old"}"#]);
    let others = [r#"{"acr":"bronze"}"#, r#"{"acr":""}"#, r#"{"acr":1}"#];
    assert_refused(&policy, &others, mismatch("acr"));
    assert_refused(&policy, &["{}", r#"{"acr":null}"#], missing("acr"));
}

#[test]
fn a_test_looks_into_lists() {
    let policy = lenient().requiring(ClaimTest::new("amr").all_of(["mfa"]).none_of(["sms"]));
    assert_admitted(&policy, &[r#"{"amr":["pwd","mfa"]}"#, r#"{"amr":"mfa"}"#]);
    let others = [
        r#"{"amr":["pwd"]}"#,
        r#"{"amr":["mfa","sms"]}"#,
        r#"{"amr":[["mfa"]]}"#,
        r#"{"amr":[]}"#,
    ];
    assert_refused(&policy, &others, mismatch("amr"));
}

#[test]
fn every_test_and_value_has_to_hold() {
    let is = |value| ClaimTest::new("a").any_of([value]);
    let policy = lenient().requiring(is("x")).requiring(is("y"));
    assert_admitted(&policy, &[r#"{"a":["x","y"]}"#]);
    assert_refused(&policy, &[r#"{"a":"x"}"#, r#"{"a":"y"}"#], mismatch("a"));
    let policy = lenient()
        .requiring(is("x"))
        .with_claim("a", "x")
        .with_claim("a", "y");
    assert_admitted(&policy, &[r#"{"a":"x"}"#]);
    assert_refused(&policy, &[r#"{"a":"y"}"#, r#"{"a":["x"]}"#], mismatch("a"));
}

#[test]
fn many_tests_are_found_in_one_pass() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let tested = |policy: ClaimsPolicy, name: &&str| policy.requiring(ClaimTest::new(*name));
    let policy = names.iter().fold(lenient(), tested);
    assert_admitted(&policy, &[r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}"#]);
    assert_refused(
        &policy,
        &[r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":null}"#],
        missing("f"),
    );
}

#[test]
fn a_test_admits_no_other_class_of_token() {
    for name in ["token_type", "token_use", "typ", "type"] {
        for test in [
            ClaimTest::new(name),
            ClaimTest::new(name).any_of(["refresh"]),
            ClaimTest::new(name).none_of(["id"]),
        ] {
            let policy = lenient().for_authentication().requiring(test);
            let payload = format!(r#"{{"sub":"a","{name}":"refresh"}}"#);
            assert_refused(&policy, &[&payload], not_access_token(name));
        }
        let test = ClaimTest::new(name).any_of(["access"]);
        let policy = lenient().for_authentication().requiring(test);
        assert_admitted(&policy, &[&format!(r#"{{"sub":"a","{name}":"access"}}"#)]);
        let payload = format!(r#"{{"sub":"a","{name}":"other"}}"#);
        assert_refused(&policy, &[&payload], mismatch(name));
        assert_refused(&policy, &[r#"{"sub":"a"}"#], missing(name));
    }
}

#[test]
fn the_claim_at_fault_is_named() {
    let strict = || ClaimsPolicy::new().for_authentication();
    for (policy, payload, claim) in [
        (strict(), r#"{"sub":"a"}"#, Some("exp")),
        (
            lenient().with_required(["sub", "tenant", "region"]),
            r#"{"sub":"a","tenant":null}"#,
            Some("tenant"),
        ),
        (lenient().with_audience(["a"]), "{}", Some("aud")),
        (lenient().with_issuer(["a"]), "{}", Some("iss")),
        (lenient().with_claim("tenant", "x"), "{}", Some("tenant")),
        (
            lenient().with_claim("a", "x").with_claim("tenant", "x"),
            r#"{"a":"x","tenant":"y"}"#,
            Some("tenant"),
        ),
        (lenient().for_authentication(), "{}", Some("sub")),
        (
            lenient().for_authentication().with_user_id_claim("uid"),
            "{}",
            Some("uid"),
        ),
        (
            lenient().for_authentication(),
            r#"{"sub":"a","token_use":"id"}"#,
            Some("token_use"),
        ),
        (lenient(), r#"{"iat":"1"}"#, Some("iat")),
        (
            lenient().ignoring_issued_at(),
            r#"{"iat":"1","jti":7}"#,
            Some("jti"),
        ),
        (
            lenient().with_user_id_claim("uid"),
            r#"{"uid":[]}"#,
            Some("uid"),
        ),
        (lenient(), r#"{"exp":1}"#, None),
        (lenient(), "[]", None),
    ] {
        let error = admit(&policy, payload).unwrap_err();
        assert_eq!(error.claim(), claim, "{payload}");
    }
}
