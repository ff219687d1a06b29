//! Settings without values to compare with.

use std::error::Error;
use std::time::Duration;

use boltguard_grants::ClaimTest;
use boltguard_jwt::{ClaimsError, ClaimsPolicy, PolicyError};
use boltguard_types::ReasonCode;

use crate::{assert_admitted, assert_refused, lenient};

/// Tokens that would meet an empty requirement.
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
fn a_policy_with_a_mistake_admits_no_claims() {
    let none: [&str; 0] = [];
    let mistakes: [(ClaimsPolicy, PolicyError, ReasonCode); 11] = [
        (
            lenient().with_audience([""; 0]),
            PolicyError::NoAudience,
            ReasonCode::AudienceMismatch,
        ),
        (
            lenient().with_audience([""]),
            PolicyError::BlankAudience,
            ReasonCode::AudienceMismatch,
        ),
        (
            lenient().with_audience(["shop", ""]),
            PolicyError::BlankAudience,
            ReasonCode::AudienceMismatch,
        ),
        (
            lenient().with_issuer([""; 0]),
            PolicyError::NoIssuer,
            ReasonCode::IssuerMismatch,
        ),
        (
            lenient().with_issuer([""]),
            PolicyError::BlankIssuer,
            ReasonCode::IssuerMismatch,
        ),
        (
            lenient().with_subject(""),
            PolicyError::BlankSubject,
            ReasonCode::ClaimMismatch,
        ),
        (
            lenient().with_type(""),
            PolicyError::BlankType,
            ReasonCode::TypeMismatch,
        ),
        (
            lenient().requiring(ClaimTest::new("acr").any_of(none)),
            PolicyError::NoClaimValue,
            ReasonCode::ClaimMismatch,
        ),
        (
            lenient().with_max_age(Duration::ZERO),
            PolicyError::NoMaxAge,
            ReasonCode::TokenTooOld,
        ),
        // A setting that is ignored or replaced is still a mistake.
        (
            lenient().with_audience([""; 0]).ignoring_audience(),
            PolicyError::NoAudience,
            ReasonCode::AudienceMismatch,
        ),
        (
            lenient()
                .with_issuer([""; 0])
                .with_issuer(["https://evil.example"]),
            PolicyError::NoIssuer,
            ReasonCode::IssuerMismatch,
        ),
    ];
    for (policy, mistake, reason) in mistakes {
        assert_eq!(policy.check_settings(), Err(mistake));
        let error = ClaimsError::Policy(mistake);
        assert_eq!(error.code(), reason);
        assert_eq!(error.source().unwrap().to_string(), mistake.to_string());
        assert_refused(&policy, TOKENS, error);
        let message = mistake.to_string();
        assert!(
            (message.contains("empty") || message.contains("zero")) && message.contains(": "),
            "{message}"
        );
    }
}

#[test]
fn settings_with_values_are_valid() {
    let policy = ClaimsPolicy::new()
        .with_audience(["shop"])
        .with_issuer(["https://id.example"])
        .with_subject("42")
        .with_type("at+jwt")
        .with_max_age(Duration::from_nanos(1));
    assert_eq!(policy.check_settings(), Ok(()));
    // Requiring no claims is a valid choice.
    assert_eq!(lenient().check_settings(), Ok(()));
    assert_admitted(&lenient(), &["{}"]);
}
