//! The cryptographic primitives: `ring`, RustCrypto's crates for the curves, and aws-lc with the feature `aws-lc`.
//!
//! [`table`] has one row per algorithm, which prepares a key as a [`Verifier`] or a [`Signer`]. The rest of the crate
//! names none of these libraries, so a new algorithm or library only changes this module. `cargo xtask tidy` enforces
//! this.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod curve;
mod digest;
mod ed25519;
#[cfg(feature = "es256k")]
mod k256;
#[cfg(not(feature = "aws-lc"))]
mod p521;
mod ring;
mod signature;
mod table;

use std::sync::Arc;

use ::ring::hmac;

pub use self::curve::Curve;
pub use self::digest::{digest_sha256, fill_random, hkdf_sha256, hmac_sha256};
pub(crate) use self::ed25519::refuse_small_order;
pub(crate) use self::ring::{check_rsa, ed25519_public};
pub use self::signature::Signature;
pub use self::table::Algorithm;
pub(crate) use self::table::Slow;
use crate::private::{PrivateParts, RsaPrivate};
use crate::public::{PublicParts, RsaPublic};
use crate::{InvalidSignature, Key, KeyError, SignError};

/// A key of a backend that verifies.
pub(crate) trait Verify: Send + Sync {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature>;
}

/// A key of a backend that signs.
pub(crate) trait Sign: Send + Sync {
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// A prepared key that verifies. HMAC, which takes less than a microsecond, is called directly.
#[derive(Clone)]
pub(crate) enum Verifier {
    Hmac(hmac::Key),
    Public(Arc<dyn Verify>),
}

impl Verifier {
    fn new(key: impl Verify + 'static) -> Self {
        Self::Public(Arc::new(key))
    }

    #[inline]
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        match self {
            Self::Hmac(key) => hmac::verify(key, message, signature).map_err(|_| InvalidSignature),
            Self::Public(key) => key.verify(message, signature),
        }
    }
}

/// A prepared key that signs.
pub(crate) enum Signer {
    Hmac(hmac::Key),
    Private(Box<dyn Sign>),
}

impl Signer {
    fn new(key: impl Sign + 'static) -> Self {
        Self::Private(Box::new(key))
    }

    #[inline]
    pub(crate) fn sign_with<T>(
        &self,
        message: &[u8],
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, SignError> {
        match self {
            Self::Hmac(key) => Ok(take(hmac::sign(key, message).as_ref())),
            Self::Private(key) => Ok(take(key.sign(message)?.as_ref())),
        }
    }

    #[inline]
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        match self {
            Self::Hmac(key) => Ok(Signature::tag(hmac::sign(key, message))),
            Self::Private(key) => key.sign(message),
        }
    }
}

/// Returns the public parts of a key, which secrets don't have.
fn public_parts(key: &Key) -> Result<&PublicParts, KeyError> {
    let key = key.public_key().ok_or(KeyError::AlgorithmMismatch)?;
    Ok(key.parts())
}

fn rsa_public(key: &Key) -> Result<&RsaPublic, KeyError> {
    match public_parts(key)? {
        PublicParts::Rsa(rsa) => Ok(rsa),
        _ => Err(KeyError::AlgorithmMismatch),
    }
}

/// Returns the point of a public key on a curve.
fn public_point(key: &Key) -> Result<&[u8], KeyError> {
    match public_parts(key)? {
        PublicParts::Ec { point, .. } => Ok(point),
        PublicParts::Ed25519(point) => Ok(point),
        PublicParts::Rsa(_) => Err(KeyError::AlgorithmMismatch),
    }
}

fn private_parts(key: &Key) -> Result<&PrivateParts, KeyError> {
    match key {
        Key::Private(key) => Ok(key.parts()),
        Key::Public(_) => Err(KeyError::NotPrivate),
        Key::Secret(_) => Err(KeyError::AlgorithmMismatch),
    }
}

fn rsa_private(key: &Key) -> Result<&RsaPrivate, KeyError> {
    match private_parts(key)? {
        PrivateParts::Rsa(rsa) => Ok(rsa),
        _ => Err(KeyError::AlgorithmMismatch),
    }
}

/// Returns the scalar of an elliptic private key, and its point.
fn scalar_and_point(key: &Key) -> Result<(&[u8], &[u8]), KeyError> {
    match private_parts(key)? {
        PrivateParts::Ec { scalar, point, .. } => Ok((scalar, point)),
        _ => Err(KeyError::AlgorithmMismatch),
    }
}

fn ed25519_seed(key: &Key) -> Result<&[u8; 32], KeyError> {
    match private_parts(key)? {
        PrivateParts::Ed25519 { seed } => Ok(seed),
        _ => Err(KeyError::AlgorithmMismatch),
    }
}
