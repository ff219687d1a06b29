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

use crate::private::RsaPrivate;
#[cfg(not(feature = "aws-lc"))]
use crate::public::RsaPublic;
use crate::{Algorithm, InvalidSignature, KeyError, Secret, SignError, Signature};

pub(crate) fn hmac_key(secret: &Secret, algorithm: Algorithm) -> Result<hmac::Key, KeyError> {
    let hash = match algorithm {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => return Err(KeyError::AlgorithmMismatch),
    };
    Ok(hmac::Key::new(hash, secret.expose()))
}

/// Whether ring can sign with the key.
pub(crate) fn check_rsa(key: &RsaPrivate) -> Result<(), KeyError> {
    rsa_pair(key).map(drop)
}

/// The public key of an Ed25519 seed.
pub(crate) fn ed25519_public(seed: &[u8; 32]) -> Result<[u8; 32], KeyError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(rejected)?;
    pair.public_key()
        .as_ref()
        .try_into()
        .map_err(|_| KeyError::InvalidPrivateKey)
}

#[cfg(not(feature = "aws-lc"))]
#[derive(Clone)]
pub(crate) struct RsaVerifier {
    parameters: &'static RsaParameters,
    key: RsaPublicKeyComponents<Box<[u8]>>,
}

#[cfg(not(feature = "aws-lc"))]
impl RsaVerifier {
    pub(super) fn new(key: &RsaPublic, algorithm: Algorithm) -> Result<Self, KeyError> {
        let parameters = match algorithm {
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return Err(KeyError::AlgorithmMismatch),
        };
        let key = RsaPublicKeyComponents {
            n: key.n.clone(),
            e: key.e.clone(),
        };
        Ok(Self { parameters, key })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let verified = self.key.verify(self.parameters, message, signature);
        verified.map_err(|_| InvalidSignature)
    }
}

macro_rules! verifiers {
    ($($(#[$when:meta])* $name:ident = $algorithm:ident;)*) => {
        $(
            $(#[$when])*
            #[derive(Clone)]
            pub(crate) struct $name(UnparsedPublicKey<Box<[u8]>>);

            $(#[$when])*
            impl $name {
                pub(super) fn new(key: &[u8]) -> Result<Self, KeyError> {
                    Ok(Self(UnparsedPublicKey::new(&signature::$algorithm, key.into())))
                }

                pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
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

pub(crate) struct RsaSigner {
    pair: rsa::KeyPair,
    padding: &'static dyn RsaEncoding,
    random: SystemRandom,
}

impl RsaSigner {
    pub(super) fn new(key: &RsaPrivate, algorithm: Algorithm) -> Result<Self, KeyError> {
        let padding: &dyn RsaEncoding = match algorithm {
            Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
            Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
            Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
            Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
            Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
            Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
            _ => return Err(KeyError::AlgorithmMismatch),
        };
        let (pair, random) = (rsa_pair(key)?, SystemRandom::new());
        Ok(Self {
            pair,
            padding,
            random,
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
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
            pub(crate) struct $name {
                pair: EcdsaKeyPair,
                random: SystemRandom,
            }

            $(#[$when])*
            impl $name {
                pub(super) fn new(scalar: &[u8], point: &[u8]) -> Result<Self, KeyError> {
                    let (algorithm, random) = (&signature::$algorithm, SystemRandom::new());
                    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &random);
                    Ok(Self { pair: pair.map_err(rejected)?, random })
                }

                pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
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

pub(crate) struct Ed25519Signer(Ed25519KeyPair);

impl Ed25519Signer {
    pub(super) fn new(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Self)
            .map_err(rejected)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        Signature::fixed(self.0.sign(message))
    }
}

fn rsa_pair(key: &RsaPrivate) -> Result<rsa::KeyPair, KeyError> {
    rsa::KeyPair::from_der(&key.pkcs1).map_err(rejected)
}

fn rejected(_: KeyRejected) -> KeyError {
    KeyError::InvalidPrivateKey
}
