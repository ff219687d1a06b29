//! JWS Compact Serialization, [RFC 7515 §7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1): parsing, verifying
//! and signing, with types that enforce the order of the steps.
//!
//! An [`UnverifiedJws`] only gives access to the header. Verifying it with a key consumes it and returns a
//! [`VerifiedJws`], which gives access to the payload. A [`Verifier`] contains the trusted keys and selects among them
//! by `alg` and `kid`. Tokens with well-known headers are recognised without parsing the header.
//!
//! ```
//! use boltguard_jws::{HeaderFields, UnverifiedJws, sign};
//! use boltguard_keys::{Algorithm, Key, Secret, SigningKey, VerifyingKey};
//!
//! let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
//! let token = sign(b"hello", &HeaderFields::new(), &SigningKey::new(&secret, Algorithm::Hs256)?)?;
//!
//! let jws = UnverifiedJws::parse(&token)?;
//! assert_eq!(jws.unverified_header().algorithm(), Algorithm::Hs256);
//! let verified = jws.verify(&VerifyingKey::new(&secret, Algorithm::Hs256)?)?;
//! assert_eq!(verified.payload(), b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The payload isn't accessible before the signature is verified:
//!
//! ```compile_fail
//! # fn show(token: &str) {
//! let jws = boltguard_jws::UnverifiedJws::parse(token).unwrap();
//! jws.payload(); // no such method
//! # }
//! ```
//!
//! A verified token can't be used as an unverified one again:
//!
//! ```compile_fail
//! # fn show(token: &str, key: &boltguard_keys::VerifyingKey) {
//! let jws = boltguard_jws::UnverifiedJws::parse(token).unwrap();
//! let verified = jws.verify(key);
//! jws.unverified_header(); // moved
//! # }
//! ```

mod common_headers;
mod error;
mod header;
pub mod insecure;
mod jws;
mod sign;
mod unencoded;
mod verifier;

pub use error::{JwsError, JwsSignError};
pub use header::Header;
pub use jws::{MAX_TOKEN_LEN, UnverifiedJws, VerifiedJws};
pub use sign::{HeaderFields, Signer, sign};
pub use unencoded::{UnencodedJws, sign_unencoded};
pub use verifier::Verifier;
