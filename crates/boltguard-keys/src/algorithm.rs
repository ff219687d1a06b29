//! Signature algorithms, [RFC 7518 §3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1) and
//! [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1).

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A signature algorithm that tokens can name in `alg`; `none` is not one.
///
/// ```
/// use boltguard_keys::{Algorithm, Family};
///
/// let algorithm: Algorithm = "ES256".parse()?;
/// assert_eq!(algorithm.family(), Family::EcP256);
///
/// let unknown = "rs256".parse::<Algorithm>().unwrap_err();
/// assert_eq!(unknown.suggestion(), Some(Algorithm::Rs256));
/// assert!("none".parse::<Algorithm>().is_err());
/// # Ok::<(), boltguard_keys::UnknownAlgorithm>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    Ps256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes.
    Ps384,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &'static [Self] = &[
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The name as tokens write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The kind of key that serves the algorithm.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
            Self::Rs256 | Self::Rs384 | Self::Rs512 => Family::Rsa,
            Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::Rsa,
            Self::Es256 => Family::EcP256,
            Self::Es384 => Family::EcP384,
            Self::Es512 => Family::EcP521,
            Self::EdDsa => Family::Ed25519,
        }
    }

    /// Whether one secret both signs and verifies.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac)
    }

    /// The length of the algorithm's hash in bytes.
    #[must_use]
    pub const fn hash_len(self) -> usize {
        match self {
            Self::Hs256 | Self::Rs256 | Self::Ps256 | Self::Es256 => 32,
            Self::Hs384 | Self::Rs384 | Self::Ps384 | Self::Es384 => 48,
            Self::Hs512 | Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let named = |algorithm: &&Self| algorithm.name() == name;
        match Self::ALL.iter().find(named) {
            Some(algorithm) => Ok(*algorithm),
            None => Err(UnknownAlgorithm::new(name)),
        }
    }
}

/// The kind of key that an algorithm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// A shared secret.
    Hmac,
    /// RSA, with either padding.
    Rsa,
    /// The curve P-256.
    EcP256,
    /// The curve P-384.
    EcP384,
    /// The curve P-521.
    EcP521,
    /// The curve Ed25519.
    Ed25519,
}

/// The text names no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    suggestion: Option<Algorithm>,
}

impl UnknownAlgorithm {
    fn new(name: &str) -> Self {
        let letters = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|c| c.to_ascii_uppercase()).collect()
        };
        let meant = match letters(name).as_str() {
            "ED25519" => "EDDSA".to_owned(),
            other => other.to_owned(),
        };
        let resembles = |algorithm: &&Algorithm| letters(algorithm.name()) == meant;
        let suggestion = Algorithm::ALL.iter().find(resembles).copied();
        Self { suggestion }
    }

    /// The algorithm that was probably meant, for the message of a configuration error.
    #[must_use]
    pub const fn suggestion(self) -> Option<Algorithm> {
        self.suggestion
    }
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown algorithm")?;
        match self.suggestion {
            Some(algorithm) => write!(f, ", `{algorithm}` is probably meant"),
            None => Ok(()),
        }
    }
}

impl Error for UnknownAlgorithm {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back_and_only_exactly() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(*algorithm));
            assert!(
                algorithm
                    .name()
                    .to_lowercase()
                    .parse::<Algorithm>()
                    .is_err()
            );
            assert!(format!(" {algorithm}").parse::<Algorithm>().is_err());
        }
    }

    #[test]
    fn near_misses_are_told_what_was_meant() {
        let suggestion = |name: &str| name.parse::<Algorithm>().unwrap_err().suggestion();
        assert_eq!(suggestion("hs-256"), Some(Algorithm::Hs256));
        assert_eq!(suggestion("eddsa"), Some(Algorithm::EdDsa));
        assert_eq!(suggestion("Ed25519"), Some(Algorithm::EdDsa));
        for name in ["none", "NONE", "", "ES256K", "HS1", "RSA-OAEP"] {
            assert_eq!(suggestion(name), None, "{name}");
        }
    }
}
