//! Claims that must have one of a few values, and which claim it was that failed.

use boltguard_jwt::{ClaimsError, ClaimsPolicy};

use crate::{admit, assert_admitted, assert_refused, lenient};

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
            assert_refused(&policy, &[&with(value)], ClaimsError::Mismatch);
        }
        assert_refused(&policy, &["{}", &with("null")], ClaimsError::Missing);
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
        ClaimsError::Mismatch,
    );
}

#[test]
fn every_rule_has_to_hold() {
    let policy = lenient().with_claim("a", "x").with_claim("b", "y");
    assert_admitted(&policy, &[r#"{"a":"x","b":"y"}"#]);
    assert_refused(&policy, &[r#"{"a":"x","b":"x"}"#], ClaimsError::Mismatch);
    assert_refused(&policy, &[r#"{"a":"x"}"#], ClaimsError::Missing);
}

#[test]
fn the_claim_at_fault_is_named() {
    let strict = || ClaimsPolicy::new().for_authentication();
    for (policy, payload, claim) in [
        (strict(), r#"{"sub":"a"}"#, Some("exp")),
        (
            lenient().requiring_only(["sub", "tenant", "region"]),
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
        assert_eq!(policy.claim_at_fault(error, payload), claim, "{payload}");
    }
}
