//! The primitives behind the keys: ring, and `p521` for the curve that ring lacks.
//!
//! What a backend offers is two enums, [`Verifier`] and [`Signer`], made once per key. The crate above them names no
//! library, so that another backend is a change of this module.

mod p521;
mod ring;

use ::ring::hmac;

use crate::curve::Curve;
use crate::private::PrivateParts;
use crate::public::PublicParts;
use crate::{
    Algorithm, InvalidSignature, KeyError, PrivateKey, PublicKey, Secret, SignError, Signature,
};

pub(crate) use self::ring::{check_rsa, ed25519_public};

/// A prepared key that verifies.
#[derive(Clone)]
pub(crate) enum Verifier {
    Hmac(hmac::Key),
    Rsa(ring::RsaVerifier),
    Fixed(ring::FixedVerifier),
    P521(p521::Verifier),
}

impl Verifier {
    pub(crate) fn of_secret(secret: &Secret, algorithm: Algorithm) -> Result<Self, KeyError> {
        ring::hmac_key(secret, algorithm).map(Self::Hmac)
    }

    pub(crate) fn of_public(key: &PublicKey, algorithm: Algorithm) -> Result<Self, KeyError> {
        match key.parts() {
            PublicParts::Rsa(rsa) => ring::RsaVerifier::new(rsa, algorithm).map(Self::Rsa),
            PublicParts::Ec {
                curve: Curve::P521,
                point,
            } => p521::Verifier::new(point).map(Self::P521),
            PublicParts::Ec { curve, point } => {
                ring::FixedVerifier::ecdsa(*curve, point).map(Self::Fixed)
            }
            PublicParts::Ed25519(point) => Ok(Self::Fixed(ring::FixedVerifier::ed25519(point))),
        }
    }

    #[inline]
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        match self {
            Self::Hmac(key) => hmac::verify(key, message, signature).map_err(|_| InvalidSignature),
            Self::Rsa(key) => key.verify(message, signature),
            Self::Fixed(key) => key.verify(message, signature),
            Self::P521(key) => key.verify(message, signature),
        }
    }
}

/// A prepared key that signs.
pub(crate) enum Signer {
    Hmac(hmac::Key),
    Rsa(ring::RsaSigner),
    Ecdsa(ring::EcdsaSigner),
    Ed25519(ring::Ed25519Signer),
    P521(p521::Signer),
}

impl Signer {
    pub(crate) fn of_secret(secret: &Secret, algorithm: Algorithm) -> Result<Self, KeyError> {
        ring::hmac_key(secret, algorithm).map(Self::Hmac)
    }

    pub(crate) fn of_private(key: &PrivateKey, algorithm: Algorithm) -> Result<Self, KeyError> {
        match key.parts() {
            PrivateParts::Rsa(rsa) => ring::RsaSigner::new(rsa, algorithm).map(Self::Rsa),
            PrivateParts::Ec {
                curve: Curve::P521,
                scalar,
                ..
            } => p521::Signer::new(scalar).map(Self::P521),
            PrivateParts::Ec {
                curve,
                scalar,
                point,
            } => ring::EcdsaSigner::new(*curve, scalar, point).map(Self::Ecdsa),
            PrivateParts::Ed25519 { seed } => ring::Ed25519Signer::new(seed).map(Self::Ed25519),
        }
    }

    #[inline]
    pub(crate) fn sign_with<T>(
        &self,
        message: &[u8],
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, SignError> {
        match self {
            Self::Hmac(key) => Ok(take(hmac::sign(key, message).as_ref())),
            _ => Ok(take(self.sign(message)?.as_ref())),
        }
    }

    #[inline]
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        match self {
            Self::Hmac(key) => Ok(Signature::tag(hmac::sign(key, message))),
            Self::Rsa(key) => key.sign(message),
            Self::Ecdsa(key) => key.sign(message),
            Self::Ed25519(key) => Ok(key.sign(message)),
            Self::P521(key) => key.sign(message),
        }
    }
}
