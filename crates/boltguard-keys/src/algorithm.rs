//! Signature algorithms, [RFC 7518 §3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1),
//! [RFC 8037 §3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1) and
//! [RFC 8812 §3.2](https://www.rfc-editor.org/rfc/rfc8812#section-3.2).

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::backend::Slow;
use crate::{Algorithm, KeyType};

impl Algorithm {
    /// Returns the name in tokens.
    #[must_use]
    #[inline]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the names for the algorithm in the `alg` of a JWK.
    pub(crate) fn jwk_names(self) -> impl Iterator<Item = &'static str> {
        let others = self.row().jwk_names.iter().copied();
        std::iter::once(self.name()).chain(others)
    }

    /// Returns the type of key that the algorithm requires.
    #[must_use]
    #[inline]
    pub const fn key_type(self) -> KeyType {
        self.row().key_type
    }

    /// Returns whether the same secret signs and verifies.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self.key_type(), KeyType::Hmac)
    }

    /// Returns the length of the algorithm's hash in bytes.
    #[must_use]
    pub const fn hash_len(self) -> usize {
        self.row().hash.len()
    }

    /// Returns whether verifying takes 100 µs or more, so that it is worth letting other threads run.
    #[must_use]
    pub const fn is_slow_to_verify(self) -> bool {
        matches!(self.row().slow, Slow::Always)
    }

    /// Returns whether signing takes 100 µs or more, so that it is worth letting other threads run.
    #[must_use]
    pub const fn is_slow_to_sign(self) -> bool {
        matches!(self.row().slow, Slow::ToSign | Slow::Always)
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

/// The error of an unknown algorithm name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    suggestion: Option<Algorithm>,
    feature: Option<&'static str>,
}

impl UnknownAlgorithm {
    fn new(name: &str) -> Self {
        let letters = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|c| c.to_ascii_uppercase()).collect()
        };
        let resembles = |algorithm: &&Algorithm| {
            let mut names = algorithm.jwk_names();
            names.any(|known| letters(known) == letters(name))
        };
        let suggestion = Algorithm::ALL.iter().find(resembles).copied();
        let left_out = |(one, _): &&(&str, _)| *one == name;
        let feature = OPTIONAL.iter().find(left_out).map(|(_, feature)| *feature);
        Self {
            suggestion,
            feature,
        }
    }

    /// Returns the algorithm with a similar name, for error messages.
    #[must_use]
    pub const fn suggestion(self) -> Option<Algorithm> {
        self.suggestion
    }

    /// Returns the Cargo feature that the algorithm requires, if it isn't enabled.
    #[must_use]
    pub const fn feature(self) -> Option<&'static str> {
        self.feature
    }
}

/// The algorithms of optional features. Enabled ones are found earlier.
const OPTIONAL: [(&str, &str); 1] = [("ES256K", "es256k")];

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown algorithm")?;
        match (self.suggestion, self.feature) {
            (Some(algorithm), _) => write!(f, "; did you mean `{algorithm}`?"),
            (None, Some(feature)) => write!(f, "; it requires the Cargo feature `{feature}`"),
            (None, None) => Ok(()),
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
    fn similar_names_are_suggested() {
        let suggestion = |name: &str| name.parse::<Algorithm>().unwrap_err().suggestion();
        assert_eq!(suggestion("hs-256"), Some(Algorithm::Hs256));
        assert_eq!(suggestion("eddsa"), Some(Algorithm::EdDsa));
        assert_eq!(suggestion("Ed25519"), Some(Algorithm::EdDsa));
        for name in ["none", "NONE", "", "ES257K", "HS1", "RSA-OAEP"] {
            assert_eq!(suggestion(name), None, "{name}");
        }
    }
}
