//! `typ`, RFC 7515 §4.1.9 and RFC 8725 §3.11.

use boltguard_grants::Requirements;
use boltguard_jwt::ClaimsError;
use boltguard_types::NumericDate;

use crate::{NOW, admit_under, lenient};

/// Whether a token with this `typ` in its header is accepted as one of the type `required`.
fn matches(requirements: &str, typ: &str) -> bool {
    let header = format!(r#"{{"alg":"HS256","typ":{typ}}}"#);
    check(requirements, &header)
}

fn check(requirements: &str, header: &str) -> bool {
    let policy = lenient().with_type(requirements);
    let verdict = admit_under(
        header,
        &policy,
        "{}",
        &Requirements::new(),
        NumericDate::from_secs(NOW),
    );
    assert!(
        matches!(verdict, Ok(_) | Err(ClaimsError::TypeMismatch)),
        "{verdict:?}"
    );
    verdict.is_ok()
}

#[test]
fn case_and_a_leading_application_do_not_count() {
    for (requirements, typ) in [
        ("at+jwt", r#""at+jwt""#),
        ("at+jwt", r#""AT+JWT""#),
        ("at+jwt", r#""application/at+jwt""#),
        ("at+jwt", r#""Application/At+Jwt""#),
        ("application/at+jwt", r#""at+jwt""#),
        ("APPLICATION/AT+JWT", r#""at+jwt""#),
        ("JWT", r#""jwt""#),
        ("at+jwt", r#""at\u002bjwt""#),
        (
            "example;part=\"1/2\"",
            r#""application/example;part=\"1/2\"""#,
        ),
    ] {
        // RFC 7515 §4.1.9 omits the prefix only if no other slash follows.
        assert_eq!(
            matches(requirements, typ),
            !requirements.contains("1/2"),
            "{requirements} {typ}"
        );
    }
}

#[test]
fn other_types_are_refused() {
    for typ in [
        r#""JWT""#,
        r#""at+jw""#,
        r#""at+jwt+x""#,
        r#""at+jwt ""#,
        r#"" at+jwt""#,
        r#""at+jwt\u0000""#,
        r#""text/at+jwt""#,
        r#""application/application/at+jwt""#,
        r#""/at+jwt""#,
        r#""at jwt""#,
        r#""""#,
        r#""application/""#,
        r#""ａt+jwt""#,
        "null",
        "7",
        r#"["at+jwt"]"#,
        r#"{"at+jwt":1}"#,
        "true",
    ] {
        assert!(!matches("at+jwt", typ), "{typ}");
    }
}

#[test]
fn an_expected_type_is_required() {
    assert!(!check("JWT", r#"{"alg":"HS256"}"#));
    assert!(!check("JWT", r#"{"alg":"HS256","TYP":"JWT"}"#));
}

#[test]
fn claim_is_not_a_header_parameter() {
    let policy = lenient().with_type("at+jwt");
    let verdict = admit_under(
        r#"{"alg":"HS256"}"#,
        &policy,
        r#"{"typ":"at+jwt"}"#,
        &Requirements::new(),
        NumericDate::from_secs(NOW),
    );
    assert_eq!(verdict.err(), Some(ClaimsError::TypeMismatch));
}

#[test]
fn any_type_will_do_where_none_is_expected() {
    for header in [
        r#"{"alg":"HS256","typ":"secevent+jwt"}"#,
        r#"{"alg":"HS256","typ":null}"#,
        r#"{"alg":"HS256"}"#,
    ] {
        assert!(
            admit_under(
                header,
                &lenient(),
                "{}",
                &Requirements::new(),
                NumericDate::from_secs(NOW)
            )
            .is_ok()
        );
    }
}
