//! `aud`, RFC 7519 §4.1.3.

use boltguard_jwt::{ClaimsError, ClaimsPolicy};
use boltguard_types::ReasonCode;

use crate::{admit_under, assert_admitted, assert_reason, assert_refused, lenient, wrong_type};

fn expecting(audiences: &[&str]) -> ClaimsPolicy {
    lenient().with_audience(audiences.iter().copied())
}

#[test]
fn one_audience_must_be_an_expected_one() {
    assert_admitted(
        &expecting(&["shop"]),
        &[
            r#"{"aud":"shop"}"#,
            r#"{"aud":["shop"]}"#,
            r#"{"aud":["other","shop"]}"#,
            r#"{"aud":["shop","other","shop"]}"#,
            r#"{"aud":"\u0073hop"}"#,
            r#"{"aud":["\u0073hop"]}"#,
            r#"{"aud": [ "a" , "shop" ] }"#,
        ],
    );
}

#[test]
fn one_of_several_expected_ones_is_enough() {
    let policy = expecting(&["shop", "till"]);
    assert_admitted(
        &policy,
        &[
            r#"{"aud":"till"}"#,
            r#"{"aud":["x","till"]}"#,
            r#"{"aud":["shop","till"]}"#,
        ],
    );
    assert_refused(
        &policy,
        &[
            r#"{"aud":"shop till"}"#,
            r#"{"aud":"shop,till"}"#,
            r#"{"aud":["x"]}"#,
        ],
        ClaimsError::AudienceMismatch,
    );
}

#[test]
fn names_are_compared_whole_and_exactly() {
    assert_refused(
        &expecting(&["https://api.example"]),
        &[
            r#"{"aud":"https://api.exampl"}"#,
            r#"{"aud":"https://api.example/"}"#,
            r#"{"aud":"https://api.example.attacker"}"#,
            r#"{"aud":"HTTPS://API.EXAMPLE"}"#,
            r#"{"aud":" https://api.example"}"#,
            r#"{"aud":"https://api.example\u0000"}"#,
            r#"{"aud":"api.example"}"#,
            r#"{"aud":"h"}"#,
            r#"{"aud":"*"}"#,
            r#"{"aud":""}"#,
            r#"{"aud":[""]}"#,
            r#"{"aud":"[\"https://api.example\"]"}"#,
        ],
        ClaimsError::AudienceMismatch,
    );
    // The same letters in another normalization are other names, RFC 7519 §2 (StringOrURI).
    assert_refused(
        &expecting(&["caf\u{e9}"]),
        &["{\"aud\":\"cafe\u{301}\"}"],
        ClaimsError::AudienceMismatch,
    );
    assert_admitted(
        &expecting(&["caf\u{e9}"]),
        &["{\"aud\":\"caf\u{e9}\"}", r#"{"aud":"caf\u00e9"}"#],
    );
}

#[test]
fn an_expected_audience_is_required() {
    assert_refused(
        &expecting(&["shop"]),
        &[
            "{}",
            r#"{"AUD":"shop"}"#,
            r#"{"a":{"aud":"shop"}}"#,
            r#"{"iss":"shop"}"#,
        ],
        ClaimsError::AudienceMissing,
    );
    assert_refused(
        &expecting(&["shop"]),
        &[r#"{"aud":[]}"#],
        ClaimsError::AudienceMismatch,
    );
}

#[test]
fn unexpected_audience_is_rejected() {
    assert_refused(
        &lenient(),
        &[
            r#"{"aud":"shop"}"#,
            r#"{"aud":["shop"]}"#,
            r#"{"aud":[]}"#,
            r#"{"aud":""}"#,
        ],
        ClaimsError::AudienceMismatch,
    );
    assert_admitted(&lenient(), &["{}"]);
}

#[test]
fn empty_name_is_not_an_audience() {
    for policy in [lenient(), expecting(&["shop"]), expecting(&[""])] {
        let payloads = [r#"{"aud":""}"#, r#"{"aud":[""]}"#, r#"{"aud":"a"}"#];
        assert_reason(&policy, &payloads, ReasonCode::AudienceMismatch);
    }
}

#[test]
fn an_audience_must_consist_of_strings() {
    let payloads = [
        r#"{"aud":7}"#,
        r#"{"aud":true}"#,
        r#"{"aud":null}"#,
        r#"{"aud":{"shop":1}}"#,
        r#"{"aud":{"0":"shop"}}"#,
        r#"{"aud":["shop",7]}"#,
        r#"{"aud":[null,"shop"]}"#,
        r#"{"aud":[["shop"]]}"#,
        r#"{"aud":["shop",{"a":"shop"}]}"#,
    ];
    for policy in [expecting(&["shop"]), lenient()] {
        assert_refused(&policy, &payloads, wrong_type("aud"));
    }
    assert_admitted(&expecting(&["shop"]).ignoring_audience(), &payloads);
}

#[test]
fn header_parameter_is_not_a_claim() {
    let requirements = boltguard_grants::Requirements::new();
    let now = boltguard_types::NumericDate::from_secs(crate::NOW);
    let verdict = admit_under(
        r#"{"alg":"HS256","aud":"shop","iss":"x"}"#,
        &expecting(&["shop"]),
        "{}",
        &requirements,
        now,
    );
    assert_eq!(verdict.err(), Some(ClaimsError::AudienceMissing));
}

#[test]
fn an_ignored_audience_may_be_any() {
    let policy = expecting(&["shop"]).ignoring_audience();
    assert_admitted(&policy, &["{}", r#"{"aud":"till"}"#, r#"{"aud":[]}"#]);
}
