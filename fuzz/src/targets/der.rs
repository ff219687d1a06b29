//! Parsing of keys in DER.

use boltguard::keys::{KeyError, PrivateKey, PublicKey, Secret};

use super::jwk::round_trip;

pub(super) fn run(data: &[u8]) {
    let (public, private) = (PublicKey::from_der(data), PrivateKey::from_der(data));
    if public.is_ok() || private.is_ok() {
        assert_eq!(
            Secret::new(data),
            Err(KeyError::PemAsSecret),
            "a key must not be accepted as a secret"
        );
    }
    if let Ok(key) = &public {
        assert!(private.is_err());
        round_trip(key);
    }
    if let Ok(key) = &private {
        assert_eq!(public, Err(KeyError::PrivateKey));
        round_trip(key.public_key());
    }
}
