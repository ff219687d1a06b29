//! Keys that sign, each for one algorithm.

use std::fmt;
use std::sync::Arc;

use boltguard_types::KeyId;
use ring::{hmac, signature};

use crate::backend::Signer;
use crate::{Algorithm, Key, KeyError, SignError, VerifyingKey};

/// A key that makes signatures of one algorithm, from birth; cheap to clone.
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
    /// - [`KeyError::AlgorithmMismatch`] if the key is of another kind than the algorithm needs.
    /// - [`KeyError::NotPrivate`] if the key is public.
    pub fn new(key: &Key, algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::of_any(key, algorithm)?;
        let signer = match key {
            Key::Secret(secret) => Signer::of_secret(secret, algorithm)?,
            Key::Private(key) => Signer::of_private(key, algorithm)?,
            Key::Public(_) => return Err(KeyError::NotPrivate),
        };
        Ok(Self {
            signer: Arc::new(signer),
            verifying,
        })
    }

    /// The same key with a name, which its tokens carry as `kid`.
    #[must_use]
    pub fn with_key_id(self, key_id: impl Into<KeyId>) -> Self {
        let verifying = self.verifying.with_key_id(key_id);
        Self { verifying, ..self }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The key's name, if it has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.verifying.key_id()
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Whether the secret is shorter than the algorithm's hash, RFC 7518 §3.2.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.verifying.is_weak()
    }

    /// Signs a message.
    ///
    /// ES256 and ES384 draw randomness for each signature and so does RSASSA-PSS; ES512 and EdDSA are deterministic.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the system gives no randomness, or the parts of an RSA key turn out not to belong together.
    #[inline]
    pub fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.signer.sign(message)
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

/// The bytes of a signature, held without allocation.
#[derive(Clone, Copy)]
pub struct Signature(Bytes);

#[derive(Clone, Copy)]
#[expect(
    clippy::large_enum_variant,
    reason = "signatures live on the stack, for a moment"
)]
enum Bytes {
    Tag(hmac::Tag),
    Fixed(signature::Signature),
    Long { bytes: [u8; LONGEST], length: usize },
}

/// The length of a signature of RSA with 4096 bits.
const LONGEST: usize = 512;

impl Signature {
    pub(crate) const fn tag(tag: hmac::Tag) -> Self {
        Self(Bytes::Tag(tag))
    }

    pub(crate) const fn fixed(signature: signature::Signature) -> Self {
        Self(Bytes::Fixed(signature))
    }

    pub(crate) fn long(
        length: usize,
        write: impl FnOnce(&mut [u8]) -> Result<(), SignError>,
    ) -> Result<Self, SignError> {
        let mut bytes = [0; LONGEST];
        write(bytes.get_mut(..length).ok_or(SignError)?)?;
        Ok(Self(Bytes::Long { bytes, length }))
    }
}

impl AsRef<[u8]> for Signature {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Tag(tag) => tag.as_ref(),
            Bytes::Fixed(signature) => signature.as_ref(),
            Bytes::Long { bytes, length } => &bytes[..*length],
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.as_ref().len())
    }
}
