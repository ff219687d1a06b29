//! Parsing of keys in PEM and other formats.

use boltguard::keys::{Key, KeyError, PrivateKey, PublicKey, Secret};

use super::jwk::round_trip;

pub(super) fn run(data: &[u8]) {
    if Key::from_bytes(data).is_ok() {
        assert_eq!(
            Secret::new(data),
            Err(KeyError::PemAsSecret),
            "a key must not be accepted as a secret"
        );
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (public, private) = (PublicKey::from_pem(text), PrivateKey::from_pem(text));
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
        let encoded = key.to_pkcs8_pem().expect("the key can be encoded");
        assert_eq!(
            PrivateKey::from_pem(&encoded)
                .expect("the PEM is valid")
                .public_key(),
            key.public_key()
        );
    }
}
