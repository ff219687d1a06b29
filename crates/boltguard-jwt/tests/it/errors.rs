//! Each error, and its message.

use std::time::Duration;

use boltguard_jwt::{ClaimsError, ClaimsPolicy};
use boltguard_types::{NumericDate, ReasonCode};

use crate::{NOW, admit, expired, lenient, mismatch, missing, not_access_token, wrong_type};

/// A policy and claims for each error.
fn refusals() -> [(ClaimsPolicy, &'static str, ClaimsError, ReasonCode); 15] {
    [
        (
            lenient(),
            r#"{"aud":"x"}"#,
            ClaimsError::AudienceMismatch,
            ReasonCode::AudienceMismatch,
        ),
        (
            lenient(),
            r#"{"exp":1}"#,
            expired(1),
            ReasonCode::TokenExpired,
        ),
        (
            lenient().with_audience(["a"]),
            "{}",
            ClaimsError::AudienceMissing,
            ReasonCode::AudienceMissing,
        ),
        (
            lenient().with_issuer(["a"]),
            r#"{"iss":"b"}"#,
            ClaimsError::IssuerMismatch,
            ReasonCode::IssuerMismatch,
        ),
        (
            lenient().with_issuer(["a"]),
            "{}",
            ClaimsError::IssuerMissing,
            ReasonCode::IssuerMissing,
        ),
        (
            lenient().with_claim("token_use", "access"),
            r#"{"token_use":"id"}"#,
            mismatch("token_use"),
            ReasonCode::ClaimMismatch,
        ),
        (
            lenient().for_authentication(),
            r#"{"token_use":"id"}"#,
            not_access_token("token_use"),
            ReasonCode::NotAccessToken,
        ),
        (
            lenient().for_authentication(),
            "{}",
            ClaimsError::SubjectMissing("sub".into()),
            ReasonCode::SubjectMissing,
        ),
        (
            lenient(),
            "[]",
            ClaimsError::Malformed,
            ReasonCode::ClaimsMalformed,
        ),
        (
            ClaimsPolicy::new(),
            "{}",
            missing("exp"),
            ReasonCode::ClaimMissing,
        ),
        (
            lenient(),
            r#"{"nbf":9999999999}"#,
            ClaimsError::NotYetValid {
                nbf: NumericDate::from_secs(9_999_999_999),
                now: NumericDate::from_secs(NOW),
            },
            ReasonCode::TokenNotYetValid,
        ),
        (
            lenient().with_max_age(Duration::from_secs(60)),
            r#"{"iat":1699999940}"#,
            ClaimsError::TooOld {
                iat: NumericDate::from_secs(NOW - 60),
                now: NumericDate::from_secs(NOW),
            },
            ReasonCode::TokenTooOld,
        ),
        (
            lenient().with_subject("a"),
            "{}",
            ClaimsError::SubjectMismatch,
            ReasonCode::ClaimMismatch,
        ),
        (
            lenient().with_type("at+jwt"),
            "{}",
            ClaimsError::TypeMismatch,
            ReasonCode::TypeMismatch,
        ),
        (
            lenient(),
            r#"{"iat":"x"}"#,
            wrong_type("iat"),
            ReasonCode::ClaimsMalformed,
        ),
    ]
}

#[test]
fn each_refusal_has_its_claims_and_its_code() {
    for (policy, payload, error, code) in refusals() {
        assert_eq!(error.code(), code);
        assert_eq!(admit(&policy, payload).err(), Some(error), "{payload}");
    }
}

#[test]
fn messages_contain_names_and_dates_only() {
    for (_, _, error, _) in refusals() {
        let message = error.to_string();
        assert!(
            message.is_ascii()
                && !message.ends_with('.')
                && message.starts_with(char::is_lowercase),
            "{message}"
        );
        if let Some(claim) = error.claim() {
            assert!(message.contains(&format!("\"{claim}\"")), "{message}");
        }
    }
    assert_eq!(
        expired(1).to_string(),
        "the token has expired (exp is 1, the time is 1700000000)"
    );
    let secret = lenient()
        .with_claim("tenant", "expected-7")
        .with_issuer(["expected-7"]);
    for payload in [
        r#"{"iss":"found-7"}"#,
        r#"{"iss":["found-7"]}"#,
        r#"{"iss":"expected-7","tenant":"found-7"}"#,
    ] {
        let error = admit(&secret, payload).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("-7"), "{error:?}");
    }
}

#[test]
fn claim_names_are_quoted_in_messages() {
    let policy = lenient().with_required(["a\nb\"c"]);
    let message = admit(&policy, "{}").unwrap_err().to_string();
    assert_eq!(message, r#"the token doesn't have the claim "a\nb\"c""#);
}

#[test]
fn expiry_precedes_other_claim_errors() {
    // Expiry is reported first, because a new token helps; for the other errors, it doesn't.
    let policy = lenient().with_issuer(["a"]).with_audience(["b"]);
    assert_eq!(
        admit(&policy, r#"{"exp":1,"iss":"x","aud":"x","sub":7}"#).err(),
        Some(expired(1))
    );
}
