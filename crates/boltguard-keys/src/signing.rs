//! Signing keys, each for one algorithm.

use std::fmt;
use std::sync::Arc;

use boltguard_types::KeyId;

use crate::backend::Signer;
use crate::public::PublicParts;
use crate::{Algorithm, Key, KeyError, PublicKey, SignError, Signature, VerifyingKey};

/// A key that signs with one algorithm. It is cheap to clone.
///
/// ```
/// use boltguard_keys::{Algorithm, Key, SigningKey};
///
/// let key = SigningKey::new(&Key::generate(Algorithm::EdDsa)?, Algorithm::EdDsa)?.with_key_id("2026");
/// let signature = key.sign(b"message")?;
/// assert!(key.verifying_key().verify(b"message", signature.as_ref()).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    signer: Arc<Signer>,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// Prepares a secret or a private key.
    ///
    /// # Errors
    ///
    /// - [`KeyError::AlgorithmMismatch`] if the algorithm requires another type of key.
    /// - [`KeyError::NotPrivate`] if the key is public.
    pub fn new(key: &Key, algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::of_any(key, algorithm)?;
        let signer = (algorithm.row().signer)(key)?;
        Ok(Self {
            signer: Arc::new(signer),
            verifying,
        })
    }

    /// Returns the same key with a `kid`, which its tokens contain.
    #[must_use]
    pub fn with_key_id(self, key_id: impl Into<KeyId>) -> Self {
        let verifying = self.verifying.with_key_id(key_id);
        Self { verifying, ..self }
    }

    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// Returns the `kid`, if the key has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.verifying.key_id()
    }

    /// Returns the key that verifies the signatures.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Returns whether the secret is shorter than the algorithm's hash, RFC 7518 §3.2.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.verifying.is_weak()
    }

    /// Returns the length of each signature in bytes.
    #[must_use]
    pub fn signature_len(&self) -> usize {
        match self.verifying.public_key().map(PublicKey::parts) {
            None => self.algorithm().hash_len(),
            Some(PublicParts::Rsa(rsa)) => rsa.n.len(),
            Some(PublicParts::Ec { curve, .. }) => 2 * curve.field_len(),
            Some(PublicParts::Ed25519(_)) => 64,
        }
    }

    /// Signs a message.
    ///
    /// ECDSA and RSASSA-PSS signatures may be random, so that two of the same message may differ.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the random number generator of the system is unavailable, or the parts of an RSA key are
    /// inconsistent.
    #[inline]
    pub fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.signer.sign(message)
    }

    /// Signs a message and passes the signature to a function, without moving it.
    ///
    /// # Errors
    ///
    /// Those of [`SigningKey::sign`].
    #[inline]
    pub fn sign_with<T>(
        &self,
        message: &[u8],
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, SignError> {
        self.signer.sign_with(message, take)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SigningKey");
        debug
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id());
        debug.finish_non_exhaustive()
    }
}
