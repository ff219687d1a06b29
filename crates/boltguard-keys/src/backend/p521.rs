//! ECDSA on P-521, which ring lacks. Signatures are deterministic, RFC 6979.

use p521::ecdsa::signature::{Signer as _, Verifier as _};
use p521::ecdsa::{self, SigningKey, VerifyingKey};

use crate::{InvalidSignature, KeyError, SignError, Signature};

#[derive(Clone)]
pub(crate) struct P521Verifier(VerifyingKey);

impl P521Verifier {
    pub(super) fn new(point: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::from_sec1_bytes(point)
            .map(Self)
            .map_err(|_| KeyError::InvalidPoint)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
        self.0
            .verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }
}

pub(crate) struct P521Signer(SigningKey);

impl P521Signer {
    /// The point belongs to the scalar already.
    pub(super) fn new(scalar: &[u8], _point: &[u8]) -> Result<Self, KeyError> {
        SigningKey::from_slice(scalar)
            .map(Self)
            .map_err(|_| KeyError::InvalidPrivateKey)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature: ecdsa::Signature = self.0.try_sign(message).map_err(|_| SignError)?;
        Signature::copied(&signature.to_bytes())
    }
}
