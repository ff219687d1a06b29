//! ECDSA on P-521, which ring doesn't support. Signatures are deterministic, RFC 6979.

use p521::ecdsa::signature::{Signer as _, Verifier as _};
use p521::ecdsa::{self, SigningKey, VerifyingKey};

use super::{Sign, Verify, public_point, scalar_and_point};
use crate::{InvalidSignature, Key, KeyError, SignError, Signature};

pub(super) struct P521Verifier(VerifyingKey);

impl P521Verifier {
    pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
        VerifyingKey::from_sec1_bytes(public_point(key)?)
            .map(Self)
            .map_err(|_| KeyError::InvalidPoint)
    }
}

impl Verify for P521Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
        self.0
            .verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }
}

pub(super) struct P521Signer(SigningKey);

impl P521Signer {
    pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
        let (scalar, _) = scalar_and_point(key)?;
        SigningKey::from_slice(scalar)
            .map(Self)
            .map_err(|_| KeyError::InvalidPrivateKey)
    }
}

impl Sign for P521Signer {
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature: ecdsa::Signature = self.0.try_sign(message).map_err(|_| SignError)?;
        Signature::copied(&signature.to_bytes())
    }
}
