//! Tokens that are assumed to be verified.

use boltguard_jws::{HeaderFields, JwsError, JwsSignError, MAX_TOKEN_LEN, UnverifiedJws, insecure};
use boltguard_keys::Algorithm::Hs256;
use boltguard_testing::{forge, keys};

use crate::{HEADER, PAYLOAD, verify};

fn assume(token: &str) -> Result<(String, Vec<u8>), JwsError> {
    let jws = insecure::assume_verified(UnverifiedJws::parse(token)?)?;
    Ok((jws.header().as_json().to_owned(), jws.payload().to_vec()))
}

#[test]
fn assuming_checks_no_signature() {
    let genuine = forge::signed(HEADER, PAYLOAD, &keys::signing_key(Hs256));
    let (front, _) = genuine.rsplit_once('.').unwrap();
    let expected = (HEADER.to_owned(), PAYLOAD.as_bytes().to_vec());
    for signature in ["", "AAAA", "*", "A"] {
        let token = format!("{front}.{signature}");
        assert_eq!(assume(&token).as_ref(), Ok(&expected), "{token}");
        assert!(verify(&token, Hs256).is_err(), "{token}");
    }
    assert_eq!(assume(&genuine), Ok(expected));
}

#[test]
fn assuming_refuses_what_no_key_could_verify() {
    let header = forge::segment(HEADER);
    for (token, error) in [
        (format!("{header}.*.AAAA"), JwsError::Malformed),
        (format!("{header}.a.b.c"), JwsError::Malformed),
        (header, JwsError::Malformed),
        (
            forge::token(r#"{"alg":"none"}"#, PAYLOAD, ""),
            JwsError::AlgorithmNotAllowed,
        ),
        (
            forge::token(r#"{"alg":"HS256","crit":["exp"]}"#, PAYLOAD, ""),
            JwsError::CriticalHeader,
        ),
    ] {
        assert_eq!(assume(&token), Err(error), "{token}");
    }
}

#[test]
fn an_unsigned_token_is_read_and_never_verified() {
    let header = HeaderFields::empty().with("typ", "at+jwt");
    let token = insecure::unsigned(PAYLOAD.as_bytes(), &header).unwrap();
    let (header, payload) = assume(&token).unwrap();
    assert_eq!(header, r#"{"alg":"HS256","typ":"at+jwt"}"#);
    assert_eq!(payload, PAYLOAD.as_bytes());
    assert_eq!(verify(&token, Hs256), Err(JwsError::SignatureInvalid));
}

#[test]
fn unsigned_tokens_have_the_same_limit() {
    let unsigned = |len| insecure::unsigned(&vec![b'a'; len], &HeaderFields::new());
    let overhead = unsigned(0).unwrap().len();
    let longest = (MAX_TOKEN_LEN - overhead) / 4 * 3;
    assert!(assume(&unsigned(longest).unwrap()).is_ok());
    assert_eq!(unsigned(longest + 3), Err(JwsSignError::TooLarge));
}
