//! Keys for JSON Web Signatures: parsing secrets, public keys and private keys from PEM, DER, JWK and JWK Sets, and
//! signing and verifying with them.
//!
//! | algorithms | keys | implementation |
//! | --- | --- | --- |
//! | HS256, HS384, HS512 | [`Secret`] | `ring` |
//! | RS256, RS384, RS512, PS256, PS384, PS512 | RSA, 2048 to 8192 bits (signing: up to 4096) | `ring` |
//! | ES256, ES384 | P-256, P-384 | `ring` |
//! | ES512 | P-521 | `p521` |
//! | EdDSA | Ed25519 | `ring` |
//! | ES256K, with the feature `es256k` | secp256k1 | `k256` |
//!
//! A [`Key`] holds key material. A [`VerifyingKey`] or [`SigningKey`] is a key prepared for exactly one [`Algorithm`]:
//! the `alg` of a token selects among the keys of a [`KeySet`], but never determines how a key is used ([RFC 8725
//! §3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)). The algorithm `none` isn't supported.
//!
//! ```
//! use boltguard_keys::{Algorithm, Jwk, Key, KeySet, PrivateKey, SigningKey};
//!
//! // One server signs and publishes its public key.
//! let key = Key::from(PrivateKey::generate(Algorithm::Es256)?);
//! let signing = SigningKey::new(&key, Algorithm::Es256)?.with_key_id("2026");
//! let published = KeySet::from(signing.verifying_key().clone()).to_jwks();
//! let signature = signing.sign(b"message")?;
//!
//! // Another server trusts the published keys.
//! let trusted = KeySet::from_jwks(&published, &[Algorithm::Es256, Algorithm::EdDsa])?;
//! let found = trusted.select(Algorithm::Es256, Some("2026"));
//! assert!(found.into_iter().any(|key| key.verify(b"message", signature.as_ref()).is_ok()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Private keys are rejected where public keys are expected, and public keys where secrets are expected. Keys that are
//! malformed, too short or not on their curve are rejected when they are parsed, not when they are used.
//!
//! # Feature `aws-lc`
//!
//! With this feature, RSA, ES384, ES512 and EdDSA signatures are verified with `aws-lc-rs`, and ES384 and ES512
//! signatures are created with it. It accepts and rejects the same keys and signatures, and requires a C compiler. The
//! following table shows the times in microseconds on one machine:
//!
//! | | RS256 | ES384 | ES512 | EdDSA |
//! | --- | --- | --- | --- | --- |
//! | verify | 21, with aws-lc 16 | 725, with aws-lc 190 | 640, with aws-lc 335 | 46, with aws-lc 37 |
//! | sign | 555 | 405, with aws-lc 82 | 185, with aws-lc 162 | 24 |
//!
//! # Feature `es256k`
//!
//! adds ES256K and keys on secp256k1 ([RFC 8812](https://www.rfc-editor.org/rfc/rfc8812)), implemented by `k256`. Without
//! it, such a key is rejected with [`KeyError::NeedsEs256k`], and [`UnknownAlgorithm::feature`] names the feature.
//!
//! # Zeroization
//!
//! [`Secret`] and [`PrivateKey`] overwrite their bytes when they are dropped, and nothing in this crate prints them.
//! The prepared keys in [`SigningKey`] and [`VerifyingKey`] are ring's types, which don't overwrite their contents, and
//! neither does the parser of PEM with its intermediate buffers. The input that you parse a key from isn't cleared
//! either.

mod algorithm;
mod asn1;
mod backend;
mod encoding;
mod error;
mod json;
mod jwk;
mod key;
mod key_material;
mod key_set;
mod key_type;
mod loose;
mod pem;
mod private;
mod public;
mod roca;
mod rotating;
mod rotation;
mod secret;
mod signing;
mod signing_keys;
mod ssh;
mod verifying;

pub use algorithm::UnknownAlgorithm;
pub use backend::{
    Algorithm, Curve, Signature, digest_sha256, fill_random, hkdf_sha256, hmac_sha256,
};
pub use error::{InvalidSignature, KeyError, RandomError, SignError};
pub use jwk::{Jwk, JwkProblem, SkippedKey};
pub use key::Key;
pub use key_set::KeySet;
pub use key_type::KeyType;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use rotating::{LoadedKeySet, RotatingKeySet};
pub use rotation::{KeyState, KeyTimes, RotationError, RotationPolicy, RotationSchedule};
pub use secret::Secret;
pub use signing::SigningKey;
pub use signing_keys::SigningKeys;
pub use verifying::VerifyingKey;
