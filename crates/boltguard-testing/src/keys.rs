//! Two keys of each type: the default one, and another one that must not be accepted in its place.

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

/// Returns the default private key or secret for an algorithm.
///
/// # Panics
///
/// If one of the keys above is invalid.
#[must_use]
pub fn key(algorithm: Algorithm) -> Key {
    parse(
        algorithm,
        SECRET,
        [RSA, P256, P384, P521, SECP256K1, ED25519],
    )
}

/// Returns the other private key or secret for an algorithm.
///
/// # Panics
///
/// If one of the keys above is invalid.
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
    parse(algorithm, SECRET_OTHER, others)
}

/// Returns the default signing key for an algorithm.
///
/// # Panics
///
/// If one of the keys above is invalid.
#[must_use]
pub fn signing_key(algorithm: Algorithm) -> SigningKey {
    static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| prepare(key));
    find(&KEYS, algorithm)
}

/// Returns the default verifying key for an algorithm.
#[must_use]
pub fn verifying_key(algorithm: Algorithm) -> VerifyingKey {
    signing_key(algorithm).verifying_key().clone()
}

/// Returns the other signing key for an algorithm.
///
/// # Panics
///
/// If one of the keys above is invalid.
#[must_use]
pub fn other_signing_key(algorithm: Algorithm) -> SigningKey {
    static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| prepare(other_key));
    find(&KEYS, algorithm)
}

/// Returns the other verifying key for an algorithm.
#[must_use]
pub fn other_verifying_key(algorithm: Algorithm) -> VerifyingKey {
    other_signing_key(algorithm).verifying_key().clone()
}

/// Prepares the keys of all algorithms, which takes long without optimizations and is therefore done once.
fn prepare(key: fn(Algorithm) -> Key) -> Vec<SigningKey> {
    let prepare = |algorithm: &Algorithm| SigningKey::new(&key(*algorithm), *algorithm);
    let keys: Result<_, _> = Algorithm::ALL.iter().map(prepare).collect();
    keys.expect("the keys match their algorithms")
}

fn find(keys: &[SigningKey], algorithm: Algorithm) -> SigningKey {
    let found = keys.iter().find(|key| key.algorithm() == algorithm);
    found.expect("every algorithm has a key").clone()
}

fn parse(algorithm: Algorithm, secret: &str, pairs: [KeyPair; 6]) -> Key {
    let [rsa, p256, p384, p521, secp256k1, ed25519] = pairs;
    let pair = match algorithm.key_type() {
        KeyType::Rsa => rsa,
        KeyType::Ec(Curve::P256) => p256,
        KeyType::Ec(Curve::P384) => p384,
        KeyType::Ec(Curve::P521) => p521,
        // `Curve::Secp256k1` requires the feature `es256k`.
        KeyType::Ec(curve) if curve.name() == "secp256k1" => secp256k1,
        KeyType::Ed25519 => ed25519,
        _ => return Key::from(Secret::new(secret.as_bytes()).expect("the secret is valid")),
    };
    Key::from_pem(pair.private_pem).expect("the PEM is valid")
}

#[cfg(test)]
mod tests {
    use boltguard_keys::PublicKey;

    use super::*;

    #[test]
    fn pairs_match_and_differ_from_the_others() {
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
