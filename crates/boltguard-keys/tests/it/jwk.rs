//! JSON Web Keys, one at a time.

use boltguard_encoding::base64url;
use boltguard_keys::{Algorithm, Jwk, Key, KeyError};
use boltguard_testing::keys;
use serde_json::{Value, json};

fn public(algorithm: Algorithm) -> Value {
    let key = keys::key(algorithm).public_key().unwrap().clone();
    serde_json::from_str(&Jwk::new(key).to_json().unwrap()).unwrap()
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

fn refused(jwk: &Value) -> KeyError {
    Jwk::parse(jwk.to_string()).unwrap_err()
}

fn verifies(jwk: &Value, algorithm: Algorithm) -> Result<(), KeyError> {
    Jwk::parse(jwk.to_string())
        .unwrap()
        .verifying_key(algorithm)
        .map(drop)
}

fn signs(jwk: &Value, algorithm: Algorithm) -> Result<(), KeyError> {
    Jwk::parse(jwk.to_string())
        .unwrap()
        .signing_key(algorithm)
        .map(drop)
}

const SECRET: &str = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg";

#[test]
fn required_members_are_texts_and_there() {
    let cases = [
        (public(Algorithm::Rs256), &["kty", "n", "e"][..]),
        (public(Algorithm::Es256), &["kty", "crv", "x", "y"]),
        (public(Algorithm::EdDsa), &["kty", "crv", "x"]),
        (json!({"kty": "oct", "k": SECRET}), &["kty", "k"]),
    ];
    for (jwk, names) in cases {
        for name in names {
            assert_eq!(
                refused(&without(jwk.clone(), name)),
                KeyError::JwkMember,
                "{name}"
            );
            for value in [
                json!(5),
                Value::Null,
                json!(["AQAB"]),
                json!({}),
                json!(true),
            ] {
                assert_eq!(
                    refused(&with(jwk.clone(), name, value)),
                    KeyError::JwkMember,
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn base64url_of_members_is_strict() {
    for (jwk, name) in [
        (public(Algorithm::Rs256), "n"),
        (public(Algorithm::Es384), "y"),
        (public(Algorithm::EdDsa), "x"),
        (json!({"kty": "oct", "k": SECRET}), "k"),
    ] {
        let text = jwk[name].as_str().unwrap();
        for bad in [
            format!("{text}="),
            format!(" {text}"),
            format!("{text}\n"),
            format!("+{}", &text[1..]),
        ] {
            assert_eq!(
                refused(&with(jwk.clone(), name, bad)),
                KeyError::Base64,
                "{name}"
            );
        }
    }
    // Unused bits: 43 characters hold 258 bits.
    let jwk = with(
        public(Algorithm::EdDsa),
        "x",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
    );
    assert_eq!(refused(&jwk), KeyError::Base64);
}

#[test]
fn types_and_curves_are_named_exactly() {
    for (algorithm, name, other) in [
        (Algorithm::Rs256, "kty", "rsa"),
        (Algorithm::Rs256, "kty", "AKP"),
        (Algorithm::Es256, "crv", "p-256"),
        (Algorithm::Es256, "crv", "P-256K"),
        (Algorithm::Es256, "crv", "P-224"),
        (Algorithm::EdDsa, "crv", "X25519"),
        (Algorithm::EdDsa, "crv", "Ed448"),
        (Algorithm::EdDsa, "crv", "P-256"),
        (Algorithm::EdDsa, "kty", "oKP"),
    ] {
        assert_eq!(
            refused(&with(public(algorithm), name, other)),
            KeyError::Unsupported,
            "{other}"
        );
    }
}

#[test]
fn coordinates_have_their_full_length() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let jwk = public(algorithm);
        for bad in ["AA", "", "AFSH2c4SzYTjMltedomnsTPV-C1aWQ0wv3GVMQv7Iu07"] {
            assert_eq!(refused(&with(jwk.clone(), "x", bad)), KeyError::JwkMember);
            assert_eq!(refused(&with(jwk.clone(), "y", bad)), KeyError::JwkMember);
        }
    }
    assert_eq!(
        refused(&with(public(Algorithm::EdDsa), "x", "AA")),
        KeyError::JwkMember
    );
}

#[test]
fn points_are_on_their_curve() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let jwk = public(algorithm);
        let x = jwk["x"].clone();
        assert_eq!(
            refused(&with(jwk, "y", x)),
            KeyError::InvalidPoint,
            "{algorithm}"
        );
    }
    // The neutral element of Ed25519.
    let neutral = format!("AQ{}", "A".repeat(41));
    assert_eq!(
        refused(&with(public(Algorithm::EdDsa), "x", neutral)),
        KeyError::InvalidPoint
    );
}

#[test]
fn rsa_numbers_are_in_range() {
    let jwk = public(Algorithm::Rs256);
    let n = jwk["n"].as_str().unwrap();
    for e in ["AQ", "Ag", "BA", "AQAA", "AgAAAAE"] {
        let expected = KeyError::InvalidRsa;
        assert_eq!(refused(&with(jwk.clone(), "e", e)), expected, "{e}");
    }
    assert_eq!(refused(&with(jwk.clone(), "e", "")), KeyError::JwkMember);
    assert_eq!(refused(&with(jwk.clone(), "e", "AA")), KeyError::InvalidRsa);
    assert_eq!(
        refused(&with(jwk.clone(), "n", &n[..n.len() / 2])),
        KeyError::RsaTooSmall
    );
    let long = format!("{}{n}", n.repeat(4).replace(['='], ""));
    assert_eq!(
        refused(&with(jwk.clone(), "n", &long[..long.len() / 4 * 4])),
        KeyError::RsaTooLarge
    );
    let even = format!("{}A", &n[..n.len() - 1]);
    assert_eq!(refused(&with(jwk, "n", even)), KeyError::InvalidRsa);
}

#[test]
fn unknown_members_are_ignored() {
    let mut jwk = public(Algorithm::Es512);
    for (name, value) in [
        ("x5c", json!(["x"])),
        ("ext", json!(true)),
        ("nbf", json!(5)),
        ("meta", json!({"a": [1]})),
    ] {
        jwk = with(jwk, name, value);
    }
    assert_eq!(verifies(&jwk, Algorithm::Es512), Ok(()));
}

#[test]
fn two_members_of_one_name_are_refused() {
    let text = public(Algorithm::EdDsa).to_string();
    let twice = text.replacen('{', r#"{"kty":"oct","#, 1);
    assert_eq!(Jwk::parse(&twice).unwrap_err(), KeyError::DuplicateMember);
}

#[test]
fn alg_is_obeyed() {
    let rsa = public(Algorithm::Rs256);
    for (alg, expected) in [
        ("RS256", Ok(())),
        ("RS512", Err(KeyError::JwkAlgorithm)),
        ("PS256", Err(KeyError::JwkAlgorithm)),
        ("rs256", Err(KeyError::JwkAlgorithm)),
        ("RSA-OAEP", Err(KeyError::JwkAlgorithm)),
        ("none", Err(KeyError::JwkAlgorithm)),
        ("", Err(KeyError::JwkAlgorithm)),
    ] {
        assert_eq!(
            verifies(&with(rsa.clone(), "alg", alg), Algorithm::Rs256),
            expected,
            "{alg}"
        );
    }
    let ec = with(public(Algorithm::Es384), "alg", "ECDH-ES");
    assert_eq!(verifies(&ec, Algorithm::Es384), Err(KeyError::JwkAlgorithm));
}

#[test]
fn use_is_obeyed() {
    let jwks = [
        (public(Algorithm::Es256), Algorithm::Es256),
        (public(Algorithm::EdDsa), Algorithm::EdDsa),
        (json!({"kty": "oct", "k": SECRET}), Algorithm::Hs256),
    ];
    for (jwk, algorithm) in jwks {
        assert_eq!(
            verifies(&with(jwk.clone(), "use", "sig"), algorithm),
            Ok(())
        );
        for other in ["enc", "SIG", "", "signature"] {
            assert_eq!(
                verifies(&with(jwk.clone(), "use", other), algorithm),
                Err(KeyError::JwkUse)
            );
        }
    }
}

#[test]
fn key_ops_are_obeyed() {
    let secret = json!({"kty": "oct", "k": SECRET});
    let checks = [
        (json!(["verify"]), Ok(()), Err(KeyError::JwkUse)),
        (json!(["sign"]), Err(KeyError::JwkUse), Ok(())),
        (json!(["sign", "verify"]), Ok(()), Ok(())),
        (
            json!(["VERIFY"]),
            Err(KeyError::JwkUse),
            Err(KeyError::JwkUse),
        ),
        (
            json!(["encrypt"]),
            Err(KeyError::JwkUse),
            Err(KeyError::JwkUse),
        ),
        (json!([]), Err(KeyError::JwkUse), Err(KeyError::JwkUse)),
    ];
    for (operations, verifying, signing) in checks {
        let jwk = with(secret.clone(), "key_ops", operations);
        assert_eq!(verifies(&jwk, Algorithm::Hs256), verifying, "{jwk}");
        assert_eq!(signs(&jwk, Algorithm::Hs256), signing, "{jwk}");
    }
}

/// If all pairs were compared, this number would take minutes.
#[test]
fn a_long_list_of_operations_is_read_in_one_pass() {
    let others = (0..300_000).map(|number| format!("x{number}"));
    let operations: Vec<String> = others.chain(["verify".into()]).collect();
    let jwk = with(
        json!({"kty": "oct", "k": SECRET}),
        "key_ops",
        json!(operations),
    );
    assert_eq!(verifies(&jwk, Algorithm::Hs256), Ok(()));
}

#[test]
fn metadata_of_the_wrong_type_is_refused() {
    let jwk = public(Algorithm::Es256);
    for (name, value) in [
        ("kid", json!(1.5)),
        ("kid", json!(true)),
        ("kid", json!(["1"])),
        ("alg", json!(256)),
        ("alg", json!(["ES256"])),
        ("use", json!(["sig"])),
        ("key_ops", json!(1)),
        ("key_ops", json!({"verify": true})),
        ("key_ops", json!([1])),
        ("key_ops", json!([null])),
        // RFC 7517 §4.3.
        ("key_ops", json!(["verify", "verify"])),
    ] {
        assert_eq!(
            refused(&with(jwk.clone(), name, value)),
            KeyError::JwkMember,
            "{name}"
        );
    }
}

/// RFC 7518 §6.3.1.1 mentions libraries that write a zero before the modulus; those of JVMs do.
#[test]
fn zeros_before_the_numbers_of_an_rsa_key_are_read() {
    let jwk = public(Algorithm::Rs256);
    let plain = Jwk::parse(jwk.to_string()).unwrap();
    let thumbprint = |jwk: &Jwk| jwk.key().public_key().unwrap().thumbprint();
    for zeros in 1..4 {
        let mut padded = jwk.clone();
        for name in ["n", "e"] {
            let number = base64url::decode(jwk[name].as_str().unwrap()).unwrap();
            let number = [&vec![0; zeros], &*number].concat();
            padded[name] = base64url::encode(number).into();
        }
        let padded = Jwk::parse(padded.to_string()).unwrap();
        assert_eq!(thumbprint(&padded), thumbprint(&plain));
    }
}

#[test]
fn members_that_are_null_are_as_good_as_none() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let mut jwk = public(algorithm);
        for name in [
            "kid", "alg", "use", "key_ops", "d", "p", "q", "dp", "dq", "qi", "oth", "x5c",
        ] {
            jwk[name] = Value::Null;
        }
        assert_eq!(verifies(&jwk, algorithm), Ok(()));
        let read = Jwk::parse(jwk.to_string()).unwrap();
        assert!(!read.is_private() && read.kid().is_none() && read.algorithm().is_none());
    }
    let file: Value = serde_json::from_str(include_str!("../data/rfc_key_sets.json")).unwrap();
    let private = with(file["RFC 7517 A.2"]["keys"][1].clone(), "oth", Value::Null);
    assert_eq!(signs(&private, Algorithm::Rs256), Ok(()));
}

#[test]
fn a_number_as_kid_is_its_digits() {
    for (kid, name) in [
        (json!(2026), "2026"),
        (json!(-1), "-1"),
        (json!(u64::MAX), "18446744073709551615"),
    ] {
        let jwk = with(public(Algorithm::Es256), "kid", kid);
        let read = Jwk::parse(jwk.to_string()).unwrap();
        assert_eq!(read.kid().unwrap().as_str(), name);
    }
}

#[test]
fn a_single_operation_may_stand_without_a_list() {
    let jwk = |operation: &str| with(public(Algorithm::Es256), "key_ops", operation);
    assert_eq!(verifies(&jwk("verify"), Algorithm::Es256), Ok(()));
    for other in ["sign", "", "Verify", "verify sign"] {
        assert_eq!(
            verifies(&jwk(other), Algorithm::Es256),
            Err(KeyError::JwkUse)
        );
    }
}

/// SPIFFE's trust domain and bundle specification, §4.1; keys of certificates are for TLS.
#[test]
fn a_key_for_jwt_svids_verifies() {
    let jwk = |purpose: &str| with(public(Algorithm::Es256), "use", purpose);
    assert_eq!(verifies(&jwk("jwt-svid"), Algorithm::Es256), Ok(()));
    assert_eq!(
        verifies(&jwk("x509-svid"), Algorithm::Es256),
        Err(KeyError::JwkUse)
    );
}

/// RFC 9864 §2.2.
#[test]
fn a_key_for_ed25519_verifies_eddsa() {
    let jwk = with(public(Algorithm::EdDsa), "alg", "Ed25519");
    assert_eq!(verifies(&jwk, Algorithm::EdDsa), Ok(()));
    let read = Jwk::parse(jwk.to_string()).unwrap();
    assert_eq!(read.algorithm(), Some(Algorithm::EdDsa));
    for name in ["Ed448", "ed25519", "ESP256"] {
        let other = with(jwk.clone(), "alg", name);
        assert_eq!(
            verifies(&other, Algorithm::EdDsa),
            Err(KeyError::JwkAlgorithm)
        );
    }
    let elliptic = with(public(Algorithm::Es256), "alg", "Ed25519");
    assert_eq!(
        verifies(&elliptic, Algorithm::Es256),
        Err(KeyError::JwkAlgorithm)
    );
}

#[test]
fn the_member_that_is_wrong_is_named() {
    let (rsa, ec) = (public(Algorithm::Rs256), public(Algorithm::Es256));
    for (jwk, message) in [
        (json!({}), "`kty` is missing"),
        (json!({"kty": 1}), "`kty` isn't a string"),
        (
            json!({"kty": "rsa"}),
            "`kty` names a kind of key that isn't supported",
        ),
        (without(rsa.clone(), "n"), "`n` is missing"),
        (with(rsa.clone(), "n", 5), "`n` isn't a string"),
        (with(rsa.clone(), "n", ""), "`n` has the wrong length"),
        (
            with(rsa.clone(), "e", "AQAB="),
            "`e` isn't base64url without padding",
        ),
        (
            with(rsa.clone(), "n", "AQAB"),
            "the RSA key is shorter than 2048 bits",
        ),
        (with(ec.clone(), "x", "AAAA"), "`x` has the wrong length"),
        (
            with(ec.clone(), "crv", "P-224"),
            "`crv` names a kind of key that isn't supported",
        ),
        (with(ec.clone(), "kid", json!([])), "`kid` isn't a string"),
        (
            with(ec, "key_ops", json!([1])),
            "`key_ops` isn't a list of strings",
        ),
    ] {
        let problem = Jwk::parse_or_explain(&jwk.to_string()).unwrap_err();
        assert_eq!(problem.to_string(), message);
        assert_eq!(problem.cause(), refused(&jwk));
    }
}

#[test]
fn a_private_key_signs_and_is_refused_to_verify() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    assert_eq!(signs(&jwk, Algorithm::EdDsa), Ok(()));
    assert_eq!(verifies(&jwk, Algorithm::EdDsa), Err(KeyError::PrivateKey));
    assert_eq!(
        signs(&public(Algorithm::EdDsa), Algorithm::EdDsa),
        Err(KeyError::NotPrivate)
    );

    let other = with(jwk.clone(), "x", public(Algorithm::EdDsa)["x"].clone());
    assert_eq!(refused(&other), KeyError::InvalidPrivateKey);
    assert_eq!(refused(&with(jwk.clone(), "d", "AA")), KeyError::JwkMember);
    assert_eq!(refused(&with(jwk, "d", "")), KeyError::JwkMember);
}

