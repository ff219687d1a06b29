//! Keys through PEM, DER and JWK and back.

use boltguard_keys::{
    Algorithm, Jwk, Key, KeyType, PrivateKey, PublicKey, Secret, SigningKey, VerifyingKey,
};
use proptest::prelude::*;

fn on_a_curve() -> impl Strategy<Value = Algorithm> {
    let is_on_a_curve =
        |one: &Algorithm| matches!(one.key_type(), KeyType::Ec(_) | KeyType::Ed25519);
    let algorithms = Algorithm::ALL.iter().copied().filter(is_on_a_curve);
    prop::sample::select(algorithms.collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn exported_private_keys_are_read_back(
        algorithm in on_a_curve(),
        message in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let key = PrivateKey::generate(algorithm).unwrap();
        let public = Key::from(key.public_key().clone());
        let verifying = VerifyingKey::new(&public, algorithm).unwrap();
        for back in [
            PrivateKey::from_pem(key.to_pkcs8_pem().unwrap()).unwrap(),
            PrivateKey::from_der(&key.to_pkcs8_der().unwrap()).unwrap(),
        ] {
            prop_assert_eq!(back.public_key(), key.public_key());
            let signature = SigningKey::new(&Key::from(back), algorithm).unwrap().sign(&message).unwrap();
            prop_assert!(verifying.verify(&message, signature.as_ref()).is_ok());
        }
    }

    #[test]
    fn public_keys_come_back(algorithm in on_a_curve()) {
        let key = PrivateKey::generate(algorithm).unwrap().public_key().clone();
        prop_assert_eq!(&PublicKey::from_pem(key.to_pem().unwrap()).unwrap(), &key);
        prop_assert_eq!(&PublicKey::from_der(&key.to_der().unwrap()).unwrap(), &key);
        let jwk = Jwk::parse(Jwk::new(key.clone()).to_json().unwrap()).unwrap();
        prop_assert_eq!(jwk.key().public_key().unwrap(), &key);
        prop_assert_eq!(jwk.key().public_key().unwrap().thumbprint(), key.thumbprint());
    }

    #[test]
    fn readers_accept_any_input(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
        let _ = Key::from_der(&bytes);
        let _ = Key::from_pem(&text);
        let _ = Jwk::parse(&text);
        let _ = Secret::new(&bytes);
        let _ = Secret::from_base64url(&text);
    }

    #[test]
    fn random_bytes_are_secrets(bytes in prop::collection::vec(any::<u8>(), 1..100)) {
        let secret = Secret::new(&bytes).unwrap();
        prop_assert_eq!(secret.expose(), &bytes[..]);
    }

    #[test]
    fn a_changed_byte_of_der_never_gives_the_same_key(
        algorithm in on_a_curve(),
        index in any::<prop::sample::Index>(),
        change in 1..=255u8,
    ) {
        let key = PrivateKey::generate(algorithm).unwrap().public_key().clone();
        let mut der = key.to_der().unwrap();
        *index.get_mut(&mut der) ^= change;
        prop_assert_ne!(PublicKey::from_der(&der).ok(), Some(key));
    }
}
