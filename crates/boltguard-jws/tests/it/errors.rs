//! Each error, and its message.

use boltguard_jws::{JwsError, MAX_TOKEN_LEN, insecure};
use boltguard_keys::Algorithm::{Hs256, Hs384};
use boltguard_keys::KeySet;
use boltguard_testing::{forge, keys};
use boltguard_types::ReasonCode;

use crate::{HEADER, PAYLOAD, verify_with};

/// A token for each error.
fn refusals() -> [(String, JwsError, ReasonCode); 7] {
    let key = keys::signing_key(Hs256);
    let signed = |header: &str| forge::signed(header, PAYLOAD, &key);
    [
        (
            signed(r#"{"alg":"none"}"#),
            JwsError::AlgorithmNotAllowed,
            ReasonCode::AlgorithmNotAllowed,
        ),
        (
            signed(r#"{"alg":"HS256","crit":["x"]}"#),
            JwsError::CriticalHeader,
            ReasonCode::CriticalHeader,
        ),
        (
            signed(r#"{"alg":7}"#),
            JwsError::HeaderInvalid,
            ReasonCode::HeaderInvalid,
        ),
        (
            signed(r#"{"alg":"HS256","kid":"x"}"#),
            JwsError::KeyNotFound,
            ReasonCode::KeyNotFound,
        ),
        (
            "a.b".into(),
            JwsError::Malformed,
            ReasonCode::TokenMalformed,
        ),
        (
            forge::token(HEADER, PAYLOAD, [0; 32]),
            JwsError::SignatureInvalid,
            ReasonCode::SignatureInvalid,
        ),
        (
            "x".repeat(MAX_TOKEN_LEN + 1),
            JwsError::TooLarge,
            ReasonCode::TokenTooLarge,
        ),
    ]
}

#[test]
fn each_refusal_has_its_token_and_its_code() {
    for (token, error, code) in refusals() {
        let keys = KeySet::new([keys::verifying_key(Hs256).with_key_id("a")]);
        assert_eq!(verify_with(&token, keys), Err(error), "{token}");
        assert_eq!(error.code(), code);
    }
}

#[test]
fn messages_say_nothing_of_the_token() {
    for (_, error, _) in refusals() {
        let text = error.to_string();
        assert!(
            text.is_ascii() && !text.ends_with('.') && text.starts_with(char::is_lowercase),
            "{text}"
        );
        assert!(!text.contains(['{', '"']), "{text}");
    }
}

#[test]
fn the_first_error_is_reported() {
    let keys = || KeySet::new([keys::verifying_key(Hs384)]);
    // A header that can't be read comes before an algorithm without a key, and that before the signature.
    assert_eq!(verify_with("e30=.*.*", keys()), Err(JwsError::Malformed));
    assert_eq!(
        verify_with(&format!("{}.*.*", forge::segment("{")), keys()),
        Err(JwsError::HeaderInvalid)
    );
    let other = forge::token(HEADER, "", [0; 48]);
    assert_eq!(
        verify_with(&other, keys()),
        Err(JwsError::AlgorithmNotAllowed)
    );
}

#[test]
fn invalid_token_has_no_parts() {
    for text in ["", "a", "a.b", "é.é.é"] {
        assert_eq!(insecure::payload(text), Err(JwsError::Malformed), "{text}");
    }
    assert_eq!(
        insecure::header_text("_w.e30."),
        Err(JwsError::HeaderInvalid)
    );
    assert_eq!(insecure::signature("e30.e30.A"), Err(JwsError::Malformed));
    assert_eq!(insecure::payload("e30.a.b.c"), Err(JwsError::Malformed));
    assert_eq!(
        insecure::header_text(&".".repeat(MAX_TOKEN_LEN + 1)),
        Err(JwsError::TooLarge)
    );
}