#[test]
fn a_private_ec_key_has_its_full_length_and_belongs_to_its_point() {
    // RFC 7515 A.3.
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"});
    assert_eq!(signs(&jwk, Algorithm::Es256), Ok(()));
    let zero = "A".repeat(43);
    for (d, expected) in [
        (zero.as_str(), KeyError::InvalidPrivateKey),
        (
            "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LJ",
            KeyError::Base64,
        ),
        (
            "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LL",
            KeyError::Base64,
        ),
        (
            "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LM",
            KeyError::InvalidPrivateKey,
        ),
        ("jpsQ", KeyError::JwkMember),
    ] {
        assert_eq!(refused(&with(jwk.clone(), "d", d)), expected, "{d}");
    }
}

#[test]
fn a_private_rsa_key_needs_its_primes() {
    let file: Value = serde_json::from_str(include_str!("../data/rfc_key_sets.json")).unwrap();
    let jwk = file["RFC 7517 A.2"]["keys"][1].clone();
    assert_eq!(signs(&jwk, Algorithm::Rs256), Ok(()));
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(
            refused(&without(jwk.clone(), name)),
            KeyError::JwkMember,
            "{name}"
        );
    }
    assert_eq!(
        refused(&with(jwk.clone(), "oth", json!([]))),
        KeyError::Unsupported
    );
    let p = jwk["q"].clone();
    assert_eq!(refused(&with(jwk, "p", p)), KeyError::InvalidPrivateKey);
}

#[test]
fn a_secret_is_never_written() {
    let jwk = Jwk::new(keys::key(Algorithm::Hs256));
    assert_eq!(jwk.to_json().unwrap_err(), KeyError::SecretKey);
    assert!(!format!("{jwk:?}").contains("test-only"));
}

#[test]
fn written_jwk_is_the_public_key_with_its_metadata() {
    let Key::Private(key) = keys::key(Algorithm::Es256) else {
        panic!("the key is private")
    };
    let jwk = Jwk::new(key)
        .with_kid("a\"b")
        .with_algorithm(Algorithm::Es256);
    let json: Value = serde_json::from_str(&jwk.to_json().unwrap()).unwrap();
    assert_eq!(json["kid"], "a\"b");
    assert_eq!(json["alg"], "ES256");
    assert!(json.get("d").is_none());
    let read = Jwk::parse(json.to_string()).unwrap();
    assert_eq!(read.kid(), jwk.kid());
    assert_eq!(read.algorithm(), Some(Algorithm::Es256));
    assert_eq!(read.key().public_key(), jwk.key().public_key());
}
