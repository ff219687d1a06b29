//! Any bytes as a key, any text as PEM.

use boltguard::keys::{Key, KeyError, PrivateKey, PublicKey, Secret};

use super::jwk::round_trip;

pub(super) fn run(data: &[u8]) {
    if Key::from_bytes(data).is_ok() {
        assert_eq!(
            Secret::new(data),
            Err(KeyError::PemAsSecret),
            "a key is no secret"
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
            "a key is no secret"
        );
    }
    if let Ok(key) = &public {
        assert!(private.is_err());
        round_trip(key);
    }
    if let Ok(key) = &private {
        assert_eq!(public, Err(KeyError::PrivateKey));
        round_trip(key.public_key());
        let written = key.to_pkcs8_pem().expect("PEM");
        assert_eq!(
            PrivateKey::from_pem(&written)
                .expect("what was written")
                .public_key(),
            key.public_key()
        );
    }
}
