//! Tokens of the specifications, and tokens that must be rejected.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod compact;
mod debug;
mod errors;
mod header;
mod insecure;
mod properties;
mod rfc;
mod signatures;
mod signing;
mod trust;
mod unencoded;

use boltguard_jws::{JwsError, UnverifiedJws, Verifier};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_testing::keys;

/// The common header and a payload.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const PAYLOAD: &str = r#"{"sub":"42"}"#;

/// Verifies a token with the test key for an algorithm.
fn verify(token: &str, algorithm: Algorithm) -> Result<Vec<u8>, JwsError> {
    verify_with(token, KeySet::new([keys::verifying_key(algorithm)]))
}

/// Verifies a token in all possible ways, which must have the same result.
fn verify_with(token: &str, keys: KeySet) -> Result<Vec<u8>, JwsError> {
    let parsed = UnverifiedJws::parse(token).and_then(|jws| jws.verify_among(&keys));
    let parsed = parsed.map(|verified| verified.payload().to_vec());
    let verifier = Verifier::new(keys);
    let known = verifier
        .verify(token)
        .map(|verified| verified.payload().to_vec());
    assert_eq!(
        known, parsed,
        "a prepared header is equal to the parsed one: {token}"
    );
    parsed
}
