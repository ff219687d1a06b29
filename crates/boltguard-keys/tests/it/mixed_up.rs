//! Keys, algorithms and signatures that are used for one another.

use boltguard_keys::{Algorithm, Key, KeyError, KeyType, SigningKey, VerifyingKey};
use boltguard_testing::keys;

fn public(algorithm: Algorithm) -> Key {
    match keys::key(algorithm) {
        Key::Private(key) => Key::from(key.public_key().clone()),
        other => other,
    }
}

#[test]
fn key_only_supports_algorithms_of_its_family() {
    for key_of in Algorithm::ALL {
        for algorithm in Algorithm::ALL {
            let fits = key_of.key_type() == algorithm.key_type();
            let expected = if fits {
                None
            } else {
                Some(KeyError::AlgorithmMismatch)
            };
            let verifying = VerifyingKey::new(&public(*key_of), *algorithm);
            assert_eq!(verifying.err(), expected, "{key_of} {algorithm}");
            let signing = SigningKey::new(&keys::key(*key_of), *algorithm);
            assert_eq!(signing.err(), expected, "{key_of} {algorithm}");
        }
    }
}

#[test]
fn private_keys_do_not_verify_and_public_keys_do_not_sign() {
    for algorithm in Algorithm::ALL {
        if algorithm.key_type() != KeyType::Hmac {
            let verifying = VerifyingKey::new(&keys::key(*algorithm), *algorithm);
            assert_eq!(verifying.unwrap_err(), KeyError::PrivateKey);
            let signing = SigningKey::new(&public(*algorithm), *algorithm);
            assert_eq!(signing.unwrap_err(), KeyError::NotPrivate);
        }
    }
}

#[test]
fn a_signature_of_one_algorithm_is_none_of_another() {
    for signed in Algorithm::ALL {
        let signature = keys::signing_key(*signed).sign(b"message").unwrap();
        for algorithm in Algorithm::ALL {
            let verified = keys::verifying_key(*algorithm).verify(b"message", signature.as_ref());
            assert_eq!(
                verified.is_ok(),
                signed == algorithm,
                "{signed} {algorithm}"
            );
        }
    }
}

#[test]
fn signatures_have_one_length() {
    for algorithm in Algorithm::ALL {
        let key = keys::signing_key(*algorithm);
        let signature = key.sign(b"message").unwrap();
        let signature = signature.as_ref();
        assert_eq!(signature.len(), key.signature_len(), "{algorithm}");
        assert_eq!(key.sign_with(b"message", <[u8]>::len), Ok(signature.len()));
        let verifies = |signature: &[u8]| key.verifying_key().verify(b"message", signature).is_ok();
        assert!(verifies(signature));
        assert!(!verifies(&[]));
        assert!(!verifies(&signature[1..]), "{algorithm}");
        assert!(!verifies(&signature[..signature.len() - 1]), "{algorithm}");
        assert!(!verifies(&[signature, &[0]].concat()), "{algorithm}");
        assert!(!verifies(&[&[0], signature].concat()), "{algorithm}");
        assert!(!verifies(&vec![0; signature.len()]), "{algorithm}");
        assert!(!verifies(&signature.repeat(2)), "{algorithm}");
    }
}

#[test]
fn every_changed_bit_of_a_signature_is_noticed() {
    for algorithm in [
        Algorithm::Hs256,
        Algorithm::Hs512,
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Rs256,
    ] {
        let key = keys::signing_key(algorithm);
        let mut signature = key.sign(b"message").unwrap().as_ref().to_vec();
        for bit in 0..signature.len() * 8 {
            signature[bit / 8] ^= 1 << (bit % 8);
            assert!(
                key.verifying_key().verify(b"message", &signature).is_err(),
                "{algorithm} {bit}"
            );
            signature[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn debug_of_prepared_keys_only_shows_the_algorithm() {
    let key = keys::signing_key(Algorithm::Hs256).with_key_id("2026");
    let expected = r#"{ algorithm: Hs256, key_id: Some(KeyId("2026")), .. }"#;
    assert_eq!(format!("{key:?}"), format!("SigningKey {expected}"));
    assert_eq!(
        format!("{:?}", key.verifying_key()),
        format!("VerifyingKey {expected}")
    );
    assert_eq!(
        format!("{:?}", key.sign(b"").unwrap()),
        "Signature(32 bytes)"
    );
}

#[test]
fn keys_are_shared_between_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<SigningKey>();
    check::<VerifyingKey>();
    check::<Key>();
}

#[test]
fn rsa_keys_are_not_generated_here() {
    assert_eq!(
        Key::generate(Algorithm::Rs256).unwrap_err(),
        KeyError::CannotGenerate
    );
}
