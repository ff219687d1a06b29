//! Wrong configuration, found when it is built.

use std::error::Error;
use std::fmt;

use boltguard_guard::GuardError;
use boltguard_jwt::PolicyError;
use boltguard_keys::Algorithm;

use crate::MAX_CACHED_TOKENS;

/// The configuration can't work, or would not mean what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A cache of more tokens than [`MAX_CACHED_TOKENS`](crate::MAX_CACHED_TOKENS).
    CacheSize,
    /// The string isn't the SHA-256 fingerprint of a certificate.
    Fingerprint,
    /// A name that was given to one backend is also the name of another.
    DuplicateBackend(Box<str>),
    /// The guard can't be compiled.
    Guard(GuardError),
    /// The text is no header's name.
    HeaderName,
    /// A backend for client certificates has no clients.
    NoClients,
    /// An algorithm is allowed that none of the keys serves.
    NoKeyFor(Algorithm),
    /// There is no key at all.
    NoKeys,
    /// The policy can't admit what it was meant to.
    Policy(PolicyError),
    /// A backend can't replace another that isn't one of API keys, or has another header or name.
    Replacement,
    /// The text isn't an authentication scheme.
    Scheme,
    /// A list of authentication schemes is empty, or has one twice.
    Schemes,
    /// The keys are another issuer's, and the algorithm's key is a secret.
    Symmetric(Algorithm),
    /// A cache of tokens where all of them are of secrets, whose tokens are not cached.
    NothingToCache,
    /// The guard names a backend that the gate doesn't have.
    UnknownBackend(Box<str>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheSize => write!(f, "the cache of tokens is too large: at most {MAX_CACHED_TOKENS}"),
            Self::DuplicateBackend(name) => write!(
                f,
                "two backends are named {name:?}: give each a name of its own"
            ),
            Self::Fingerprint => f.write_str(
                "not the SHA-256 fingerprint of a certificate: 64 hexadecimal digits",
            ),
            Self::Guard(error) => error.fmt(f),
            Self::HeaderName => f.write_str("not a header's name: letters, digits and hyphens"),
            Self::NoClients => f.write_str("no client certificate is configured: add a fingerprint"),
            Self::NoKeyFor(algorithm) => write!(
                f,
                "the algorithm {} is allowed and no key serves it: give one, or take the algorithm out",
                algorithm.name()
            ),
            Self::Policy(mistake) => mistake.fmt(f),
            Self::Replacement => f.write_str(
                "an API key backend can only replace another with the same header and name",
            ),
            Self::Scheme => f.write_str(
                "not an authentication scheme: letters, digits and hyphens, such as Bearer",
            ),
            Self::Schemes => {
                f.write_str("the list of schemes is empty, or has one twice; case makes no difference")
            }
            Self::Symmetric(algorithm) => write!(
                f,
                "{algorithm} verifies with a secret, which no issuer publishes: take it out, or give the secret itself"
            ),
            Self::NoKeys => f.write_str("there is no key to verify a token with"),
            Self::NothingToCache => f.write_str(
                "a cache of tokens keeps those of public keys, and only HS256, HS384 or HS512 are allowed: leave it out",
            ),
            Self::UnknownBackend(name) => write!(
                f,
                "the guard requires the backend {name:?}, which this gate doesn't have: add it, or correct the name"
            ),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Guard(error) => Some(error),
            Self::Policy(mistake) => Some(mistake),
            _ => None,
        }
    }
}
