//! Required claims, RFC 7519 §4.

use boltguard_jwt::ClaimsPolicy;

use crate::{assert_admitted, assert_refused, lenient, missing};

#[test]
fn a_required_claim_has_to_be_there() {
    for (name, present) in [
        ("sub", r#"{"sub":"a"}"#),
        ("iat", r#"{"iat":1}"#),
        ("nbf", r#"{"nbf":1}"#),
        ("iss", r#"{"iss":"a"}"#),
        ("jti", r#"{"jti":"a"}"#),
        ("tenant", r#"{"tenant":0}"#),
        ("tenant", r#"{"tenant":false}"#),
        ("tenant", r#"{"tenant":""}"#),
        ("tenant", r#"{"tenant":[]}"#),
        ("tenant", r#"{"tenant":"null"}"#),
        ("a\"b", r#"{"a\"b":1}"#),
        ("", r#"{"":1}"#),
        ("permissions", r#"{"permissions":[]}"#),
        ("scope", r#"{"scope":""}"#),
        ("é", r#"{"\u00e9":1}"#),
    ] {
        let policy = lenient().with_required([name]);
        assert_admitted(&policy, &[present]);
        assert_refused(
            &policy,
            &["{}", r#"{"other":1}"#, r#"{"a":{"sub":"a","tenant":1}}"#],
            missing(name),
        );
    }
}

#[test]
fn null_is_absent() {
    for payload in [r#"{"tenant":null}"#, r#"{"tenant" : null }"#] {
        assert_refused(
            &lenient().with_required(["tenant"]),
            &[payload],
            missing("tenant"),
        );
    }
    assert_admitted(&lenient(), &[r#"{"tenant":null}"#]);
}

#[test]
fn all_that_is_required_has_to_be_there() {
    let policy = lenient().with_required(["exp", "sub", "tenant"]);
    assert_admitted(&policy, &[r#"{"tenant":1,"sub":"a","exp":1800000000}"#]);
    for (payload, name) in [
        (r#"{"sub":"a","exp":1800000000}"#, "tenant"),
        (r#"{"tenant":1,"exp":1800000000}"#, "sub"),
        (r#"{"tenant":1,"sub":"a"}"#, "exp"),
        ("{}", "exp"),
    ] {
        assert_refused(&policy, &[payload], missing(name));
    }
}

#[test]
fn names_are_compared_exactly() {
    let policy = lenient().with_required(["tenant"]);
    assert_refused(
        &policy,
        &[
            r#"{"Tenant":1}"#,
            r#"{"tenant ":1}"#,
            r#"{"tenant\u0000":1}"#,
            r#"{"tenan":1}"#,
        ],
        missing("tenant"),
    );
    assert_admitted(&policy, &[r#"{"\u0074enant":1}"#]);
}

#[test]
fn the_last_of_two_settings_counts() {
    let policy = ClaimsPolicy::new()
        .with_required(["sub"])
        .with_required(["tenant"]);
    assert_admitted(&policy, &[r#"{"tenant":1}"#]);
}
