//! Sets of keys.

use boltguard_keys::{Algorithm, Jwk, Key, KeyError, KeySet, VerifyingKey};
use boltguard_testing::keys;
use serde_json::{Value, json};

fn jwk(key: Key, kid: Option<&str>) -> Value {
    let public = key.public_key().unwrap().clone();
    let mut jwk: Value = serde_json::from_str(&Jwk::new(public).to_json().unwrap()).unwrap();
    if let Some(kid) = kid {
        jwk["kid"] = kid.into();
    }
    jwk
}

fn common(algorithm: Algorithm, kid: Option<&str>) -> Value {
    jwk(keys::key(algorithm), kid)
}

fn other(algorithm: Algorithm, kid: Option<&str>) -> Value {
    jwk(keys::other_key(algorithm), kid)
}

fn read(jwks: &Value, algorithms: &[Algorithm]) -> Result<KeySet, KeyError> {
    KeySet::from_jwks(jwks.to_string(), algorithms)
}

fn set(members: &[Value]) -> KeySet {
    read(&json!({"keys": members}), Algorithm::ALL).unwrap()
}

fn count(set: &KeySet, algorithm: Algorithm, kid: Option<&str>) -> usize {
    set.select(algorithm, kid).count()
}

use Algorithm::{EdDsa, Es256, Es384, Hs256, Rs256, Rs384};

#[test]
fn kid_selects_the_keys_of_its_name() {
    let set = set(&[
        common(Es256, Some("a")),
        other(Es256, Some("b")),
        common(EdDsa, Some("a")),
    ]);
    assert_eq!(count(&set, Es256, Some("a")), 1);
    assert_eq!(count(&set, EdDsa, Some("a")), 1);
    assert_eq!(count(&set, EdDsa, Some("b")), 0);
    assert_eq!(count(&set, Es256, Some("c")), 0);
    assert_eq!(count(&set, Es256, Some("")), 0);
    let selected = set.select(Es256, Some("b")).next().unwrap();
    assert_eq!(selected.public_key(), keys::other_key(Es256).public_key());
}

#[test]
fn unknown_kid_selects_keys_without_kid() {
    let set = set(&[common(Es256, None), other(Es256, Some("b"))]);
    assert_eq!(count(&set, Es256, Some("unknown")), 1);
    assert!(
        set.select(Es256, Some("unknown"))
            .all(|key| key.key_id().is_none())
    );
    assert_eq!(count(&set, Es256, Some("b")), 1);
}

#[test]
fn without_a_kid_the_keys_that_fit_are_tried() {
    let set = set(&[
        common(Es256, Some("a")),
        other(Es256, None),
        common(Es384, None),
    ]);
    assert_eq!(count(&set, Es256, None), 2);
    assert_eq!(count(&set, Es384, None), 1);
    assert_eq!(count(&set, Hs256, None), 0);
}

#[test]
fn the_number_of_keys_tried_is_bounded() {
    let key = keys::verifying_key(Hs256);
    let set: KeySet = std::iter::repeat_n(key, 40).collect();
    assert_eq!(count(&set, Hs256, None), KeySet::MAX_TRIED);
    assert_eq!(count(&set, Hs256, Some("x")), KeySet::MAX_TRIED);
}

#[test]
fn unsupported_keys_are_skipped_with_their_kid() {
    let good = common(Rs256, None);
    for odd in [
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "odd"}),
        json!({"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "odd"}),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "odd"}),
        json!({"kid": "odd"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "odd"}),
    ] {
        let set = set(&[odd, good.clone()]);
        assert!(count(&set, Rs256, None) == 1);
        assert_eq!(count(&set, Rs256, Some("odd")), 0);
        assert_eq!(count(&set, Rs256, Some("other")), 1);
    }
}

