//! Shared secrets of HMAC, [RFC 7518 §3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2).

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::encoding;
use crate::key_material;
use crate::{Algorithm, KeyError, fill_random};

/// A shared secret. It is wiped when dropped, and never printed.
///
/// ```
/// use boltguard_keys::{Algorithm, KeyError, Secret};
///
/// let secret = Secret::new(b"correct horse battery staple")?;
/// assert!(secret.is_weak_for(Algorithm::Hs256));
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
///
/// let pem = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----";
/// assert_eq!(Secret::new(pem).unwrap_err(), KeyError::PemAsSecret);
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Creates a secret from these bytes, including whitespace and line breaks.
    ///
    /// # Errors
    ///
    /// Public keys are rejected as secrets, because anyone could sign with them, [RFC 8725
    /// §2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1).
    ///
    /// - [`KeyError::Empty`] if there are no bytes.
    /// - [`KeyError::PemAsSecret`] for PEM, with or without a prefix, and even with damaged first and last lines,
    ///   SSH public keys, and the DER of a key or certificate.
    /// - [`KeyError::JwkAsSecret`] for a JSON object or list, and any string that contains a JWK.
    /// - [`KeyError::UrlAsKey`] for strings that begin with `https://` or `http://`. The URL of published keys isn't
    ///   secret.
    ///
    /// They are also rejected in base64, hexadecimal, UTF-16 or percent encoding, encoded up to three times.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        key_material::check(bytes)?;
        Ok(Self(Zeroizing::new(bytes.into())))
    }

    /// Decodes a secret from base64url without padding.
    ///
    /// # Errors
    ///
    /// [`KeyError::Base64`] if the string isn't base64url without padding, and those of [`Secret::new`].
    pub fn from_base64url(text: &str) -> Result<Self, KeyError> {
        Self::new(&encoding::decode_secret(text)?)
    }

    /// Generates a random secret with the length of the algorithm's hash.
    ///
    /// # Errors
    ///
    /// - [`KeyError::AlgorithmMismatch`] if the algorithm isn't HMAC.
    /// - [`KeyError::Random`] if the random number generator of the system is unavailable.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        if !algorithm.is_symmetric() {
            return Err(KeyError::AlgorithmMismatch);
        }
        let mut bytes = Zeroizing::new(vec![0; algorithm.hash_len()].into_boxed_slice());
        fill_random(&mut bytes)?;
        Ok(Self::from_uniform(bytes))
    }

    /// Creates a secret from random or derived bytes, which can't be a public key.
    pub(crate) const fn from_uniform(bytes: Zeroizing<Box<[u8]>>) -> Self {
        Self(bytes)
    }

    /// Returns whether the secret is shorter than the algorithm's hash, the minimum of RFC 7518 §3.2.
    #[must_use]
    pub fn is_weak_for(&self, algorithm: Algorithm) -> bool {
        algorithm.is_symmetric() && self.0.len() < algorithm.hash_len()
    }

    /// Returns the bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_shorter_than_its_hash_is_weak() {
        let secret = Secret::new(&[7; 48]).unwrap();
        assert!(!secret.is_weak_for(Algorithm::Hs256));
        assert!(!secret.is_weak_for(Algorithm::Hs384));
        assert!(secret.is_weak_for(Algorithm::Hs512));
    }

    #[test]
    fn generated_secrets_are_strong_and_differ() {
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let secret = Secret::generate(algorithm).unwrap();
            assert!(!secret.is_weak_for(algorithm));
            assert_ne!(secret, Secret::generate(algorithm).unwrap());
        }
        assert_eq!(
            Secret::generate(Algorithm::EdDsa).unwrap_err(),
            KeyError::AlgorithmMismatch
        );
    }

    #[test]
    fn blanks_and_line_ends_are_part_of_a_secret() {
        assert_eq!(Secret::new(b" a\n").unwrap().expose(), b" a\n");
    }

    #[test]
    fn empty_secret_is_not_a_key() {
        assert_eq!(Secret::new(b""), Err(KeyError::Empty));
        assert_eq!(Secret::from_base64url(""), Err(KeyError::Empty));
    }

    #[test]
    fn base64url_is_strict() {
        assert_eq!(Secret::from_base64url("AQI").unwrap().expose(), [1, 2]);
        for text in ["AQI=", "AQJ", "AQ I", "AQ+_", "A"] {
            assert_eq!(
                Secret::from_base64url(text),
                Err(KeyError::Base64),
                "{text}"
            );
        }
    }
}
