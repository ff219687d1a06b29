//! Private keys.

use std::fmt;

use zeroize::Zeroizing;

use crate::asn1;
use crate::backend;
use crate::pem;
use crate::public::RsaPublic;
use crate::{Algorithm, Curve, KeyError, KeyType, PublicKey, fill_random};

/// A private key. It is wiped when dropped, and never printed.
///
/// RSA keys have 2048 to 4096 bits in steps of 512, two primes and an exponent of at least 65537, because ring supports
/// no others.
///
/// ```
/// use boltguard_keys::{Algorithm, PrivateKey};
///
/// let key = PrivateKey::generate(Algorithm::Es256)?;
/// assert_eq!(PrivateKey::from_pem(&key.to_pkcs8_pem()?)?.public_key(), key.public_key());
/// # Ok::<(), boltguard_keys::KeyError>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    parts: PrivateParts,
    public: PublicKey,
}

impl PrivateKey {
    /// Parses PEM: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`, with the layouts of
    /// [`PublicKey::from_pem`](crate::PublicKey::from_pem).
    ///
    /// If there is a public key, it must match the private key.
    ///
    /// # Errors
    ///
    /// - [`KeyError::NoPem`] if there is no such PEM, [`KeyError::UrlAsKey`] if there is a URL instead, and
    ///   [`KeyError::SeveralKeys`] if there is more than one key.
    /// - [`KeyError::NotPrivate`] if it is public.
    /// - [`KeyError::Encrypted`] if a password protects it, and [`KeyError::OpenSshPrivate`] for OpenSSH's own format.
    /// - Those of [`PrivateKey::from_der`].
    pub fn from_pem(pem: impl AsRef<str>) -> Result<Self, KeyError> {
        let pem = pem.as_ref();
        pem::read(pem)?.private()
    }

    /// Parses DER: PKCS#8, PKCS#1 or SEC1 with a named curve.
    ///
    /// # Errors
    ///
    /// - [`KeyError::Der`] if it is none of these, [`KeyError::NotPrivate`] if it is a public key.
    /// - [`KeyError::Unsupported`] for other kinds of keys and other curves.
    /// - [`KeyError::InvalidPrivateKey`] if its parts are out of range or inconsistent.
    /// - [`KeyError::RsaTooSmall`] or [`KeyError::RsaTooLarge`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        asn1::read_private(der)
    }

    /// Generates a random key for an algorithm on a curve.
    ///
    /// # Errors
    ///
    /// - [`KeyError::CannotGenerate`] for RSA.
    /// - [`KeyError::AlgorithmMismatch`] for HMAC, see [`Secret::generate`](crate::Secret::generate).
    /// - [`KeyError::Random`] if the random number generator of the system is unavailable.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        match algorithm.key_type() {
            KeyType::Hmac => Err(KeyError::AlgorithmMismatch),
            KeyType::Rsa => Err(KeyError::CannotGenerate),
            KeyType::Ec(curve) => Self::ec(curve, &curve.random_scalar()?, None),
            KeyType::Ed25519 => Self::generate_ed25519(),
        }
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the type of the key.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.public.key_type()
    }

    /// Returns the key as DER, PKCS#8.
    ///
    /// # Errors
    ///
    /// [`KeyError::Der`] if the encoder fails, which parsed keys never cause.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        asn1::write_private(self)
    }

    /// Returns the key as PEM, `PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// Those of [`PrivateKey::to_pkcs8_der`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        pem::write("PRIVATE KEY", &self.to_pkcs8_der()?).map(Zeroizing::new)
    }

    fn generate_ed25519() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        fill_random(&mut *seed)?;
        Self::ed25519(&*seed, None)
    }

    pub(crate) fn rsa(rsa: RsaPrivate) -> Result<Self, KeyError> {
        if rsa.public.bits() > RsaPrivate::MAX_BITS {
            return Err(KeyError::RsaTooLarge);
        }
        backend::check_rsa(&rsa)?;
        let public = PublicKey::rsa(&rsa.public.n, &rsa.public.e, rsa.public.scheme)?;
        Ok(Self {
            parts: PrivateParts::Rsa(rsa),
            public,
        })
    }

    pub(crate) fn ec(curve: Curve, scalar: &[u8], public: Option<&[u8]>) -> Result<Self, KeyError> {
        let point = curve.public_point(scalar)?;
        if let Some(public) = public
            && curve.point(public)? != point
        {
            return Err(KeyError::InvalidPrivateKey);
        }
        let public = PublicKey::ec(curve, &point)?;
        let scalar = Zeroizing::new(scalar.into());
        Ok(Self {
            parts: PrivateParts::Ec {
                curve,
                scalar,
                point,
            },
            public,
        })
    }

    pub(crate) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, KeyError> {
        let seed = seed.try_into().map_err(|_| KeyError::InvalidPrivateKey)?;
        let seed = Zeroizing::new(seed);
        let point = backend::ed25519_public(&seed)?;
        if public.is_some_and(|public| public != point) {
            return Err(KeyError::InvalidPrivateKey);
        }
        let public = PublicKey::ed25519(&point)?;
        Ok(Self {
            parts: PrivateParts::Ed25519 { seed },
            public,
        })
    }

    pub(crate) const fn parts(&self) -> &PrivateParts {
        &self.parts
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?}, ..)", self.key_type())
    }
}

/// The parts of a private key.
#[derive(Clone)]
pub(crate) enum PrivateParts {
    Rsa(RsaPrivate),
    Ec {
        curve: Curve,
        scalar: Zeroizing<Box<[u8]>>,
        point: Box<[u8]>,
    },
    Ed25519 {
        seed: Zeroizing<[u8; 32]>,
    },
}

/// An RSA private key in PKCS#1.
#[derive(Clone)]
pub(crate) struct RsaPrivate {
    pub(crate) pkcs1: Zeroizing<Vec<u8>>,
    pub(crate) public: RsaPublic,
}

impl RsaPrivate {
    /// The RSA keys that ring signs with.
    const MAX_BITS: usize = 4096;
}
