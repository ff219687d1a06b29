//! The primitives behind the keys: ring, and `p521` for the curve that ring lacks; or aws-lc for those that are slow.
//!
//! What a backend offers is two enums, [`Verifier`] and [`Signer`], made once per key. The crate above them names no
//! library, so that another backend is a change of this module.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(not(feature = "aws-lc"))]
mod p521;
mod ring;

use ::ring::hmac;

#[cfg(feature = "aws-lc")]
use self::aws_lc::{
    Ed25519Verifier, P384Signer, P384Verifier, P521Signer, P521Verifier, RsaVerifier,
};
#[cfg(not(feature = "aws-lc"))]
use self::p521::{P521Signer, P521Verifier};
use self::ring::{Ed25519Signer, P256Signer, P256Verifier, RsaSigner};
#[cfg(not(feature = "aws-lc"))]
use self::ring::{Ed25519Verifier, P384Signer, P384Verifier, RsaVerifier};
pub(crate) use self::ring::{check_rsa, ed25519_public};
use crate::curve::Curve;
use crate::private::PrivateParts;
use crate::public::PublicParts;
use crate::{
    Algorithm, InvalidSignature, KeyError, PrivateKey, PublicKey, Secret, SignError, Signature,
};

/// A prepared key that verifies.
#[derive(Clone)]
pub(crate) enum Verifier {
    Hmac(hmac::Key),
    Rsa(RsaVerifier),
    P256(P256Verifier),
    P384(P384Verifier),
    P521(P521Verifier),
    Ed25519(Ed25519Verifier),
}

impl Verifier {
    pub(crate) fn of_secret(secret: &Secret, algorithm: Algorithm) -> Result<Self, KeyError> {
        ring::hmac_key(secret, algorithm).map(Self::Hmac)
    }

    pub(crate) fn of_public(key: &PublicKey, algorithm: Algorithm) -> Result<Self, KeyError> {
        match key.parts() {
            PublicParts::Rsa(rsa) => RsaVerifier::new(rsa, algorithm).map(Self::Rsa),
            PublicParts::Ec { curve, point } => match curve {
                Curve::P256 => P256Verifier::new(point).map(Self::P256),
                Curve::P384 => P384Verifier::new(point).map(Self::P384),
                Curve::P521 => P521Verifier::new(point).map(Self::P521),
            },
            PublicParts::Ed25519(point) => Ed25519Verifier::new(point).map(Self::Ed25519),
        }
    }

    #[inline]
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        match self {
            Self::Hmac(key) => hmac::verify(key, message, signature).map_err(|_| InvalidSignature),
            Self::Rsa(key) => key.verify(message, signature),
            Self::P256(key) => key.verify(message, signature),
            Self::P384(key) => key.verify(message, signature),
            Self::P521(key) => key.verify(message, signature),
            Self::Ed25519(key) => key.verify(message, signature),
        }
    }
}

/// A prepared key that signs.
pub(crate) enum Signer {
    Hmac(hmac::Key),
    Rsa(RsaSigner),
    P256(P256Signer),
    P384(P384Signer),
    P521(P521Signer),
    Ed25519(Ed25519Signer),
}

impl Signer {
    pub(crate) fn of_secret(secret: &Secret, algorithm: Algorithm) -> Result<Self, KeyError> {
        ring::hmac_key(secret, algorithm).map(Self::Hmac)
    }

    pub(crate) fn of_private(key: &PrivateKey, algorithm: Algorithm) -> Result<Self, KeyError> {
        match key.parts() {
            PrivateParts::Rsa(rsa) => RsaSigner::new(rsa, algorithm).map(Self::Rsa),
            PrivateParts::Ec {
                curve,
                scalar,
                point,
            } => match curve {
                Curve::P256 => P256Signer::new(scalar, point).map(Self::P256),
                Curve::P384 => P384Signer::new(scalar, point).map(Self::P384),
                Curve::P521 => P521Signer::new(scalar, point).map(Self::P521),
            },
            PrivateParts::Ed25519 { seed } => Ed25519Signer::new(seed).map(Self::Ed25519),
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
            Self::P256(key) => key.sign(message),
            Self::P384(key) => key.sign(message),
            Self::P521(key) => key.sign(message),
            Self::Ed25519(key) => Ok(key.sign(message)),
        }
    }
}
