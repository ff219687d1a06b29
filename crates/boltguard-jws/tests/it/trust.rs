//! Which keys a token is tried with, RFC 8725 §3.1 and RFC 7515 §4.1.4.

use std::borrow::Cow;

use boltguard_jws::{JwsError, UnverifiedJws, Verifier};
use boltguard_keys::Algorithm::{Es256, Hs256, Hs384, Rs256};
use boltguard_keys::{Algorithm, Jwk, KeySet, PublicKey, VerifyingKey};
use boltguard_testing::{forge, keys};

use crate::{PAYLOAD, verify_with};

fn header(algorithm: Algorithm, kid: Option<&str>) -> String {
    let kid = kid
        .map(|kid| format!(r#","kid":"{kid}""#))
        .unwrap_or_default();
    format!(r#"{{"alg":"{algorithm}"{kid}}}"#)
}

fn token(algorithm: Algorithm, kid: Option<&str>) -> String {
    forge::signed(
        header(algorithm, kid),
        PAYLOAD,
        &keys::signing_key(algorithm),
    )
}

fn key(algorithm: Algorithm, kid: &str) -> VerifyingKey {
    keys::verifying_key(algorithm).with_key_id(kid)
}

fn other(algorithm: Algorithm, kid: &str) -> VerifyingKey {
    keys::other_verifying_key(algorithm).with_key_id(kid)
}

#[test]
fn a_token_verifies_with_its_key_only() {
    for signed in Algorithm::ALL {
        for trusted in Algorithm::ALL {
            let verdict = verify_with(
                &token(*signed, None),
                KeySet::new([keys::verifying_key(*trusted)]),
            );
            let expected = if signed == trusted {
                Ok(PAYLOAD.into())
            } else {
                Err(JwsError::AlgorithmNotAllowed)
            };
            assert_eq!(verdict, expected, "{signed} {trusted}");
        }
    }
}

#[test]
fn the_token_doesnt_choose_a_keys_algorithm() {
    // The key signs with one algorithm, and the header contains another one of the same family.
    for signed in Algorithm::ALL {
        for claimed in Algorithm::ALL.iter().filter(|claimed| *claimed != signed) {
            let forged =
                forge::signed(header(*claimed, None), PAYLOAD, &keys::signing_key(*signed));
            let all = KeySet::new(Algorithm::ALL.iter().map(|each| keys::verifying_key(*each)));
            assert_eq!(
                verify_with(&forged, all),
                Err(JwsError::SignatureInvalid),
                "{signed} as {claimed}"
            );
        }
    }
}

#[test]
fn another_key_of_the_same_kind_is_refused() {
    for algorithm in Algorithm::ALL {
        let forged = forge::signed(
            header(*algorithm, None),
            PAYLOAD,
            &keys::other_signing_key(*algorithm),
        );
        let trusted = KeySet::new([keys::verifying_key(*algorithm)]);
        assert_eq!(
            verify_with(&forged, trusted),
            Err(JwsError::SignatureInvalid),
            "{algorithm}"
        );
    }
}

#[test]
fn a_single_key_checks_the_algorithm_too() {
    let token = token(Hs256, None);
    let verify = |key: VerifyingKey| {
        UnverifiedJws::parse(&token)
            .unwrap()
            .verify(&key)
            .map(|_| ())
    };
    assert_eq!(verify(keys::verifying_key(Hs256)), Ok(()));
    assert_eq!(
        verify(keys::verifying_key(Hs384)),
        Err(JwsError::AlgorithmNotAllowed)
    );
    assert_eq!(
        verify(keys::other_verifying_key(Hs256)),
        Err(JwsError::SignatureInvalid)
    );
}

#[test]
fn no_key_at_all_admits_nothing() {
    assert_eq!(
        verify_with(&token(Hs256, None), KeySet::default()),
        Err(JwsError::AlgorithmNotAllowed)
    );
}

#[test]
fn kid_selects_one_key_only() {
    let genuine = key(Hs256, "a");
    assert!(
        verify_with(
            &token(Hs256, Some("a")),
            KeySet::new([other(Hs256, "b"), genuine.clone()])
        )
        .is_ok()
    );
    let set = KeySet::new([genuine, other(Hs256, "b")]);
    assert_eq!(
        verify_with(&token(Hs256, Some("b")), set),
        Err(JwsError::SignatureInvalid)
    );
}

#[test]
fn an_unknown_kid_selects_unnamed_keys() {
    let named = KeySet::new([key(Hs256, "a")]);
    assert_eq!(
        verify_with(&token(Hs256, Some("x")), named),
        Err(JwsError::KeyNotFound)
    );
    let unnamed = KeySet::new([other(Hs256, "a"), keys::verifying_key(Hs256)]);
    assert!(verify_with(&token(Hs256, Some("x")), unnamed).is_ok());
}

#[test]
fn a_kid_is_compared_exactly() {
    let set = || KeySet::new([key(Hs256, "key-1")]);
    assert!(verify_with(&token(Hs256, Some("key-1")), set()).is_ok());
    assert!(verify_with(&token(Hs256, Some("\\u006bey-1")), set()).is_ok());
    for kid in [
        "",
        "key-",
        "key-11",
        "KEY-1",
        "key-1 ",
        " key-1",
        "key-1\\u0000",
        "../key-1",
        "' OR '1'='1",
        "key-1\\n",
    ] {
        assert_eq!(
            verify_with(&token(Hs256, Some(kid)), set()),
            Err(JwsError::KeyNotFound),
            "{kid}"
        );
    }
}

#[test]
fn alg_selects_among_keys_with_one_kid() {
    let set = || KeySet::new([key(Rs256, "a"), key(Es256, "a"), key(Hs256, "a")]);
    for algorithm in [Rs256, Es256, Hs256] {
        assert!(
            verify_with(&token(algorithm, Some("a")), set()).is_ok(),
            "{algorithm}"
        );
    }
    assert_eq!(
        verify_with(&token(Hs384, Some("a")), set()),
        Err(JwsError::AlgorithmNotAllowed)
    );
}

#[test]
fn a_kid_of_another_algorithm_isnt_found() {
    let set = KeySet::new([
        key(Es256, "a"),
        other(Hs256, "b"),
        keys::verifying_key(Hs256),
    ]);
    assert_eq!(
        verify_with(&token(Hs256, Some("a")), set),
        Err(JwsError::KeyNotFound)
    );
}

#[test]
fn a_kid_of_an_unusable_key_isnt_found() {
    let jwk = Jwk::new(PublicKey::from_pem(keys::P256.public_pem).unwrap());
    let usable = jwk.clone().to_json().unwrap();
    for unusable in [
        r#"{"kty":"XYZ","kid":"a"}"#,
        r#"{"kty":"EC","crv":"P-999","kid":"a"}"#,
    ] {
        let set =
            KeySet::from_jwks(format!(r#"{{"keys":[{unusable},{usable}]}}"#), &[Es256]).unwrap();
        assert!(verify_with(&token(Es256, None), set.clone()).is_ok());
        assert!(verify_with(&token(Es256, Some("b")), set.clone()).is_ok());
        assert_eq!(
            verify_with(&token(Es256, Some("a")), set),
            Err(JwsError::KeyNotFound)
        );
    }
}

#[test]
fn keys_without_kid_are_tried_to_a_limit() {
    let decoys = |count| (0..count).map(|index| other(Hs256, &index.to_string()));
    let last_tried = KeySet::new(decoys(KeySet::MAX_TRIED - 1).chain([key(Hs256, "last")]));
    assert!(verify_with(&token(Hs256, None), last_tried).is_ok());
    let beyond = KeySet::new(decoys(KeySet::MAX_TRIED).chain([key(Hs256, "last")]));
    assert_eq!(
        verify_with(&token(Hs256, None), beyond.clone()),
        Err(JwsError::SignatureInvalid)
    );
    assert!(
        verify_with(&token(Hs256, Some("last")), beyond).is_ok(),
        "its name finds it"
    );
}

#[test]
fn keys_of_other_algorithms_dont_count() {
    let decoys = (0..100).map(|_| keys::verifying_key(Hs384));
    let set = KeySet::new(decoys.chain([keys::verifying_key(Hs256)]));
    assert!(verify_with(&token(Hs256, None), set).is_ok());
}

#[test]
fn keys_in_the_header_are_ignored() {
    // RFC 8725 §3.10: the token is signed with the key that it contains, and with the trusted one.
    let jwk = Jwk::new(PublicKey::from_pem(keys::P256_OTHER.public_pem).unwrap())
        .to_json()
        .unwrap();
    for parameter in [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"https://attacker.example/jwks.json""#.into(),
        r#""x5u":"https://attacker.example/chain.pem""#.into(),
        r#""x5c":["MIIB"]"#.into(),
    ] {
        let header = format!(r#"{{"alg":"ES256",{parameter}}}"#);
        let trusted = || KeySet::new([keys::verifying_key(Es256)]);
        let forged = forge::signed(&header, PAYLOAD, &keys::other_signing_key(Es256));
        assert_eq!(
            verify_with(&forged, trusted()),
            Err(JwsError::SignatureInvalid),
            "{header}"
        );
        let genuine = forge::signed(&header, PAYLOAD, &keys::signing_key(Es256));
        assert!(verify_with(&genuine, trusted()).is_ok(), "{header}");
    }
}

#[test]
fn a_verifier_says_which_keys_it_trusts() {
    let verifier = Verifier::new(KeySet::new([key(Hs256, "a"), key(Es256, "b")]));
    assert_eq!(
        verifier.keys().algorithms().collect::<Vec<_>>(),
        [Hs256, Es256]
    );
}

#[test]
fn a_common_header_still_checks_the_algorithm() {
    for layout in [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
    ] {
        let token = forge::signed(layout, PAYLOAD, &keys::signing_key(Hs256));
        assert!(
            verify_with(&token, KeySet::new([keys::verifying_key(Hs256)])).is_ok(),
            "{layout}"
        );
        assert_eq!(
            verify_with(&token, KeySet::new([keys::verifying_key(Hs384)])),
            Err(JwsError::AlgorithmNotAllowed),
            "{layout}"
        );
    }
}

/// Whether the verifier found the header among the prepared ones.
fn is_known(layout: &str, key: VerifyingKey) -> bool {
    let token = forge::signed(layout, PAYLOAD, &keys::signing_key(Hs256));
    let verifier = Verifier::new(KeySet::new([key]));
    let (header, _) = verifier.verify(&token).unwrap().into_parts();
    assert_eq!(header.as_json(), layout);
    matches!(header, Cow::Borrowed(_))
}

#[test]
fn common_headers_are_prepared() {
    let unnamed = [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
    ];
    for layout in unnamed {
        assert!(is_known(layout, keys::verifying_key(Hs256)), "{layout}");
    }
    let named = [
        r#"{"alg":"HS256","typ":"JWT","kid":"a\"b"}"#,
        r#"{"alg":"HS256","kid":"a\"b","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"a\"b"}"#,
        r#"{"typ":"JWT","kid":"a\"b","alg":"HS256"}"#,
        r#"{"kid":"a\"b","typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a\"b"}"#,
    ];
    for layout in named {
        assert!(is_known(layout, key(Hs256, "a\"b")), "{layout}");
    }
    let other = r#"{"alg":"HS256","typ":"JWT","x":1}"#;
    assert!(!is_known(other, keys::verifying_key(Hs256)));
}
