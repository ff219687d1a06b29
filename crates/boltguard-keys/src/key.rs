//! Key material of any kind.

use crate::asn1;
use crate::loose;
use crate::pem;
use crate::{Algorithm, KeyError, PrivateKey, PublicKey, Secret};

/// A secret, a public or a private key.
#[derive(Clone, Debug)]
pub enum Key {
    /// A shared secret, which both signs and verifies.
    Secret(Secret),
    /// A public key, which verifies.
    Public(PublicKey),
    /// A private key, which signs.
    Private(PrivateKey),
}

impl Key {
    /// Parses a public or private key: PEM as in [`from_pem`](Self::from_pem), also in UTF-16, and DER.
    ///
    /// # Errors
    ///
    /// Those of [`Key::from_pem`] and [`Key::from_der`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if asn1::is_key(bytes) {
            return Self::from_der(bytes);
        }
        if let Ok(text) = std::str::from_utf8(bytes)
            && !text.contains('\0')
        {
            return Self::from_pem(text);
        }
        let text = loose::without_zeros(bytes).ok_or(KeyError::NoPem)?;
        Self::from_pem(std::str::from_utf8(&text).map_err(|_| KeyError::NoPem)?)
    }

    /// Parses PEM, public or private according to its label.
    ///
    /// # Errors
    ///
    /// Those of [`PublicKey::from_pem`] and [`PrivateKey::from_pem`].
    pub fn from_pem(pem: impl AsRef<str>) -> Result<Self, KeyError> {
        let pem = pem.as_ref();
        let section = pem::read(pem)?;
        if section.is_private() {
            section.private().map(Self::Private)
        } else {
            section.public().map(Self::Public)
        }
    }

    /// Parses DER of a public or private key.
    ///
    /// # Errors
    ///
    /// Those of [`PublicKey::from_der`] and [`PrivateKey::from_der`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        match PublicKey::from_der(der) {
            Err(KeyError::PrivateKey) => PrivateKey::from_der(der).map(Self::Private),
            other => other.map(Self::Public),
        }
    }

    /// Generates a random key: a secret for HMAC, a private key for other algorithms.
    ///
    /// # Errors
    ///
    /// Those of [`Secret::generate`] and [`PrivateKey::generate`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        if algorithm.is_symmetric() {
            Secret::generate(algorithm).map(Self::Secret)
        } else {
            PrivateKey::generate(algorithm).map(Self::Private)
        }
    }

    /// Returns whether the key can verify, or sign and verify, tokens of the algorithm.
    #[must_use]
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Secret(_) => algorithm.is_symmetric(),
            Self::Public(key) => key.serves(algorithm),
            Self::Private(key) => key.public_key().serves(algorithm),
        }
    }

    /// Returns the algorithms that the key can be used with.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL
            .iter()
            .copied()
            .filter(|algorithm| self.serves(*algorithm))
    }

    /// Returns the public key, which secrets don't have.
    #[must_use]
    pub const fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Secret(_) => None,
            Self::Public(key) => Some(key),
            Self::Private(key) => Some(key.public_key()),
        }
    }

    /// Returns whether the key is a secret shorter than the algorithm's hash.
    #[must_use]
    pub fn is_weak_for(&self, algorithm: Algorithm) -> bool {
        matches!(self, Self::Secret(secret) if secret.is_weak_for(algorithm))
    }
}

impl From<Secret> for Key {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self::Public(key)
    }
}

impl From<PrivateKey> for Key {
    fn from(key: PrivateKey) -> Self {
        Self::Private(key)
    }
}
