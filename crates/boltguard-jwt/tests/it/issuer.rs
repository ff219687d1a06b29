//! `iss`, RFC 7519 §4.1.1 and RFC 8725 §3.8.

use boltguard_jwt::{ClaimsError, ClaimsPolicy, PolicyError};

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

const TEMPLATE: &str = "https://id.example/{tid}/v2.0";

#[test]
fn a_template_takes_the_value_of_a_claim() {
    let policy = lenient().with_issuer_template([TEMPLATE]);
    assert_admitted(
        &policy,
        &[
            r#"{"iss":"https://id.example/a-1/v2.0","tid":"a-1"}"#,
            r#"{"tid":"\u0061-1","iss":"https://id.example\/a-1/v2.0"}"#,
        ],
    );
    assert_refused(
        &policy,
        &[
            r#"{"iss":"https://id.example/a-1/v2.0","tid":"b-2"}"#,
            r#"{"iss":"https://id.example/a-1/v2.0","tid":"A-1"}"#,
            r#"{"iss":"https://id.example/a-1/v2.0","tid":["a-1"]}"#,
            r#"{"iss":"https://id.example/a-1/v2.0","tid":null}"#,
            r#"{"iss":"https://id.example/7/v2.0","tid":7}"#,
            r#"{"iss":"https://id.example/a-1/v2.0"}"#,
            r#"{"iss":"https://id.example//v2.0","tid":""}"#,
            r#"{"iss":"https://id.example/v2.0","tid":""}"#,
            r#"{"iss":"https://id.example/a-1/v2.0/","tid":"a-1"}"#,
            r#"{"iss":"https://id.evil/a-1/v2.0","tid":"a-1"}"#,
            r#"{"iss":"https://id.example/a/b/v2.0","tid":"a/b"}"#,
            r#"{"iss":"https://id.example/a?/v2.0","tid":"a?"}"#,
            r#"{"iss":"https://id.example/{tid}/v2.0","tid":"{tid}"}"#,
            r#"{"iss":"https://id.example/{tid}/v2.0"}"#,
        ],
        ClaimsError::IssuerMismatch,
    );
    assert_refused(&policy, &[r#"{"tid":"a-1"}"#], ClaimsError::IssuerMissing);
}

#[test]
fn the_tenants_of_a_template_can_be_restricted() {
    let policy = lenient()
        .with_issuer_template([TEMPLATE, "plain"])
        .with_claim("tid", "a");
    assert_admitted(
        &policy,
        &[
            r#"{"iss":"https://id.example/a/v2.0","tid":"a"}"#,
            r#"{"iss":"plain","tid":"a"}"#,
        ],
    );
    assert_refused(
        &policy,
        &[r#"{"iss":"https://id.example/b/v2.0","tid":"b"}"#],
        ClaimsError::Mismatch("tid".into()),
    );
}

#[test]
fn only_templates_are_templates() {
    let policy = expecting(&[TEMPLATE]);
    assert_admitted(&policy, &[r#"{"iss":"https://id.example/{tid}/v2.0"}"#]);
    assert_refused(
        &policy,
        &[r#"{"iss":"https://id.example/a/v2.0","tid":"a"}"#],
        ClaimsError::IssuerMismatch,
    );
}

#[test]
fn a_template_has_one_claim_behind_a_prefix() {
    for invalid in [
        "{tid}",
        "{iss}",
        "https://id.example/{iss}",
        "https://id.example/{}",
        "https://id.example/{tid",
        "https://id.example/tid}",
        "https://id.example/{{tid}}",
        "https://id.example/{a}/{b}",
        "https://id.example/}{",
    ] {
        let policy = lenient().with_issuer_template(["a", invalid]);
        let expected = Err(PolicyError::IssuerTemplate);
        assert_eq!(policy.check_settings(), expected, "{invalid}");
        assert_refused(
            &policy,
            &[r#"{"iss":"a"}"#],
            ClaimsError::Policy(PolicyError::IssuerTemplate),
        );
    }
    let empty = lenient().with_issuer_template([""; 0]);
    assert_eq!(empty.check_settings(), Err(PolicyError::NoIssuer));
}
