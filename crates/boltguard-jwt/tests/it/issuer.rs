//! `iss`, RFC 7519 §4.1.1 and RFC 8725 §3.8.

use boltguard_jwt::{ClaimsError, ClaimsPolicy};

use crate::{assert_admitted, assert_refused, lenient, wrong_type};

fn expecting(issuers: &[&str]) -> ClaimsPolicy {
    lenient().with_issuer(issuers.iter().copied())
}

#[test]
fn the_issuer_is_one_of_those_expected() {
    assert_admitted(
        &expecting(&["a"]),
        &[r#"{"iss":"a"}"#, r#"{"iss":"\u0061"}"#],
    );
    assert_admitted(
        &expecting(&["a", "b"]),
        &[r#"{"iss":"b"}"#, r#"{"iss":"a"}"#],
    );
    assert_refused(
        &expecting(&["a", "b"]),
        &[r#"{"iss":"c"}"#, r#"{"iss":"a b"}"#, r#"{"iss":"ab"}"#],
        ClaimsError::IssuerMismatch,
    );
}

#[test]
fn an_expected_issuer_is_required() {
    assert_refused(
        &expecting(&["a"]),
        &[
            "{}",
            r#"{"ISS":"a"}"#,
            r#"{"a":{"iss":"a"}}"#,
            r#"{"sub":"a"}"#,
        ],
        ClaimsError::IssuerMissing,
    );
}

#[test]
fn issuers_are_compared_whole_and_exactly() {
    assert_refused(
        &expecting(&["https://id.example"]),
        &[
            r#"{"iss":"https://id.exampl"}"#,
            r#"{"iss":"id"}"#,
            r#"{"iss":"h"}"#,
            r#"{"iss":""}"#,
            r#"{"iss":"https://id.example/"}"#,
            r#"{"iss":"https://id.example.attacker"}"#,
            r#"{"iss":"https://ID.example"}"#,
            r#"{"iss":"https://id.example "}"#,
            r#"{"iss":"https://id.example\u0000"}"#,
            r#"{"iss":"https://id%2Eexample"}"#,
        ],
        ClaimsError::IssuerMismatch,
    );
}

#[test]
fn an_issuer_must_be_a_string() {
    let payloads = [
        r#"{"iss":7}"#,
        r#"{"iss":null}"#,
        r#"{"iss":true}"#,
        r#"{"iss":["a"]}"#,
        r#"{"iss":["a","b"]}"#,
        r#"{"iss":{"a":1}}"#,
    ];
    for policy in [expecting(&["a"]), lenient()] {
        assert_refused(&policy, &payloads, wrong_type("iss"));
    }
    assert_admitted(&lenient().ignoring_issuer(), &payloads);
    assert_admitted(
        &expecting(&["a"]).ignoring_issuer(),
        &[r#"{"iss":"z"}"#, "{}"],
    );
}

#[test]
fn any_issuer_will_do_where_none_is_expected() {
    assert_admitted(&lenient(), &["{}", r#"{"iss":"anybody"}"#, r#"{"iss":""}"#]);
}