#[test]
fn keys_for_another_use_are_skipped_with_their_kid() {
    let mut enc = common(Rs256, Some("enc"));
    enc["use"] = "enc".into();
    let mut alg = common(Rs256, Some("alg"));
    alg["alg"] = "RS384".into();
    let members = json!({"keys": [enc, alg, other(Rs256, None)]});
    let set = read(&members, &[Rs256]).unwrap();
    assert_eq!(set.len(), 1);
    assert_eq!(count(&set, Rs256, Some("enc")), 0);
    assert_eq!(count(&set, Rs256, Some("alg")), 0);
    assert_eq!(count(&set, Rs256, Some("neither")), 1);
    let set = read(&members, &[Rs256, Rs384]).unwrap();
    assert_eq!(count(&set, Rs256, Some("alg")), 0);
    assert_eq!(count(&set, Rs384, Some("alg")), 1);
}

#[test]
fn each_key_that_is_skipped_is_listed_with_its_index_its_kid_and_the_reason() {
    let with = |name: &str, value: Value| {
        let mut jwk = common(Rs256, Some("k"));
        jwk[name] = value;
        jwk
    };
    let set = json!({"keys": [
        common(Rs256, Some("good")),
        with("n", json!("AQAB")),
        with("e", json!(null)),
        with("n", json!("A+AA")),
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("RSA-OAEP")),
        with("alg", json!("HS256")),
        with("kid", json!({"a": 1})),
        json!({"kty": "AKP", "kid": 7}),
        json!({"kty": "oct", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}),
        common(Es256, Some("other")),
        json!({"kid": "a\nb"}),
        json!({"kid": "x".repeat(100)}),
    ]});
    let read = read(&set, &[Rs256, Rs384]).unwrap();
    let skipped: Vec<_> = read.skipped().iter().map(ToString::to_string).collect();
    let long = format!("key 13 (kid \"{}\"…): `kty` is missing", "x".repeat(64));
    assert_eq!(
        skipped,
        [
            "key 1 (kid \"k\"): the RSA key is shorter than 2048 bits",
            "key 2 (kid \"k\"): `e` is missing",
            "key 3 (kid \"k\"): `n` isn't base64url without padding",
            "key 4 (kid \"k\"): `use` isn't \"sig\"",
            "key 5 (kid \"k\"): `key_ops` doesn't list what the key is used for",
            "key 6 (kid \"k\"): `alg` names another algorithm",
            "key 7 (kid \"k\"): `alg` names another algorithm",
            "key 8: `kid` isn't a string",
            "key 9 (kid \"7\"): `kty` names a kind of key that isn't supported",
            "key 10: this is a secret; pass a public or private key",
            "key 11 (kid \"other\"): the algorithm requires another type of key",
            "key 12 (kid \"a\\nb\"): `kty` is missing",
            &long,
        ]
    );
    let first = &read.skipped()[0];
    assert_eq!(first.index(), 1);
    assert_eq!(first.kid().unwrap().as_str(), "k");
    assert_eq!(first.problem().cause(), KeyError::RsaTooSmall);
    assert!(read.names("7") && count(&read, Rs256, Some("7")) == 0);
}

#[test]
fn a_set_without_a_usable_key_is_read_with_the_reasons() {
    let set = json!({"keys": [json!({"kty": "AKP"})]}).to_string();
    let read = KeySet::parse_jwks(&set, Algorithm::ALL).unwrap();
    assert!(read.is_empty());
    assert_eq!(read.skipped().len(), 1);
    let read = KeySet::parse_jwks(r#"{"keys":[]}"#, Algorithm::ALL).unwrap();
    assert!(read.is_empty() && read.skipped().is_empty());
}

/// RFC 7517 §4.5 allows it; tokens of either key are genuine.
#[test]
fn keys_may_share_a_kid() {
    let set = set(&[
        common(Es256, Some("a")),
        other(Es256, Some("a")),
        common(Rs256, Some("a")),
    ]);
    assert_eq!(count(&set, Es256, Some("a")), 2);
    assert!(set.skipped().is_empty());
}

#[test]
fn null_is_not_a_private_member() {
    let mut jwk = common(Rs256, None);
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        jwk[name] = Value::Null;
    }
    assert!(count(&set(&[jwk]), Rs256, None) == 1);
}

