//! `sub`, `jti` and the claim that names the user, RFC 7519 §4.1.2 and §4.1.7.

use boltguard_jwt::{ClaimsError, UserId};

use crate::{admit, assert_admitted, assert_refused, lenient, wrong_type};

/// JSON values that aren't strings.
const NO_STRINGS: [&str; 8] = [
    "7",
    "1.5",
    "true",
    "null",
    "[]",
    r#"["a"]"#,
    "{}",
    r#"{"a":"b"}"#,
];

#[test]
fn sub_and_jti_are_strings() {
    for name in ["sub", "jti"] {
        for value in NO_STRINGS {
            assert_refused(
                &lenient(),
                &[&format!(r#"{{"{name}":{value}}}"#)],
                wrong_type(name),
            );
        }
        assert_admitted(
            &lenient(),
            &[
                &format!(r#"{{"{name}":"a"}}"#),
                &format!(r#"{{"{name}":""}}"#),
            ],
        );
    }
}

#[test]
fn an_ignored_name_may_be_anything() {
    for value in NO_STRINGS {
        assert_admitted(
            &lenient().ignoring_subject(),
            &[&format!(r#"{{"sub":{value}}}"#)],
        );
        assert_admitted(
            &lenient().ignoring_token_id(),
            &[&format!(r#"{{"jti":{value}}}"#)],
        );
        assert_refused(
            &lenient().ignoring_token_id(),
            &[&format!(r#"{{"sub":{value}}}"#)],
            wrong_type("sub"),
        );
        let claims = admit(
            &lenient().ignoring_subject(),
            format!(r#"{{"sub":{value}}}"#),
        )
        .unwrap();
        assert_eq!(
            (claims.subject(), claims.user_id()),
            (None, None),
            "{value}"
        );
    }
}

#[test]
fn a_subject_that_is_expected_is_compared_whole() {
    let policy = lenient().with_subject("42");
    assert_admitted(&policy, &[r#"{"sub":"42"}"#, r#"{"sub":"\u0034\u0032"}"#]);
    assert_refused(
        &policy,
        &[
            "{}",
            r#"{"sub":""}"#,
            r#"{"sub":"4"}"#,
            r#"{"sub":"420"}"#,
            r#"{"sub":"42 "}"#,
        ],
        ClaimsError::SubjectMismatch,
    );
    assert_refused(&policy, &[r#"{"sub":42}"#], wrong_type("sub"));
}

#[test]
fn names_are_read_back_with_their_escapes_decoded() {
    let claims = admit(
        &lenient(),
        r#"{"sub":"é\u0020\ud83d\ude00","jti":"a\"b\\","iss":"\/"}"#,
    )
    .unwrap();
    assert_eq!(claims.subject().as_deref(), Some("é 😀"));
    assert_eq!(claims.token_id().as_deref(), Some("a\"b\\"));
    assert_eq!(claims.issuer().as_deref(), Some("/"));
    assert_eq!(claims.user_id(), Some(UserId::String("é 😀".into())));
}

#[test]
fn a_user_id_is_a_string_or_integer() {
    let policy = lenient().with_user_id_claim("uid");
    let id = |payload: &str| {
        admit(&policy, payload).map(|claims| claims.user_id().unwrap().as_str().to_owned())
    };
    for (payload, expected) in [
        (r#"{"uid":7}"#, "7"),
        (r#"{"uid":-7}"#, "-7"),
        (r#"{"uid":0}"#, "0"),
        (r#"{"sub":"8","uid":"7"}"#, "7"),
        (r#"{"uid":18446744073709551616}"#, "18446744073709551616"),
        (r#"{"uid":"a\u0062\n"}"#, "ab\n"),
        (r#"{"u\u0069d" : 7 }"#, "7"),
        (r#"{"uid":"\""}"#, "\""),
    ] {
        assert_eq!(id(payload).as_deref(), Ok(expected), "{payload}");
    }
    for payload in [
        r#"{"uid":7.0}"#,
        r#"{"uid":7e0}"#,
        r#"{"uid":null}"#,
        r#"{"uid":true}"#,
        r#"{"uid":[7]}"#,
        r#"{"uid":{"id":7}}"#,
    ] {
        assert_eq!(id(payload), Err(wrong_type("uid")), "{payload}");
    }
    for payload in [
        "{}",
        r#"{"sub":"7"}"#,
        r#"{"uid":""}"#,
        r#"{"UID":7}"#,
        r#"{"a":{"uid":7}}"#,
    ] {
        assert_eq!(
            id(payload),
            Err(ClaimsError::SubjectMissing("uid".into())),
            "{payload}"
        );
    }
}

#[test]
fn integer_and_string_user_ids_differ() {
    let policy = lenient().with_user_id_claim("uid");
    assert_eq!(
        admit(&policy, r#"{"uid":7}"#).unwrap().user_id(),
        Some(UserId::Integer("7"))
    );
    assert_eq!(
        admit(&policy, r#"{"uid":"7"}"#).unwrap().user_id(),
        Some(UserId::String("7".into()))
    );
}

#[test]
fn a_registered_claim_may_name_the_user() {
    let by = |claim: &str, payload: &str| {
        let claims = admit(&lenient().with_user_id_claim(claim), payload);
        claims.map(|claims| claims.user_id().unwrap().as_str().to_owned())
    };
    assert_eq!(by("jti", r#"{"jti":"t"}"#).as_deref(), Ok("t"));
    assert_eq!(
        by("exp", r#"{"exp":1800000000}"#).as_deref(),
        Ok("1800000000")
    );
    assert_eq!(by("scope", r#"{"scope":"a b"}"#).as_deref(), Ok("a b"));
}
