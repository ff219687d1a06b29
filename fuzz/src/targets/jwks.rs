//! Parsing of JSON Web Key Sets.

use boltguard::keys::{Algorithm, KeyError, KeySet, Secret};

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(keys) = KeySet::from_jwks(text, Algorithm::ALL) else {
        return;
    };
    assert!(!keys.is_empty());
    assert!(
        Secret::new(data).is_err(),
        "a key set must not be accepted as a secret"
    );
    for algorithm in keys.algorithms() {
        for kid in [None, Some(""), Some("a")] {
            assert!(keys.select(algorithm, kid).count() <= KeySet::MAX_TRIED);
            assert!(
                keys.select(algorithm, kid)
                    .all(|key| key.algorithm() == algorithm)
            );
        }
    }
    let public = keys
        .keys()
        .iter()
        .filter(|key| key.public_key().is_some())
        .count();
    match KeySet::from_jwks(keys.to_jwks(), Algorithm::ALL) {
        Ok(again) => {
            assert!(public > 0 && again.keys().iter().all(|key| key.public_key().is_some()))
        }
        Err(error) => assert_eq!((error, public), (KeyError::NoUsableKey, 0)),
    }
}
