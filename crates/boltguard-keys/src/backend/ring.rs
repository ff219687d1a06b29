//! HMAC, RSA, ECDSA on P-256 and P-384 and Ed25519 of ring.

use ring::error::KeyRejected;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, UnparsedPublicKey,
};
#[cfg(not(feature = "aws-lc"))]
use ring::signature::{RsaParameters, RsaPublicKeyComponents};

#[cfg(not(feature = "aws-lc"))]
use super::rsa_public;
use super::{Sign, Verify, ed25519_seed, public_point, rsa_private, scalar_and_point};
use crate::private::RsaPrivate;
use crate::{InvalidSignature, Key, KeyError, SignError, Signature};

pub(super) fn hmac_key(key: &Key, hash: hmac::Algorithm) -> Result<hmac::Key, KeyError> {
    match key {
        Key::Secret(secret) => Ok(hmac::Key::new(hash, secret.expose())),
        _ => Err(KeyError::AlgorithmMismatch),
    }
}

/// Returns whether ring can sign with the key.
pub(crate) fn check_rsa(key: &RsaPrivate) -> Result<(), KeyError> {
    rsa_pair(key).map(drop)
}

/// Returns the public key of an Ed25519 seed.
pub(crate) fn ed25519_public(seed: &[u8; 32]) -> Result<[u8; 32], KeyError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(rejected)?;
    pair.public_key()
        .as_ref()
        .try_into()
        .map_err(|_| KeyError::InvalidPrivateKey)
}

#[cfg(not(feature = "aws-lc"))]
pub(super) struct RsaVerifier {
    parameters: &'static RsaParameters,
    key: RsaPublicKeyComponents<Box<[u8]>>,
}

#[cfg(not(feature = "aws-lc"))]
impl RsaVerifier {
    pub(super) fn new(key: &Key, parameters: &'static RsaParameters) -> Result<Self, KeyError> {
        let rsa = rsa_public(key)?;
        let key = RsaPublicKeyComponents {
            n: rsa.n.clone(),
            e: rsa.e.clone(),
        };
        Ok(Self { parameters, key })
    }
}

#[cfg(not(feature = "aws-lc"))]
impl Verify for RsaVerifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let verified = self.key.verify(self.parameters, message, signature);
        verified.map_err(|_| InvalidSignature)
    }
}

macro_rules! verifiers {
    ($($(#[$when:meta])* $name:ident = $algorithm:ident;)*) => {
        $(
            $(#[$when])*
            pub(super) struct $name(UnparsedPublicKey<Box<[u8]>>);

            $(#[$when])*
            impl $name {
                pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
                    let point = public_point(key)?.into();
                    Ok(Self(UnparsedPublicKey::new(&signature::$algorithm, point)))
                }
            }

            $(#[$when])*
            impl Verify for $name {
                fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
                    self.0.verify(message, signature).map_err(|_| InvalidSignature)
                }
            }
        )*
    };
}

verifiers! {
    P256Verifier = ECDSA_P256_SHA256_FIXED;
    #[cfg(not(feature = "aws-lc"))]
    P384Verifier = ECDSA_P384_SHA384_FIXED;
    #[cfg(not(feature = "aws-lc"))]
    Ed25519Verifier = ED25519;
}

pub(super) struct RsaSigner {
    pair: rsa::KeyPair,
    padding: &'static dyn RsaEncoding,
    random: SystemRandom,
}

impl RsaSigner {
    pub(super) fn new(key: &Key, padding: &'static dyn RsaEncoding) -> Result<Self, KeyError> {
        let (pair, random) = (rsa_pair(rsa_private(key)?)?, SystemRandom::new());
        Ok(Self {
            pair,
            padding,
            random,
        })
    }
}

impl Sign for RsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let mut bytes = vec![0; self.pair.public().modulus_len()].into_boxed_slice();
        let signed = self
            .pair
            .sign(self.padding, &self.random, message, &mut bytes);
        signed
            .map(|()| Signature::rsa(bytes))
            .map_err(|_| SignError)
    }
}

macro_rules! signers {
    ($($(#[$when:meta])* $name:ident = $algorithm:ident;)*) => {
        $(
            $(#[$when])*
            pub(super) struct $name {
                pair: EcdsaKeyPair,
                random: SystemRandom,
            }

            $(#[$when])*
            impl $name {
                pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
                    let (scalar, point) = scalar_and_point(key)?;
                    let (algorithm, random) = (&signature::$algorithm, SystemRandom::new());
                    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &random);
                    Ok(Self { pair: pair.map_err(rejected)?, random })
                }
            }

            $(#[$when])*
            impl Sign for $name {
                fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                    let signed = self.pair.sign(&self.random, message);
                    signed.map(Signature::fixed).map_err(|_| SignError)
                }
            }
        )*
    };
}

signers! {
    P256Signer = ECDSA_P256_SHA256_FIXED_SIGNING;
    #[cfg(not(feature = "aws-lc"))]
    P384Signer = ECDSA_P384_SHA384_FIXED_SIGNING;
}

pub(super) struct Ed25519Signer(Ed25519KeyPair);

impl Ed25519Signer {
    pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(ed25519_seed(key)?)
            .map(Self)
            .map_err(rejected)
    }
}

impl Sign for Ed25519Signer {
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature::fixed(self.0.sign(message)))
    }
}

fn rsa_pair(key: &RsaPrivate) -> Result<rsa::KeyPair, KeyError> {
    rsa::KeyPair::from_der(&key.pkcs1).map_err(rejected)
}

fn rejected(_: KeyRejected) -> KeyError {
    KeyError::InvalidPrivateKey
}
