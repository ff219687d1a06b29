//! Verifying keys, each for one algorithm.

use std::fmt;
use std::sync::Arc;

use boltguard_types::KeyId;

use crate::backend::Verifier;
use crate::{Algorithm, InvalidSignature, Key, KeyError, PublicKey};

/// A key that verifies signatures of one algorithm. It is cheap to clone.
///
/// ```
/// use boltguard_keys::{Algorithm, Key, Secret, SigningKey, VerifyingKey};
///
/// let secret = Key::from(Secret::generate(Algorithm::Hs256)?);
/// let signature = SigningKey::new(&secret, Algorithm::Hs256)?.sign(b"message")?;
///
/// let key = VerifyingKey::new(&secret, Algorithm::Hs256)?;
/// assert!(key.verify(b"message", signature.as_ref()).is_ok());
/// assert!(key.verify(b"another", signature.as_ref()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    verifier: Verifier,
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    public: Option<PublicKey>,
    is_weak: bool,
}

impl VerifyingKey {
    /// Prepares a secret or a public key.
    ///
    /// # Errors
    ///
    /// - [`KeyError::AlgorithmMismatch`] if the algorithm requires another type of key.
    /// - [`KeyError::PrivateKey`] if the key is private, because private keys don't belong in services that only
    ///   verify.
    pub fn new(key: &Key, algorithm: Algorithm) -> Result<Self, KeyError> {
        if matches!(key, Key::Private(_)) {
            return Err(KeyError::PrivateKey);
        }
        Self::of_any(key, algorithm)
    }

    /// Prepares the verifier of any type of key.
    pub(crate) fn of_any(key: &Key, algorithm: Algorithm) -> Result<Self, KeyError> {
        if !key.serves(algorithm) {
            return Err(KeyError::AlgorithmMismatch);
        }
        let verifier = (algorithm.row().verifier)(key)?;
        let public = key.public_key().cloned();
        let is_weak = key.is_weak_for(algorithm);
        Ok(Self(Arc::new(Inner {
            verifier,
            algorithm,
            key_id: None,
            public,
            is_weak,
        })))
    }

    /// Returns the same key with a `kid`, by which tokens select it.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<KeyId>) -> Self {
        Arc::make_mut(&mut self.0).key_id = Some(key_id.into());
        self
    }

    /// Returns the algorithm.
    #[must_use]
    #[inline]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Returns the `kid`, if the key has one.
    #[must_use]
    #[inline]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.0.key_id.as_ref()
    }

    /// Returns the public key, or `None` for a secret.
    #[must_use]
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.0.public.as_ref()
    }

    /// Returns whether both are the same public key, with the same algorithm and `kid`. Secrets are compared by
    /// identity: clones of one key are the same, but another key from the same bytes isn't.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let [a, b] = [&*self.0, &*other.0];
        let is_equal = a.public.is_some()
            && (&a.public, a.algorithm, &a.key_id) == (&b.public, b.algorithm, &b.key_id);
        is_equal || Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns whether the secret is shorter than the algorithm's hash, RFC 7518 §3.2.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.0.is_weak
    }

    /// Verifies a signature. HMACs are compared in constant time.
    ///
    /// ECDSA signatures are the two integers, each with its full length, RFC 7518 §3.4. The salt of RSASSA-PSS is as
    /// long as the hash, RFC 7518 §3.5.
    ///
    /// # Errors
    ///
    /// [`InvalidSignature`] if the signature doesn't verify, or has another length.
    #[inline]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.verifier.verify(message, signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("VerifyingKey");
        debug
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id());
        debug.finish_non_exhaustive()
    }
}
