//! RFC 7797: payloads that are detached and not encoded.

use boltguard_jws::{
    JwsError, JwsSignError, UnencodedJws, UnverifiedJws, Verifier, sign_unencoded,
};
use boltguard_keys::{Algorithm, Jwk, Key, KeySet, SigningKey, VerifyingKey};

/// RFC 7797 §4.
const KEY: &str = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
/// RFC 7797 §4.2.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";
const HEADER: &str = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;

fn keys() -> (SigningKey, VerifyingKey) {
    let jwk = Jwk::parse(KEY).unwrap();
    let signing = jwk.signing_key(Algorithm::Hs256).unwrap();
    (signing, jwk.verifying_key(Algorithm::Hs256).unwrap())
}

#[test]
fn rfc7797_example_is_signed_and_verified() {
    let (signing, verifying) = keys();
    assert_eq!(sign_unencoded(b"$.02", HEADER, &signing), Ok(TOKEN.into()));
    let jws = UnencodedJws::parse(TOKEN, b"$.02").unwrap();
    assert_eq!(jws.unverified_header().algorithm(), Algorithm::Hs256);
    let verified = jws.clone().verify(&verifying).unwrap();
    assert_eq!(verified.payload(), b"$.02");
    let among = jws.verify_among(&KeySet::from(verifying)).unwrap();
    assert_eq!(among.payload(), b"$.02");
}

#[test]
fn another_payload_or_key_is_refused() {
    let (_, verifying) = keys();
    let refusal = |payload: &[u8], key: &VerifyingKey| {
        let jws = UnencodedJws::parse(TOKEN, payload).unwrap();
        let among = jws.clone().verify_among(&KeySet::from(key.clone()));
        let alone = jws.verify(key).map(drop);
        assert_eq!(among.map(drop), alone);
        alone.unwrap_err()
    };
    for payload in [&b""[..], b"$.03", b"$.02 ", b"JC4wMg"] {
        assert_eq!(refusal(payload, &verifying), JwsError::SignatureInvalid);
    }
    let secret = Key::generate(Algorithm::Hs512).unwrap();
    let other = VerifyingKey::new(&secret, Algorithm::Hs256).unwrap();
    assert_eq!(refusal(b"$.02", &other), JwsError::SignatureInvalid);
    let other = VerifyingKey::new(&secret, Algorithm::Hs512).unwrap();
    assert_eq!(refusal(b"$.02", &other), JwsError::AlgorithmNotAllowed);
}

#[test]
fn it_is_refused_wherever_a_payload_is_expected() {
    let (_, verifying) = keys();
    let critical = JwsError::CriticalHeader;
    assert_eq!(UnverifiedJws::parse(TOKEN).unwrap_err(), critical);
    let verifier = Verifier::new(KeySet::from(verifying));
    assert_eq!(verifier.verify(TOKEN).unwrap_err(), critical);
}

#[test]
fn a_payload_within_the_token_is_refused() {
    let filled = TOKEN.replace("..", ".JC4wMg.");
    let parsed = UnencodedJws::parse(&filled, b"$.02");
    assert_eq!(parsed.unwrap_err(), JwsError::Malformed);
}

#[test]
fn an_invalid_header_isnt_signed() {
    let (signing, _) = keys();
    for (header, why) in [
        (r#"{"alg":"HS256"}"#, JwsError::CriticalHeader),
        (r#"{"alg":"HS256","b64":false}"#, JwsError::CriticalHeader),
        (
            r#"{"alg":"HS512","b64":false,"crit":["b64"]}"#,
            JwsError::AlgorithmNotAllowed,
        ),
        ("{", JwsError::HeaderInvalid),
    ] {
        let signed = sign_unencoded(b"", header, &signing);
        assert_eq!(signed, Err(JwsSignError::Header(why)), "{header}");
    }
}
