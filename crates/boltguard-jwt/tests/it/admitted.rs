//! The values of admitted claims.

use boltguard_jwt::AdmittedClaims;

use crate::{admit, lenient};

fn read(payload: &str) -> AdmittedClaims {
    admit(&lenient().ignoring_audience(), payload).unwrap()
}

#[test]
fn the_claims_are_the_text_that_was_signed() {
    for payload in [
        "{}",
        " {\"a\" : 1.0,\n\"b\":\"\\u00e9\"} ",
        "{\"é\":18446744073709551616,\"x\":1e1}",
    ] {
        assert_eq!(read(payload).as_json(), payload);
    }
}

#[test]
fn any_claim_is_found_by_its_name() {
    let claims = read(
        r#"{"a":1.50,"b":[1, 2],"c":"x\"y","\u0064":null,"":{},"é":true,"aud":["z"],"sub":"s"}"#,
    );
    for (name, value) in [
        ("a", "1.50"),
        ("b", "[1, 2]"),
        ("c", r#""x\"y""#),
        ("d", "null"),
        ("", "{}"),
        ("é", "true"),
        ("aud", r#"["z"]"#),
        ("sub", r#""s""#),
    ] {
        assert_eq!(claims.get(name), Some(value), "{name}");
    }
    for name in ["A", "x", "\\u0064", "1", "s", "a "] {
        assert_eq!(claims.get(name), None, "{name}");
    }
}

#[test]
fn whitespace_around_a_value_is_ignored() {
    assert_eq!(
        read("{ \"a\" :\r\n [ ] \t, \"b\": 1 }").get("a"),
        Some("[ ]")
    );
    assert_eq!(read("{ \"a\" :\r\n [ ] \t, \"b\": 1 }").get("b"), Some("1"));
}

#[test]
fn what_is_not_there_is_none() {
    let claims = read("{}");
    assert_eq!(
        (
            claims.subject(),
            claims.issuer(),
            claims.token_id(),
            claims.user_id()
        ),
        (None, None, None, None)
    );
    assert!(!claims.is_staff() && !claims.is_superuser());
    assert!(claims.permissions().is_empty() && claims.scopes().is_empty());
}

#[test]
fn only_true_is_true() {
    for value in [
        "1",
        "\"true\"",
        "[true]",
        "{\"a\":true}",
        "null",
        "false",
        "\"1\"",
        "0",
    ] {
        let claims = read(&format!(r#"{{"is_staff":{value},"is_superuser":{value}}}"#));
        assert!(!claims.is_staff() && !claims.is_superuser(), "{value}");
    }
    let claims = read(r#"{"is_\u0073taff":true,"is_superuser": true }"#);
    assert!(claims.is_staff() && claims.is_superuser());
    assert!(!read(r#"{"Is_Staff":true,"a":{"is_staff":true}}"#).is_staff());
}
