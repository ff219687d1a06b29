//! Parsing of JSON Web Keys.

use boltguard::keys::{Algorithm, Jwk, Key, KeyError, KeySet, PublicKey, Secret};

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(jwk) = Jwk::parse(text) else { return };
    assert!(
        Secret::new(data).is_err(),
        "a key must not be accepted as a secret"
    );
    for algorithm in Algorithm::ALL {
        let verifying = jwk.verifying_key(*algorithm);
        assert!(verifying.is_err() || !jwk.is_private());
        assert_eq!(
            verifying.is_ok(),
            KeySet::from_jwk(&jwk, &[*algorithm]).is_ok()
        );
    }
    assert_eq!(jwk.to_json().is_err(), matches!(jwk.key(), Key::Secret(_)));
    if let Some(key) = jwk.key().public_key() {
        round_trip(key);
        let again =
            Jwk::parse(jwk.to_json().expect("the key is public")).expect("the JSON is valid");
        assert_eq!(
            (again.key().public_key(), again.kid()),
            (Some(key), jwk.kid())
        );
    }
}

/// Checks that a public key round-trips through all formats.
pub(super) fn round_trip(key: &PublicKey) {
    let der = key.to_der().expect("the key can be encoded");
    assert_eq!(PublicKey::from_der(&der).as_ref(), Ok(key));
    assert_eq!(
        PublicKey::from_pem(key.to_pem().expect("the key can be encoded")).as_ref(),
        Ok(key)
    );
    let jwk = Jwk::parse(Jwk::new(key.clone()).to_json().expect("the key is public"))
        .expect("the JSON is valid");
    assert_eq!(jwk.key().public_key(), Some(key));
    assert_eq!(
        Secret::new(&der),
        Err(KeyError::PemAsSecret),
        "a key must not be accepted as a secret"
    );
}
