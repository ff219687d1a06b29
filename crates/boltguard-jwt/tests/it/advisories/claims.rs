//! Claims that aren't checked, or are checked incorrectly.

use std::time::Duration;

use boltguard_grants::Requirements;
use boltguard_jwt::{ClaimsError, ClaimsPolicy};
use boltguard_keys::Algorithm::Hs256;
use boltguard_keys::{KeyError, KeySet};
use boltguard_testing::{forge, keys};
use boltguard_types::ReasonCode;

use super::{trusting, verdict};
use crate::{
    admit, admit_wanting, assert_reason, assert_refused, expired, lenient, missing, wrong_type,
};

// CVE-2025-53864 (Nimbus JOSE+JWT) and CVE-2026-101918 (PyJWT).
#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [100, 2_000] {
            let claims = format!(r#"{{"a":{}1{}}}"#, open.repeat(depth), close.repeat(depth));
            assert_eq!(
                admit(&lenient(), claims).err(),
                Some(ClaimsError::Malformed)
            );
        }
        assert_eq!(
            admit(&lenient(), format!(r#"{{"a":{}"#, open.repeat(2_400))).err(),
            Some(ClaimsError::Malformed)
        );
    }
    // A key set is read separately and doesn't have such a limit.
    let set = format!(r#"{{"keys":[],"a":{}}}"#, "[".repeat(100_000));
    assert_eq!(
        KeySet::from_jwks(&set, &[Hs256]).unwrap_err(),
        KeyError::Json
    );
}

// CVE-2024-53861 (PyJWT): the issuer was looked for inside the expected one.
#[test]
fn an_issuer_is_not_looked_for_inside_another() {
    let policy = lenient().with_issuer(["_abc_"]);
    assert_refused(
        &policy,
        &[
            r#"{"iss":"abc"}"#,
            r#"{"iss":"_abc"}"#,
            r#"{"iss":"_"}"#,
            r#"{"iss":""}"#,
            r#"{"iss":"_abc__"}"#,
            r#"{"iss":"acb"}"#,
        ],
        ClaimsError::IssuerMismatch,
    );
}

// CVE-2025-30144 (fast-jwt): a list was an issuer if one of its members was.
#[test]
fn list_is_not_an_issuer() {
    let policy = lenient().with_issuer(["https://valid.example"]);
    assert_refused(
        &policy,
        &[
            r#"{"iss":["https://attacker.example","https://valid.example"]}"#,
            r#"{"iss":["https://valid.example"]}"#,
            r#"{"iss":[]}"#,
        ],
        wrong_type("iss"),
    );
}

// CVE-2020-26160 (jwt-go): a list, or an empty one, passed for any audience. CVE-2025-62610 (Hono): `aud` was not
// looked at.
#[test]
fn token_for_another_audience_is_rejected() {
    let others = [
        r#"{"aud":[]}"#,
        r#"{"aud":["other"]}"#,
        r#"{"aud":"other"}"#,
        r#"{"aud":""}"#,
        r#"{"aud":[""]}"#,
    ];
    assert_refused(
        &lenient().with_audience(["shop"]),
        &others,
        ClaimsError::AudienceMismatch,
    );
    assert_refused(
        &lenient().with_audience(["shop"]),
        &["{}"],
        ClaimsError::AudienceMissing,
    );
    assert_refused(&lenient(), &others, ClaimsError::AudienceMismatch);
}

// CVE-2026-35040 and CVE-2026-35041 (fast-jwt): the expected value was a regular expression, which could take long and
// kept its position between two tokens.
#[test]
fn expected_name_is_not_a_pattern() {
    let policy = lenient().with_audience(["^(a+)+$"]).with_issuer([".*"]);
    for _ in 0..2 {
        assert!(admit(&policy, r#"{"aud":"^(a+)+$","iss":".*"}"#).is_ok());
        assert_refused(
            &policy,
            &[r#"{"aud":"aaaa","iss":".*"}"#],
            ClaimsError::AudienceMismatch,
        );
        assert_refused(
            &policy,
            &[r#"{"aud":"^(a+)+$","iss":"anybody"}"#],
            ClaimsError::IssuerMismatch,
        );
    }
}

// CVE-2026-25537 (jsonwebtoken for Rust): a date of the wrong type counted as absent.
#[test]
fn a_date_of_the_wrong_type_isnt_absent() {
    for value in [r#""99999999999""#, "[99999999999]", "{}", "true", "null"] {
        for name in ["exp", "nbf"] {
            assert_refused(
                &lenient(),
                &[&format!(r#"{{"{name}":{value}}}"#)],
                wrong_type(name),
            );
        }
    }
}

// CVE-2026-107723 (fast-jwt): claims that are lists weren't checked.
#[test]
fn claims_that_are_a_list_are_refused() {
    for payload in [
        "[]",
        r#"["exp"]"#,
        r#"[{"sub":"admin","exp":1800000000}]"#,
        r#""admin""#,
        "null",
        "7",
    ] {
        assert_refused(&lenient(), &[payload], ClaimsError::Malformed);
        assert_refused(&ClaimsPolicy::new(), &[payload], ClaimsError::Malformed);
    }
}

// CVE-2026-107721 (fast-jwt): an infinite tolerance switched the dates off. The longest that can be said here still
// ends.
#[test]
fn no_leeway_is_infinite() {
    assert!(Duration::try_from_secs_f64(f64::INFINITY).is_err());
    let policy = lenient().with_leeway(Duration::MAX);
    let past = r#"{"exp":-1e300}"#;
    assert_reason(&policy, &[past], ReasonCode::TokenExpired);
}

// CVE-2026-103001 (PyJWT): the options of one call also applied to the next.
#[test]
fn one_policy_does_not_change_another() {
    let strict = ClaimsPolicy::new();
    let relaxed = strict
        .clone()
        .ignoring_expiry()
        .ignoring_audience()
        .with_required([]);
    assert!(admit(&relaxed, r#"{"exp":1,"aud":"x"}"#).is_ok());
    for _ in 0..2 {
        assert_refused(&strict, &[r#"{"exp":1}"#], expired(1));
        assert_refused(&strict, &["{}"], missing("exp"));
    }
}

// CVE-2024-34273 (nJwt): a member named after a prototype changed what objects are.
#[test]
fn a_prototype_name_is_an_ordinary_name() {
    let claims = r#"{"__proto__":{"exp":9999999999,"sub":"admin"},"constructor":{"name":"x"},"sub":"guest"}"#;
    assert_refused(&ClaimsPolicy::new(), &[claims], missing("exp"));
    let admitted = admit_wanting(&Requirements::new(), claims).unwrap();
    assert_eq!(
        (admitted.subject().as_deref(), admitted.expires()),
        (Some("guest"), None)
    );
    let header = r#"{"alg":"HS256","__proto__":{"alg":"none"},"constructor":7}"#;
    let token = forge::signed(header, "{}", &keys::signing_key(Hs256));
    assert_eq!(verdict(&token, &trusting(&[Hs256])), Ok(()));
}
