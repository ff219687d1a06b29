//! Public keys.

use std::fmt;

use crate::asn1;
use crate::backend;
use crate::encoding;
use crate::pem;
use crate::roca;
use crate::{Algorithm, Curve, KeyError, KeyType, digest_sha256};

/// A public key: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519, or secp256k1 with the feature
/// `es256k`.
///
/// ```
/// use boltguard_keys::{KeyType, PublicKey};
///
/// // The key of RFC 8410 §10.1.
/// let key = PublicKey::from_pem(
///     "-----BEGIN PUBLIC KEY-----\n\
///      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
///      -----END PUBLIC KEY-----\n",
/// )?;
/// assert_eq!(key.key_type(), KeyType::Ed25519);
/// # Ok::<(), boltguard_keys::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    parts: PublicParts,
}

impl PublicKey {
    /// Parses PEM: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`. The first of several certificates is used.
    ///
    /// PEM may be on one line, indented, in quotes, or with line breaks written as `\n`, as in environment variables.
    /// Without PEM, the line of an OpenSSH public key is parsed, or base64 of PEM or DER.
    ///
    /// Only the key of a certificate is used. Neither its signature nor its dates are checked, so its source must be
    /// trusted.
    ///
    /// # Errors
    ///
    /// - [`KeyError::NoPem`] if there is no such PEM, [`KeyError::PemMarkers`] if its first or last line is damaged,
    ///   [`KeyError::UrlAsKey`] if there is a URL instead, and [`KeyError::SeveralKeys`] if there is more than one key.
    /// - [`KeyError::PrivateKey`] if there is a private key.
    /// - Those of [`PublicKey::from_der`].
    pub fn from_pem(pem: impl AsRef<str>) -> Result<Self, KeyError> {
        let pem = pem.as_ref();
        pem::read(pem)?.public()
    }

    /// Parses DER: a `SubjectPublicKeyInfo`, an `RSAPublicKey` or a certificate, see [`PublicKey::from_pem`].
    ///
    /// # Errors
    ///
    /// - [`KeyError::Der`] if it is none of these, [`KeyError::PrivateKey`] if it is a private key.
    /// - [`KeyError::Unsupported`] for other kinds of keys and other curves, [`KeyError::NeedsEs256k`] for secp256k1
    ///   without the feature.
    /// - [`KeyError::InvalidPoint`] if the point is not on its curve.
    /// - [`KeyError::RsaTooSmall`], [`KeyError::RsaTooLarge`] or [`KeyError::InvalidRsa`] for an unsupported RSA key,
    ///   and [`KeyError::RsaWeak`] for a modulus that can be factored (ROCA).
    /// - [`KeyError::Ssh`] for a malformed public key of OpenSSH.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        asn1::read_public(der)
    }

    /// Returns the type of the key.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        match &self.parts {
            PublicParts::Rsa(_) => KeyType::Rsa,
            PublicParts::Ec { curve, .. } => KeyType::Ec(*curve),
            PublicParts::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Returns whether the key can verify tokens of the algorithm.
    #[must_use]
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.key_type() == algorithm.key_type()
            && match &self.parts {
                PublicParts::Rsa(rsa) => rsa.scheme.allows(algorithm),
                _ => true,
            }
    }

    /// Returns the key as DER, a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Der`] if the encoder fails, which parsed keys never cause.
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        asn1::write_public(self)
    }

    /// Returns the key as PEM, `PUBLIC KEY`.
    ///
    /// # Errors
    ///
    /// Those of [`PublicKey::to_der`].
    pub fn to_pem(&self) -> Result<String, KeyError> {
        pem::write("PUBLIC KEY", &self.to_der()?)
    }

    /// Returns the SHA-256 thumbprint of the key in base64url, [RFC 7638](https://www.rfc-editor.org/rfc/rfc7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        encoding::encode(digest_sha256(self.required_members().as_bytes()))
    }

    /// Returns the JWK with only the required members, in the order of RFC 7638 §3.3.
    pub(crate) fn required_members(&self) -> String {
        let text = |bytes: &[u8]| encoding::encode(bytes);
        match &self.parts {
            PublicParts::Rsa(rsa) => {
                format!(
                    r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                    text(&rsa.e),
                    text(&rsa.n)
                )
            }
            PublicParts::Ec { curve, point } => {
                let (x, y) = point[1..].split_at(curve.field_len());
                let crv = curve.name();
                format!(
                    r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#,
                    text(x),
                    text(y)
                )
            }
            PublicParts::Ed25519(x) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
            }
        }
    }

    pub(crate) fn rsa(n: &[u8], e: &[u8], scheme: RsaScheme) -> Result<Self, KeyError> {
        let parts = PublicParts::Rsa(RsaPublic::new(n, e, scheme)?);
        Ok(Self { parts })
    }

    pub(crate) fn ec(curve: Curve, sec1: &[u8]) -> Result<Self, KeyError> {
        let point = curve.point(sec1)?;
        Ok(Self {
            parts: PublicParts::Ec { curve, point },
        })
    }

    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let point = bytes.try_into().map_err(|_| KeyError::InvalidPoint)?;
        backend::refuse_small_order(&point)?;
        Ok(Self {
            parts: PublicParts::Ed25519(point),
        })
    }

    pub(crate) const fn parts(&self) -> &PublicParts {
        &self.parts
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, ..)", self.key_type())
    }
}

/// The parts of a public key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PublicParts {
    Rsa(RsaPublic),
    /// The point is uncompressed, SEC 1 §2.3.3.
    Ec {
        curve: Curve,
        point: Box<[u8]>,
    },
    Ed25519([u8; 32]),
}

/// An RSA public key; the numbers are big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RsaPublic {
    pub(crate) n: Box<[u8]>,
    pub(crate) e: Box<[u8]>,
    pub(crate) scheme: RsaScheme,
}

impl RsaPublic {
    pub(crate) const MAX_BITS: usize = 8192;
    const MIN_BITS: usize = 2048;
    /// The maximum of ring. RFC 8017 has no maximum.
    const MAX_EXPONENT_BITS: usize = 33;

    pub(crate) fn new(n: &[u8], e: &[u8], scheme: RsaScheme) -> Result<Self, KeyError> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        match bits(n) {
            ..Self::MIN_BITS => return Err(KeyError::RsaTooSmall),
            Self::MIN_BITS..=Self::MAX_BITS => {}
            _ => return Err(KeyError::RsaTooLarge),
        }
        // RFC 8017 §3.1: e is odd and at least 3.
        if !is_odd(n) || !is_odd(e) || !(2..=Self::MAX_EXPONENT_BITS).contains(&bits(e)) {
            return Err(KeyError::InvalidRsa);
        }
        if roca::has_fingerprint(n) {
            return Err(KeyError::RsaWeak);
        }
        Ok(Self {
            n: n.into(),
            e: e.into(),
            scheme,
        })
    }

    pub(crate) fn bits(&self) -> usize {
        bits(&self.n)
    }
}

/// The algorithms to which the identifier of an RSA key limits it, RFC 4055 §1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RsaScheme {
    /// No limit on the padding.
    Any,
    /// RSASSA-PSS.
    Pss,
    /// RSASSA-PSS with the hash of this algorithm.
    PssWith(Algorithm),
}

impl RsaScheme {
    const fn allows(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Any => true,
            Self::Pss => is_pss(algorithm),
            Self::PssWith(only) => is_pss(algorithm) && algorithm.hash_len() == only.hash_len(),
        }
    }
}

const fn is_pss(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512
    )
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn bits(number: &[u8]) -> usize {
    match number.first() {
        Some(first) => number.len() * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}
