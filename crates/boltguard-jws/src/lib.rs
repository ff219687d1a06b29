//! JWS Compact Serialization, [RFC 7515 §7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1): parse, verify
//! and sign, as types that consume each other.
//!
//! An [`UnverifiedJws`] lets its header be read and nothing else; verifying it with a key gives a
//! [`VerifiedJws`], and only that has a payload. A [`Verifier`] holds the trusted keys, chooses among them
//! by `alg` and `kid`, and knows the headers of its own tokens by heart.
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
//! A payload can't be reached before the signature is checked:
//!
//! ```compile_fail
//! # fn show(token: &str) {
//! let jws = boltguard_jws::UnverifiedJws::parse(token).unwrap();
//! jws.payload(); // no such method
//! # }
//! ```
//!
//! and a token that was verified can't be verified again as another:
//!
//! ```compile_fail
//! # fn show(token: &str, key: &boltguard_keys::VerifyingKey) {
//! let jws = boltguard_jws::UnverifiedJws::parse(token).unwrap();
//! let verified = jws.verify(key);
//! jws.unverified_header(); // moved
//! # }
//! ```

mod error;
mod header;
pub mod insecure;
mod jws;
mod sign;
mod unencoded;
mod usual;
mod verifier;

pub use error::{JwsError, SignError};
pub use header::Header;
pub use jws::{MAX_TOKEN_LEN, UnverifiedJws, VerifiedJws};
pub use sign::{HeaderFields, Signer, sign};
pub use unencoded::{UnencodedJws, sign_unencoded};
pub use verifier::Verifier;
