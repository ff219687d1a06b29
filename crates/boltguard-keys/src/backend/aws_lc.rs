//! RSA, ECDSA on P-384 and P-521 and Ed25519 of aws-lc, which parses public keys once and is faster at these curves.
//!
//! It accepts and rejects the same signatures as ring and `p521`; the Wycheproof vectors are tested with both.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, ParsedPublicKey, VerificationAlgorithm,
};

use super::{Sign, Verify, public_point, rsa_public, scalar_and_point};
use crate::asn1;
use crate::{InvalidSignature, Key, KeyError, SignError, Signature};

macro_rules! verifiers {
    ($($name:ident = $algorithm:ident;)*) => {
        $(
            pub(super) struct $name(ParsedPublicKey);

            impl $name {
                pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
                    parse(&signature::$algorithm, public_point(key)?, KeyError::InvalidPoint).map(Self)
                }
            }

            impl Verify for $name {
                fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
                    verify(&self.0, message, signature)
                }
            }
        )*
    };
}

verifiers! {
    P384Verifier = ECDSA_P384_SHA384_FIXED;
    P521Verifier = ECDSA_P521_SHA512_FIXED;
    Ed25519Verifier = ED25519;
}

pub(super) struct RsaVerifier(ParsedPublicKey);

impl RsaVerifier {
    pub(super) fn new(
        key: &Key,
        algorithm: &'static dyn VerificationAlgorithm,
    ) -> Result<Self, KeyError> {
        let der = asn1::rsa_to_der(rsa_public(key)?)?;
        parse(algorithm, &der, KeyError::InvalidRsa).map(Self)
    }
}

impl Verify for RsaVerifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        verify(&self.0, message, signature)
    }
}

macro_rules! signers {
    ($($name:ident = $algorithm:ident;)*) => {
        $(
            pub(super) struct $name(EcdsaKeyPair);

            impl $name {
                pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
                    let (scalar, point) = scalar_and_point(key)?;
                    pair(&signature::$algorithm, scalar, point).map(Self)
                }
            }

            impl Sign for $name {
                fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                    let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| SignError)?;
                    Signature::copied(signature.as_ref())
                }
            }
        )*
    };
}

signers! {
    P384Signer = ECDSA_P384_SHA384_FIXED_SIGNING;
    P521Signer = ECDSA_P521_SHA512_FIXED_SIGNING;
}

fn parse(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    refusal: KeyError,
) -> Result<ParsedPublicKey, KeyError> {
    ParsedPublicKey::new(algorithm, key).map_err(|_| refusal)
}

fn verify(key: &ParsedPublicKey, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    key.verify_sig(message, signature)
        .map_err(|_| InvalidSignature)
}

fn pair(
    algorithm: &'static EcdsaSigningAlgorithm,
    scalar: &[u8],
    point: &[u8],
) -> Result<EcdsaKeyPair, KeyError> {
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point);
    pair.map_err(|_| KeyError::InvalidPrivateKey)
}