#[test]
fn only_allowed_algorithms_are_served() {
    let set = read(
        &json!({"keys": [common(Rs256, None), common(Es256, None)]}),
        &[Es256, Rs384],
    )
    .unwrap();
    assert_eq!(set.algorithms().collect::<Vec<_>>(), [Rs384, Es256]);
}

#[test]
fn a_restricted_set_keeps_the_names_of_the_others() {
    let keys = set(&[
        common(Es256, Some("ec")),
        common(EdDsa, Some("ed")),
        common(EdDsa, None),
    ]);
    let keys = keys.restricted_to(&[EdDsa]);
    assert_eq!(count(&keys, Es256, Some("ec")), 0);
    assert_eq!(count(&keys, EdDsa, Some("ec")), 0);
    assert_eq!(count(&keys, EdDsa, Some("ed")), 1);
    assert_eq!(count(&keys, EdDsa, None), 2);
}

#[test]
fn sets_are_the_same_if_tokens_find_the_same_keys() {
    let members = [common(EdDsa, Some("a")), common(Es256, Some("b"))];
    let unusable = json!({"kty": "unknown", "kid": "c"});
    let one = || set(&members);
    assert!(one().is_same_as(&one()));
    for different in [
        set(&members[..1]),
        set(&[members[1].clone(), members[0].clone()]),
        set(&[common(EdDsa, Some("c")), members[1].clone()]),
        set(&[common(EdDsa, None), members[1].clone()]),
        set(&[other(EdDsa, Some("a")), members[1].clone()]),
        set(&[members[0].clone(), members[1].clone(), unusable]),
        one().restricted_to(&[EdDsa]),
        KeySet::default(),
    ] {
        assert!(!one().is_same_as(&different), "{different:?}");
        assert!(!different.is_same_as(&one()), "{different:?}");
    }
}

