//! Project Wycheproof's vectors for sets of keys.

use boltguard_encoding::base64url;
use boltguard_keys::{Algorithm, KeyError, KeySet};
use serde_json::Value;

/// Vectors with another result here, with the reason.
const DECIDED_OTHERWISE: [(u64, &str); 5] = [
    (
        1,
        "a set of a secret and a public key: each serves its own algorithms alone, so neither is taken for the other",
    ),
    (
        4,
        "two keys with one kid: RFC 7517 §4.5 allows it, and both are trusted",
    ),
    (
        10,
        "a secret shorter than its hash verifies, with a warning: `VerifyingKey::is_weak`",
    ),
    (11, "as 10"),
    (12, "as 10"),
];

fn tests() -> Vec<Value> {
    let file = include_str!("../data/wycheproof_key_sets.json");
    let mut file: Value = serde_json::from_str(file).unwrap();
    serde_json::from_value(file["tests"].take()).unwrap()
}

/// Whether one of the keys that the token selects has signed it.
fn verifies(test: &Value) -> Result<bool, KeyError> {
    // The public part of keys that are published with the private one.
    let keys = KeySet::from_jwks(test["set"].to_string(), Algorithm::ALL)?;
    let (message, signature) = test["jws"].as_str().unwrap().rsplit_once('.').unwrap();
    let header = base64url::decode(message.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let algorithm: Algorithm = header["alg"].as_str().unwrap().parse().unwrap();
    let signature = base64url::decode(signature).unwrap();
    Ok(keys
        .select(algorithm, header["kid"].as_str())
        .any(|key| key.verify(message.as_bytes(), &signature).is_ok()))
}

#[test]
fn key_sets_are_as_wycheproof_says_or_listed() {
    let tests = tests();
    assert_eq!(tests.len(), 26);
    for test in &tests {
        let id = test["id"].as_u64().unwrap();
        let is_valid = test["result"] == "valid";
        let is_listed = DECIDED_OTHERWISE.iter().any(|(listed, _)| *listed == id);
        let verified = verifies(test);
        assert_eq!(
            verified == Ok(true),
            is_valid != is_listed,
            "test {id}, {}: {verified:?}",
            test["comment"]
        );
    }
}

#[test]
fn weak_secrets_are_distinguished() {
    for test in tests()
        .iter()
        .filter(|test| test["comment"] == "key_too_short")
    {
        let keys = KeySet::from_jwks(test["set"].to_string(), Algorithm::ALL).unwrap();
        assert!(
            keys.keys()
                .iter()
                .any(boltguard_keys::VerifyingKey::is_weak)
        );
    }
}

#[test]
fn roca_modulus_has_its_own_error() {
    let tests = tests();
    let test = tests.iter().find(|test| test["id"] == 7).unwrap();
    let read = KeySet::parse_jwks(&test["set"].to_string(), Algorithm::ALL).unwrap();
    assert_eq!(read.skipped()[0].problem().cause(), KeyError::RsaWeak);
    assert!(read.skipped()[0].to_string().contains("ROCA"));
}
