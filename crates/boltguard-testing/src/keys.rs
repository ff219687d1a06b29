//! Two keys of each kind: the usual one, and another that must not be taken for it.

use std::sync::LazyLock;

use boltguard_keys::{Algorithm, Curve, Key, KeyType, Secret, SigningKey, VerifyingKey};

/// A private key in PKCS#8 and its public key.
#[derive(Clone, Copy, Debug)]
pub struct KeyPair {
    /// The private key as PEM.
    pub private_pem: &'static str,
    /// The public key as PEM.
    pub public_pem: &'static str,
}

macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)*) => {
        $($(#[$doc])* pub const $name: KeyPair = KeyPair {
            private_pem: include_str!(concat!("../keys/", $file, ".private.pem")),
            public_pem: include_str!(concat!("../keys/", $file, ".public.pem")),
        };)*
    };
}

pairs! {
    /// RSA with 2048 bits.
    RSA = "rsa",
    /// Another RSA key with 2048 bits.
    RSA_OTHER = "rsa_other",
    /// P-256.
    P256 = "p256",
    /// Another key on P-256.
    P256_OTHER = "p256_other",
    /// P-384.
    P384 = "p384",
    /// Another key on P-384.
    P384_OTHER = "p384_other",
    /// P-521.
    P521 = "p521",
    /// Another key on P-521.
    P521_OTHER = "p521_other",
    /// secp256k1.
    SECP256K1 = "secp256k1",
    /// Another key on secp256k1.
    SECP256K1_OTHER = "secp256k1_other",
    /// Ed25519.
    ED25519 = "ed25519",
    /// Another Ed25519 key.
    ED25519_OTHER = "ed25519_other",
}

/// A secret of 64 characters, long enough for every HMAC.
pub const SECRET: &str = "test-only-secret-test-only-secret-test-only-secret-test-only-abc";

/// Another secret of 64 characters.
pub const SECRET_OTHER: &str = "test-only-another-test-only-another-test-only-another-test-only-";

/// The private key, or the secret, for an algorithm.
///
/// # Panics
///
/// Never, as long as the keys above are keys.
#[must_use]
pub fn key(algorithm: Algorithm) -> Key {
    read(
        algorithm,
        SECRET,
        [RSA, P256, P384, P521, SECP256K1, ED25519],
    )
}

/// Another private key or secret for an algorithm.
///
/// # Panics
///
/// Never, as long as the keys above are keys.
#[must_use]
pub fn other_key(algorithm: Algorithm) -> Key {
    let others = [
        RSA_OTHER,
        P256_OTHER,
        P384_OTHER,
        P521_OTHER,
        SECP256K1_OTHER,
        ED25519_OTHER,
    ];
    read(algorithm, SECRET_OTHER, others)
}

/// The usual key, to sign.
///
/// # Panics
///
/// Never, as long as the keys above are keys.
#[must_use]
pub fn signing_key(algorithm: Algorithm) -> SigningKey {
    static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| prepare(key));
    find(&KEYS, algorithm)
}

/// The usual key, to verify.
#[must_use]
pub fn verifying_key(algorithm: Algorithm) -> VerifyingKey {
    signing_key(algorithm).verifying_key().clone()
}

/// The other key, to sign.
///
/// # Panics
///
/// Never, as long as the keys above are keys.
#[must_use]
pub fn other_signing_key(algorithm: Algorithm) -> SigningKey {
    static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| prepare(other_key));
    find(&KEYS, algorithm)
}

/// The other key, to verify.
#[must_use]
pub fn other_verifying_key(algorithm: Algorithm) -> VerifyingKey {
    other_signing_key(algorithm).verifying_key().clone()
}

/// Without optimization it takes so long to prepare some of them that it is done once.
fn prepare(key: fn(Algorithm) -> Key) -> Vec<SigningKey> {
    let prepare = |algorithm: &Algorithm| SigningKey::new(&key(*algorithm), *algorithm);
    let keys: Result<_, _> = Algorithm::ALL.iter().map(prepare).collect();
    keys.expect("the keys fit")
}

fn find(keys: &[SigningKey], algorithm: Algorithm) -> SigningKey {
    let found = keys.iter().find(|key| key.algorithm() == algorithm);
    found.expect("there is a key for every algorithm").clone()
}

fn read(algorithm: Algorithm, secret: &str, pairs: [KeyPair; 6]) -> Key {
    let [rsa, p256, p384, p521, secp256k1, ed25519] = pairs;
    let pair = match algorithm.key_type() {
        KeyType::Rsa => rsa,
        KeyType::Ec(Curve::P256) => p256,
        KeyType::Ec(Curve::P384) => p384,
        KeyType::Ec(Curve::P521) => p521,
        // Its variant is there with the feature `es256k` alone.
        KeyType::Ec(curve) if curve.name() == "secp256k1" => secp256k1,
        KeyType::Ed25519 => ed25519,
        _ => return Key::from(Secret::new(secret.as_bytes()).expect("the secret is one")),
    };
    Key::from_pem(pair.private_pem).expect("the PEM is a key")
}

#[cfg(test)]
mod tests {
    use boltguard_keys::PublicKey;

    use super::*;

    #[test]
    fn pairs_belong_together_and_differ_from_the_others() {
        for algorithm in Algorithm::ALL {
            let signature = signing_key(*algorithm).sign(b"message").unwrap();
            assert!(
                verifying_key(*algorithm)
                    .verify(b"message", signature.as_ref())
                    .is_ok()
            );
            assert!(
                other_verifying_key(*algorithm)
                    .verify(b"message", signature.as_ref())
                    .is_err()
            );
            assert!(!signing_key(*algorithm).is_weak());
        }
        for pair in [RSA, RSA_OTHER, P256, P384, P521, ED25519, ED25519_OTHER] {
            let private = Key::from_pem(pair.private_pem).unwrap();
            let public = PublicKey::from_pem(pair.public_pem).unwrap();
            assert_eq!(private.public_key(), Some(&public));
        }
    }
}