/// Copies of a secret share their memory, so they aren't compared.
#[test]
fn a_secret_is_the_same_only_as_its_clone() {
    let secret =
        || set(&[json!({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"})]);
    let one = secret();
    assert!(one.is_same_as(&one.clone()));
    assert!(!one.is_same_as(&secret()));
}

#[test]
fn two_sets_together_trust_the_keys_of_both() {
    let one = set(&[common(Es256, Some("a"))]);
    let both = one.and(set(&[other(Es256, Some("b"))]));
    assert_eq!(count(&both, Es256, Some("a")), 1);
    assert_eq!(count(&both, Es256, Some("b")), 1);
    assert_eq!(count(&both, Es256, None), 2);
}

#[test]
fn a_set_without_a_usable_key_is_refused() {
    for keys in [
        json!([]),
        json!([{"kty": "AKP"}]),
        json!([common(Rs256, None)]),
    ] {
        assert_eq!(
            read(&json!({"keys": keys}), &[Es256]).unwrap_err(),
            KeyError::NoUsableKey
        );
    }
    let fits = json!({"keys": [common(Es256, None)]});
    assert_eq!(read(&fits, &[]).unwrap_err(), KeyError::NoUsableKey);
}

#[test]
fn values_that_are_not_sets_are_rejected() {
    for jwks in [
        json!({}),
        json!({"keys": null}),
        json!({"keys": {}}),
        json!({"keys": "x"}),
        json!({"Keys": []}),
    ] {
        assert_eq!(
            read(&jwks, Algorithm::ALL).unwrap_err(),
            KeyError::Jwks,
            "{jwks}"
        );
    }
    for member in [
        json!(5),
        json!("x"),
        json!(null),
        json!([common(Es256, None)]),
    ] {
        let jwks = json!({"keys": [common(Es256, None), member]});
        assert_eq!(
            read(&jwks, Algorithm::ALL).unwrap_err(),
            KeyError::Jwks,
            "{jwks}"
        );
    }
    for text in ["", "[]", "null", "{", "\u{feff}{\"keys\":[]}"] {
        assert_eq!(
            KeySet::from_jwks(text, Algorithm::ALL).unwrap_err(),
            KeyError::Json
        );
    }
    let twice = r#"{"keys":[],"keys":[]}"#;
    assert_eq!(
        KeySet::from_jwks(twice, Algorithm::ALL).unwrap_err(),
        KeyError::DuplicateMember
    );
}

#[test]
fn private_key_in_a_set_is_always_rejected() {
    let private = |mut jwk: Value, name: &str| {
        jwk[name] = "AA".into();
        jwk
    };
    for bad in [
        private(common(Rs256, None), "d"),
        private(common(Rs256, None), "p"),
        private(common(Es256, None), "d"),
        private(common(EdDsa, None), "d"),
        private(json!({"kty": "OKP", "crv": "Ed448", "x": "AA"}), "d"),
        private(json!({"kty": "EC", "use": "enc"}), "d"),
    ] {
        let jwks = json!({"keys": [other(Es256, None), bad]});
        assert_eq!(read(&jwks, &[Es256]).unwrap_err(), KeyError::PrivateKey);
    }
}

#[test]
fn secrets_in_a_set_verify() {
    let jwks = json!({"keys": [{"kty": "oct", "kid": "k1", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}]});
    let set = read(&jwks, &[Hs256, Rs256]).unwrap();
    assert_eq!(count(&set, Hs256, Some("k1")), 1);
}

#[test]
fn other_members_of_a_set_are_ignored() {
    let jwks = json!({"issuer": "x", "keys": [common(Es256, None)], "version": 2});
    assert!(read(&jwks, &[Es256]).is_ok());
}

#[test]
fn one_jwk_makes_a_set_or_says_why_not() {
    let key = Jwk::parse(common(Rs256, Some("k")).to_string()).unwrap();
    assert_eq!(
        KeySet::from_jwk(&key, &[Rs256, Rs384, Es256])
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        KeySet::from_jwk(&key, &[Es256]).unwrap_err(),
        KeyError::AlgorithmMismatch
    );
    assert_eq!(
        KeySet::from_jwk(&key, &[]).unwrap_err(),
        KeyError::NoUsableKey
    );
    let only = key.with_algorithm(Rs384);
    assert_eq!(
        KeySet::from_jwk(&only, &[Rs256]).unwrap_err(),
        KeyError::JwkAlgorithm
    );
    let private = Jwk::new(keys::key(Es256));
    assert_eq!(
        KeySet::from_jwk(&private, &[Es256]).unwrap_err(),
        KeyError::PrivateKey
    );
}

#[test]
fn what_is_published_reads_back_without_secrets() {
    let rsa = keys::key(Rs256).public_key().unwrap().clone();
    let named = |algorithm| {
        VerifyingKey::new(&Key::from(rsa.clone()), algorithm)
            .unwrap()
            .with_key_id("rsa")
    };
    let keys = [
        named(Rs256),
        named(Rs384),
        keys::verifying_key(Hs256),
        keys::verifying_key(EdDsa).with_key_id("ed"),
    ];
    let published = KeySet::new(keys).to_jwks();
    let json: Value = serde_json::from_str(&published).unwrap();
    assert_eq!(json["keys"].as_array().unwrap().len(), 2);
    assert!(json["keys"][0].get("alg").is_none());
    assert_eq!(json["keys"][1]["alg"], "EdDSA");
    assert_eq!(json["keys"][1]["use"], "sig");
    let read = KeySet::from_jwks(&published, &[Rs256, Rs384, EdDsa]).unwrap();
    assert_eq!(read.len(), 3);
    assert_eq!(count(&read, Rs384, Some("rsa")), 1);
}
