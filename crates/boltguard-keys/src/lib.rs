//! Keys for JSON Web Signatures: secrets, public and private keys, from PEM, DER, JWK and JWKS; signing and
//! verifying with them.
//!
//! | algorithms | keys | from |
//! | --- | --- | --- |
//! | HS256, HS384, HS512 | [`Secret`] | `ring` |
//! | RS256, RS384, RS512, PS256, PS384, PS512 | RSA, 2048 to 8192 bits to verify, to 4096 to sign | `ring` |
//! | ES256, ES384 | P-256, P-384 | `ring` |
//! | ES512 | P-521 | `p521` |
//! | EdDSA | Ed25519 | `ring` |
//!
//! A [`Key`] is material. A [`VerifyingKey`] or a [`SigningKey`] is a key prepared for one [`Algorithm`], from birth:
//! a token's `alg` selects among the keys of a [`KeySet`], it never chooses what a key is used for
//! ([RFC 8725 §3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)). `none` is not an algorithm.
//!
//! ```
//! use boltguard_keys::{Algorithm, Jwk, Key, KeySet, PrivateKey, SigningKey};
//!
//! // A server signs, and publishes its public key.
//! let key = Key::from(PrivateKey::generate(Algorithm::Es256)?);
//! let signing = SigningKey::new(&key, Algorithm::Es256)?.with_key_id("2026");
//! let published = KeySet::from(signing.verifying_key().clone()).to_jwks();
//! let signature = signing.sign(b"message")?;
//!
//! // Another one trusts what is published.
//! let trusted = KeySet::from_jwks(&published, &[Algorithm::Es256, Algorithm::EdDsa])?;
//! let found = trusted.select(Algorithm::Es256, Some("2026"));
//! assert!(found.into_iter().any(|key| key.verify(b"message", signature.as_ref()).is_ok()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Private keys are refused where public ones are meant, public keys where secrets are meant, and all that is
//! malformed, too short or off its curve when it is read rather than when it is used.
//!
//! # Feature `aws-lc`
//!
//! verifies RSA, ES384, ES512 and EdDSA, and signs ES384 and ES512, with `aws-lc-rs` instead. It takes and refuses the
//! same keys and signatures, and needs a C compiler to build. What it gains, in microseconds on one machine:
//!
//! | | RS256 | ES384 | ES512 | EdDSA |
//! | --- | --- | --- | --- | --- |
//! | verify | 21, with aws-lc 16 | 725, with aws-lc 190 | 640, with aws-lc 335 | 46, with aws-lc 37 |
//! | sign | 555 | 405, with aws-lc 82 | 185, with aws-lc 162 | 24 |
//!
//! # What is wiped
//!
//! [`Secret`] and [`PrivateKey`] overwrite their bytes when they are dropped, and nothing here prints them. The
//! prepared keys inside [`SigningKey`] and [`VerifyingKey`] are ring's, which does not overwrite its own; nor do the
//! parsers of PEM and JSON clear what they hold in between. The text that you read a key from is yours to clear.

mod algorithm;
mod asn1;
mod backend;
mod curve;
mod digest;
mod disguise;
mod ed25519;
mod encoding;
mod error;
mod json;
mod jwk;
mod key;
mod key_set;
mod loose;
mod pem;
mod private;
mod public;
mod roca;
mod rotating;
mod secret;
mod signing;
mod ssh;
mod verifying;

pub use algorithm::{Algorithm, Family, UnknownAlgorithm};
pub use digest::{digest_sha256, fill_random, hmac_sha256};
pub use error::{InvalidSignature, KeyError, RandomError, SignError};
pub use jwk::{Jwk, JwkProblem, SkippedKey};
pub use key::Key;
pub use key_set::KeySet;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use rotating::{LoadedKeySet, RotatingKeySet};
pub use secret::Secret;
pub use signing::{Signature, SigningKey};
pub use verifying::VerifyingKey;
