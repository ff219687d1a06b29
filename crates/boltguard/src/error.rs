//! Wrong configuration, found when it is built.

use std::error::Error;
use std::fmt;

use boltguard_keys::Algorithm;

/// The configuration can't work, or would not mean what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is no header's name.
    HeaderName,
    /// An algorithm is allowed that none of the keys serves.
    NoKeyFor(Algorithm),
    /// There is no key at all.
    NoKeys,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderName => f.write_str("not a header's name: letters, digits and hyphens"),
            Self::NoKeyFor(algorithm) => write!(
                f,
                "the algorithm {} is allowed and no key serves it: give one, or take the algorithm out",
                algorithm.name()
            ),
            Self::NoKeys => f.write_str("there is no key to verify a token with"),
        }
    }
}

impl Error for ConfigError {}
