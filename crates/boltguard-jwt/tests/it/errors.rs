//! Each refusal, and what is said of it.

use boltguard_jwt::{ClaimsError, ClaimsPolicy};
use boltguard_types::ReasonCode;

use crate::{admit, lenient};

/// A policy and claims for each refusal.
fn refusals() -> [(ClaimsPolicy, &'static str, ClaimsError, ReasonCode); 14] {
    [
        (
            lenient(),
            r#"{"aud":"x"}"#,
            ClaimsError::Audience,
            ReasonCode::AudienceMismatch,
        ),
        (
            lenient(),
            r#"{"exp":1}"#,
            ClaimsError::Expired,
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
            ClaimsError::Issuer,
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
            ClaimsError::Mismatch,
            ReasonCode::ClaimMismatch,
        ),
        (
            lenient().for_authentication(),
            r#"{"token_use":"id"}"#,
            ClaimsError::NotAccessToken,
            ReasonCode::NotAccessToken,
        ),
        (
            lenient().for_authentication(),
            "{}",
            ClaimsError::SubjectMissing,
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
            ClaimsError::Missing,
            ReasonCode::ClaimMissing,
        ),
        (
            lenient(),
            r#"{"nbf":9999999999}"#,
            ClaimsError::NotYetValid,
            ReasonCode::TokenNotYetValid,
        ),
        (
            lenient().with_subject("a"),
            "{}",
            ClaimsError::Subject,
            ReasonCode::ClaimMismatch,
        ),
        (
            lenient().with_type("at+jwt"),
            "{}",
            ClaimsError::Type,
            ReasonCode::TypeMismatch,
        ),
        (
            lenient(),
            r#"{"iat":"x"}"#,
            ClaimsError::WrongType,
            ReasonCode::ClaimsMalformed,
        ),
    ]
}

#[test]
fn each_refusal_has_its_claims_and_its_code() {
    for (policy, payload, error, code) in refusals() {
        assert_eq!(admit(&policy, payload).err(), Some(error), "{payload}");
        assert_eq!(error.code(), code);
    }
}

#[test]
fn messages_say_nothing_of_the_claims() {
    for (_, _, error, _) in refusals() {
        let text = error.to_string();
        assert!(
            text.is_ascii() && !text.ends_with('.') && text.starts_with(char::is_lowercase),
            "{text}"
        );
    }
}

#[test]
fn a_token_that_is_over_says_so_whatever_else_is_wrong() {
    // Who minds an expired token is told to fetch another, so that this comes before what no new token would mend.
    let policy = lenient().with_issuer(["a"]).with_audience(["b"]);
    assert_eq!(
        admit(&policy, r#"{"exp":1,"iss":"x","aud":"x","sub":7}"#).err(),
        Some(ClaimsError::Expired)
    );
}
