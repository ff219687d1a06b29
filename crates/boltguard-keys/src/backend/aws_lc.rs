//! RSA, ECDSA on P-384 and P-521 and Ed25519 of aws-lc, which parses public keys once and is faster at these curves.
//!
//! It verifies and refuses the same signatures as ring and `p521` do; Wycheproof's vectors are run over both.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, ParsedPublicKey, VerificationAlgorithm,
};

use crate::asn1;
use crate::public::RsaPublic;
use crate::{Algorithm, InvalidSignature, KeyError, SignError, Signature};

macro_rules! verifiers {
    ($($name:ident = $algorithm:ident;)*) => {
        $(
            #[derive(Clone)]
            pub(crate) struct $name(ParsedPublicKey);

            impl $name {
                pub(super) fn new(key: &[u8]) -> Result<Self, KeyError> {
                    parse(&signature::$algorithm, key, KeyError::InvalidPoint).map(Self)
                }

                pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
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

#[derive(Clone)]
pub(crate) struct RsaVerifier(ParsedPublicKey);

impl RsaVerifier {
    pub(super) fn new(key: &RsaPublic, algorithm: Algorithm) -> Result<Self, KeyError> {
        let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return Err(KeyError::AlgorithmMismatch),
        };
        parse(algorithm, &asn1::rsa_to_der(key)?, KeyError::InvalidRsa).map(Self)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        verify(&self.0, message, signature)
    }
}

macro_rules! signers {
    ($($name:ident = $algorithm:ident;)*) => {
        $(
            pub(crate) struct $name(EcdsaKeyPair);

            impl $name {
                pub(super) fn new(scalar: &[u8], point: &[u8]) -> Result<Self, KeyError> {
                    pair(&signature::$algorithm, scalar, point).map(Self)
                }

                pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
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
