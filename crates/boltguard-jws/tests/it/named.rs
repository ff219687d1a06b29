//! The named keys, read once: preparing some of them is slow without optimization.

use std::sync::LazyLock;

use boltguard_keys::{Algorithm, SigningKey, VerifyingKey};
use boltguard_testing::keys;

static USUAL: LazyLock<Vec<SigningKey>> = LazyLock::new(|| all(keys::signing_key));
static OTHER: LazyLock<Vec<SigningKey>> = LazyLock::new(|| all(keys::other_signing_key));

fn all(key: fn(Algorithm) -> SigningKey) -> Vec<SigningKey> {
    Algorithm::ALL
        .iter()
        .map(|algorithm| key(*algorithm))
        .collect()
}

fn find(keys: &[SigningKey], algorithm: Algorithm) -> SigningKey {
    keys.iter()
        .find(|key| key.algorithm() == algorithm)
        .unwrap()
        .clone()
}

pub(crate) fn signing_key(algorithm: Algorithm) -> SigningKey {
    find(&USUAL, algorithm)
}

pub(crate) fn verifying_key(algorithm: Algorithm) -> VerifyingKey {
    signing_key(algorithm).verifying_key().clone()
}

pub(crate) fn other_signing_key(algorithm: Algorithm) -> SigningKey {
    find(&OTHER, algorithm)
}

pub(crate) fn other_verifying_key(algorithm: Algorithm) -> VerifyingKey {
    other_signing_key(algorithm).verifying_key().clone()
}
