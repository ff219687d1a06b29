//! Signing tokens.

use boltguard_encoding::json::MAX_DEPTH;
use boltguard_jws::{
    HeaderFields, JwsError, JwsSignError, MAX_TOKEN_LEN, Signer, UnverifiedJws, insecure, sign,
};
use boltguard_keys::Algorithm;
use boltguard_keys::Algorithm::Hs256;
use serde_json::{Value, json};

use boltguard_testing::keys;
use boltguard_types::ReasonCode;

use crate::{PAYLOAD, verify};

/// The header of a token signed with the test key.
fn header_of(fields: &HeaderFields) -> Value {
    let token = sign(b"", fields, &keys::signing_key(Hs256)).unwrap();
    serde_json::from_str(&insecure::header_text(&token).unwrap()).unwrap()
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for algorithm in Algorithm::ALL {
        let token = sign(
            PAYLOAD.as_bytes(),
            &HeaderFields::new(),
            &keys::signing_key(*algorithm),
        )
        .unwrap();
        assert_eq!(
            verify(&token, *algorithm),
            Ok(PAYLOAD.into()),
            "{algorithm}"
        );
    }
}

#[test]
fn a_payload_may_be_any_bytes() {
    for payload in [b"" as &[u8], b"\0", b"\xff\xfe", b"not json", b"a.b.c"] {
        let token = sign(payload, &HeaderFields::empty(), &keys::signing_key(Hs256)).unwrap();
        assert_eq!(verify(&token, Hs256), Ok(payload.to_vec()));
    }
}

#[test]
fn the_key_decides_on_alg() {
    let fields = HeaderFields::new().with("alg", "none").with("cty", "JWT");
    assert_eq!(
        header_of(&fields),
        json!({"alg": "HS256", "typ": "JWT", "cty": "JWT"})
    );
    assert_eq!(header_of(&HeaderFields::empty()), json!({"alg": "HS256"}));
    assert_eq!(
        header_of(&HeaderFields::default().with("typ", "at+jwt")),
        json!({"alg": "HS256", "typ": "at+jwt"})
    );
}

#[test]
fn the_keys_kid_is_the_default() {
    let key = keys::signing_key(Hs256).with_key_id("a \"quoted\" name");
    let kid = |fields: HeaderFields| {
        let token = sign(b"", &fields, &key).unwrap();
        UnverifiedJws::parse(&token)
            .unwrap()
            .unverified_header()
            .key_id()
            .map(String::from)
    };
    assert_eq!(
        kid(HeaderFields::new()).as_deref(),
        Some("a \"quoted\" name")
    );
    assert_eq!(
        kid(HeaderFields::new().with("kid", "mine")).as_deref(),
        Some("mine")
    );
}

#[test]
fn an_invalid_header_isnt_signed() {
    let deep = (0..MAX_DEPTH).fold(json!(1), |value, _| json!([value]));
    let with = |name, value: Value| HeaderFields::new().with(name, value);
    for (fields, why) in [
        (with("crit", json!(["exp"])), JwsError::CriticalHeader),
        (with("b64", json!(false)), JwsError::CriticalHeader),
        (with("kid", json!(1)), JwsError::HeaderInvalid),
        (with("kid", json!(null)), JwsError::HeaderInvalid),
        (with("x", deep), JwsError::HeaderInvalid),
    ] {
        let key = keys::signing_key(Hs256);
        let refused = sign(b"", &fields, &key).unwrap_err();
        assert_eq!(refused, JwsSignError::Header(why));
        assert_eq!(refused.code(), why.code());
        assert!(Signer::with_header(key, &fields).is_err());
    }
    for fields in [
        with("b64", json!(true)),
        with("kid", json!("a")),
        with("typ", json!(1)),
    ] {
        assert!(
            verify(
                &sign(b"", &fields, &keys::signing_key(Hs256)).unwrap(),
                Hs256
            )
            .is_ok()
        );
    }
}

#[test]
fn a_token_over_the_limit_isnt_signed() {
    let payload = [0; MAX_TOKEN_LEN];
    for algorithm in [Hs256, Algorithm::Es512, Algorithm::Rs256] {
        let signer = Signer::new(keys::signing_key(algorithm));
        let mut lengths = (0..MAX_TOKEN_LEN).rev();
        let longest = lengths.find_map(|length| signer.sign(&payload[..length]).ok());
        let token = longest.unwrap();
        assert!(token.len() > MAX_TOKEN_LEN - 2, "{algorithm}");
        assert!(verify(&token, algorithm).is_ok(), "{algorithm}");
        let refused = signer.sign(&payload).unwrap_err();
        assert_eq!(refused.code(), ReasonCode::TokenTooLarge);
    }
}

#[test]
fn names_and_values_are_escaped() {
    let name = "\"},{\"alg\":\"none\"\u{0}\n";
    let fields = HeaderFields::empty().with(name, name);
    assert_eq!(header_of(&fields), json!({"alg": "HS256", name: name}));
}

#[test]
fn segments_can_be_read_without_verification() {
    let token = sign(
        PAYLOAD.as_bytes(),
        &HeaderFields::empty(),
        &keys::signing_key(Hs256),
    )
    .unwrap();
    assert_eq!(insecure::header_text(&token).unwrap(), r#"{"alg":"HS256"}"#);
    assert_eq!(insecure::payload(&token).unwrap(), PAYLOAD.as_bytes());
    assert_eq!(insecure::signature(&token).unwrap().len(), 32);
    // For all algorithms.
    assert_eq!(
        insecure::header_text("eyJhbGciOiJub25lIn0..").unwrap(),
        r#"{"alg":"none"}"#
    );
}

#[test]
fn a_json_header_is_used_unchanged() {
    let key = keys::signing_key(Hs256);
    let json = r#"{"typ":"JWT", "alg":"HS256"}"#;
    let token = Signer::with_header_json(key.clone(), json)
        .unwrap()
        .sign(b"x")
        .unwrap();
    assert_eq!(
        UnverifiedJws::parse(&token)
            .unwrap()
            .unverified_header()
            .as_json(),
        json
    );
    for (json, why) in [
        (r#"{"alg":"HS512"}"#, JwsError::AlgorithmNotAllowed),
        (
            r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
            JwsError::CriticalHeader,
        ),
        (r#"{"alg":"HS256","alg":"HS256"}"#, JwsError::HeaderInvalid),
    ] {
        assert_eq!(
            Signer::with_header_json(key.clone(), json).map(drop),
            Err(why),
            "{json}"
        );
    }
}
