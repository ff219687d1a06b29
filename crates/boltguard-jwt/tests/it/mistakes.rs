//! Settings that were given nothing to compare with.

use boltguard_grants::ClaimTest;
use boltguard_jwt::{ClaimsError, ClaimsPolicy, PolicyError};

use crate::{assert_admitted, assert_refused, lenient};

/// Tokens that would meet a setting which asks for nothing.
const TOKENS: &[&str] = &[
    "{}",
    r#"{"aud":""}"#,
    r#"{"aud":[""]}"#,
    r#"{"aud":[]}"#,
    r#"{"iss":""}"#,
    r#"{"iss":"https://evil.example"}"#,
    r#"{"sub":""}"#,
];

#[test]
fn a_policy_with_a_mistake_admits_nothing_and_says_what_it_is() {
    let none: [&str; 0] = [];
    let mistakes: [(ClaimsPolicy, PolicyError, ClaimsError); 10] = [
        (
            lenient().with_audience([]),
            PolicyError::NoAudience,
            ClaimsError::Audience,
        ),
        (
            lenient().with_audience([""]),
            PolicyError::BlankAudience,
            ClaimsError::Audience,
        ),
        (
            lenient().with_audience(["shop", ""]),
            PolicyError::BlankAudience,
            ClaimsError::Audience,
        ),
        (
            lenient().with_issuer([]),
            PolicyError::NoIssuer,
            ClaimsError::Issuer,
        ),
        (
            lenient().with_issuer([""]),
            PolicyError::BlankIssuer,
            ClaimsError::Issuer,
        ),
        (
            lenient().with_subject(""),
            PolicyError::BlankSubject,
            ClaimsError::Subject,
        ),
        (
            lenient().with_type(""),
            PolicyError::BlankType,
            ClaimsError::Type,
        ),
        (
            lenient().requiring(ClaimTest::new("acr").any_of(none)),
            PolicyError::NoClaimValue,
            ClaimsError::Mismatch,
        ),
        // What is ignored was a mistake all the same, and so was what is set again.
        (
            lenient().with_audience([]).ignoring_audience(),
            PolicyError::NoAudience,
            ClaimsError::Audience,
        ),
        (
            lenient()
                .with_issuer([])
                .with_issuer(["https://evil.example"]),
            PolicyError::NoIssuer,
            ClaimsError::Issuer,
        ),
    ];
    for (policy, mistake, refusal) in mistakes {
        assert_eq!(policy.check_settings(), Err(mistake));
        assert_refused(&policy, TOKENS, refusal);
        let message = mistake.to_string();
        assert!(
            message.contains("empty") && message.contains(": "),
            "{message}"
        );
    }
}

#[test]
fn settings_that_ask_for_something_are_no_mistake() {
    let policy = ClaimsPolicy::new()
        .with_audience(["shop"])
        .with_issuer(["https://id.example"])
        .with_subject("42")
        .with_type("at+jwt");
    assert_eq!(policy.check_settings(), Ok(()));
    // To require no claim at all is a choice.
    assert_eq!(lenient().check_settings(), Ok(()));
    assert_admitted(&lenient(), &["{}"]);
}
