//! ECDSA on secp256k1, [RFC 8812 §3.2](https://www.rfc-editor.org/rfc/rfc8812#section-3.2). Signatures are
//! deterministic, RFC 6979.

use k256::ecdsa::signature::{Signer as _, Verifier as _};
use k256::ecdsa::{self, SigningKey, VerifyingKey};

use super::{Sign, Verify, public_point, scalar_and_point};
use crate::{InvalidSignature, Key, KeyError, SignError, Signature};

pub(super) struct Secp256k1Verifier(VerifyingKey);

impl Secp256k1Verifier {
    pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
        VerifyingKey::from_sec1_bytes(public_point(key)?)
            .map(Self)
            .map_err(|_| KeyError::InvalidPoint)
    }
}

impl Verify for Secp256k1Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
        // Both S and n - S are valid, as for the other curves. `k256` only accepts the lower one, which Bitcoin
        // requires but RFC 8812 doesn't.
        self.0
            .verify(message, &signature.normalize_s())
            .map_err(|_| InvalidSignature)
    }
}

pub(super) struct Secp256k1Signer(SigningKey);

impl Secp256k1Signer {
    pub(super) fn new(key: &Key) -> Result<Self, KeyError> {
        let (scalar, _) = scalar_and_point(key)?;
        SigningKey::from_slice(scalar)
            .map(Self)
            .map_err(|_| KeyError::InvalidPrivateKey)
    }
}

impl Sign for Secp256k1Signer {
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature: ecdsa::Signature = self.0.try_sign(message).map_err(|_| SignError)?;
        Signature::copied(&signature.to_bytes())
    }
}
