//! Any text as a JSON Web Key.

use boltguard::keys::{Algorithm, Jwk, Key, KeyError, KeySet, PublicKey, Secret};

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(jwk) = Jwk::parse(text) else { return };
    assert!(Secret::new(data).is_err(), "a key is no secret");
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
        let again = Jwk::parse(&jwk.to_json().expect("a public key")).expect("what was written");
        assert_eq!(
            (again.key().public_key(), again.kid()),
            (Some(key), jwk.kid())
        );
    }
}

/// A public key that was read can be written, and read again.
pub(super) fn round_trip(key: &PublicKey) {
    let der = key.to_der().expect("DER");
    assert_eq!(PublicKey::from_der(&der).as_ref(), Ok(key));
    assert_eq!(
        PublicKey::from_pem(&key.to_pem().expect("PEM")).as_ref(),
        Ok(key)
    );
    let jwk = Jwk::parse(&Jwk::new(key.clone()).to_json().expect("a public key"))
        .expect("what was written");
    assert_eq!(jwk.key().public_key(), Some(key));
    assert_eq!(
        Secret::new(&der),
        Err(KeyError::PemAsSecret),
        "a key is no secret"
    );
}
