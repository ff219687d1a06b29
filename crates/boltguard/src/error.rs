//! Errors of the configuration, found at startup.

use std::error::Error;
use std::fmt;

use boltguard_guard::GuardError;
use boltguard_jwt::PolicyError;
use boltguard_keys::Algorithm;

use crate::{EdgeError, MAX_CACHED_TOKENS};

/// The error of an invalid configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The capacity of a cache is larger than [`MAX_CACHED_TOKENS`](crate::MAX_CACHED_TOKENS).
    CacheSize,
    /// The string isn't the name of a cookie.
    CookieName,
    /// The string isn't the SHA-256 fingerprint of a certificate.
    Fingerprint,
    /// The explicit name of a backend is also the name of another.
    DuplicateBackend(Box<str>),
    /// Two clients have the same certificate.
    DuplicateClient,
    /// An edge doesn't provide what a gate may need.
    Edge(EdgeError),
    /// The guard can't be compiled.
    Guard(GuardError),
    /// The string isn't a header name.
    HeaderName,
    /// The guard requires a recent authentication, and no backend is for tokens.
    NoAuthTime,
    /// Tokens of WebSockets are accepted as a subprotocol, and no backend reads `Authorization` with `Bearer`.
    NoBearer,
    /// A backend for client certificates has no clients.
    NoClients,
    /// No key can be used with an allowed algorithm.
    NoKeyFor(Algorithm),
    /// There are no keys, or no algorithms.
    NoKeys,
    /// The guard requires a role, and no backend reads roles.
    NoRoles(Box<str>),
    /// The keys of an issuer are fetched from a configured URL, so its name isn't known.
    NotDiscovered,
    /// The string isn't the origin of a web page.
    Origin,
    /// The policy is contradictory.
    Policy(PolicyError),
    /// A backend can't replace another that isn't one of API keys, or has another header or name.
    Replacement,
    /// The string isn't an authentication scheme.
    Scheme,
    /// A list of authentication schemes is empty or contains a duplicate.
    Schemes,
    /// An algorithm that uses secrets is allowed for keys of another issuer.
    Symmetric(Algorithm),
    /// A cache is configured, but only algorithms that use secrets are allowed, whose tokens aren't cached.
    NothingToCache,
    /// The guard names a backend that the gate doesn't have.
    UnknownBackend(Box<str>),
    /// The string isn't the name of a subprotocol of WebSockets.
    WebSocketProtocol(Box<str>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheSize => write!(f, "the token cache is too large; at most {MAX_CACHED_TOKENS} tokens are supported"),
            Self::CookieName => f.write_str(
                "the cookie name is invalid; use letters, digits, hyphens and underscores, such as __Host-access",
            ),
            Self::DuplicateBackend(name) => write!(
                f,
                "two backends have the name {name:?}; use a different name for each"
            ),
            Self::DuplicateClient => f.write_str(
                "two clients have the same certificate fingerprint; remove one of them",
            ),
            Self::Edge(error) => error.fmt(f),
            Self::Fingerprint => f.write_str(
                "the certificate fingerprint is invalid; use the 64 hexadecimal digits of its SHA-256 digest",
            ),
            Self::Guard(error) => error.fmt(f),
            Self::HeaderName => f.write_str("the header name is invalid; use letters, digits and hyphens"),
            Self::NoAuthTime => f.write_str(
                "the guard requires a recent authentication, which only tokens can prove; add a JWT backend",
            ),
            Self::NoBearer => f.write_str(
                "tokens of WebSockets are accepted as a subprotocol, but no backend reads Authorization with the scheme \
                 Bearer; add such a backend, or remove the subprotocol",
            ),
            Self::NoClients => f.write_str("no client certificate is configured; add a fingerprint"),
            Self::NoKeyFor(algorithm) => write!(
                f,
                "the algorithm {} is allowed, but no key can be used with it; add a key, or remove the algorithm",
                algorithm.name()
            ),
            Self::NoRoles(role) => write!(
                f,
                "the guard requires the role {role:?}, but no backend reads roles; set the claims with the roles of a \
                 JWT backend: roles_from, or ClaimsPolicy::with_roles_from"
            ),
            Self::NotDiscovered => f.write_str(
                "the keys are fetched from a configured URL, which doesn't name the issuer; use JwksSource::discover, \
                 or JwtBackend::with_remote_keys and a policy with the issuer",
            ),
            Self::Origin => f.write_str(
                "the origin is invalid; use a scheme and a host, such as https://app.example.com",
            ),
            Self::Policy(mistake) => mistake.fmt(f),
            Self::Replacement => f.write_str(
                "an API key backend can only replace another with the same header and name",
            ),
            Self::Scheme => f.write_str(
                "the authentication scheme is invalid; use letters, digits and hyphens, such as Bearer",
            ),
            Self::Schemes => {
                f.write_str("the list of authentication schemes is empty or contains a duplicate; case is ignored")
            }
            Self::Symmetric(algorithm) => write!(
                f,
                "the algorithm {algorithm} requires a secret, which issuers don't publish; remove the algorithm, or configure the secret"
            ),
            Self::NoKeys => f.write_str("there are no keys to verify tokens with"),
            Self::NothingToCache => f.write_str(
                "tokens of algorithms that use secrets, such as HS256, are not cached, and no other algorithm is allowed; remove the token cache",
            ),
            Self::UnknownBackend(name) => write!(
                f,
                "the guard requires the backend {name:?}, which this gate doesn't have; add the backend, or correct the name"
            ),
            Self::WebSocketProtocol(name) => write!(
                f,
                "the subprotocol {name:?} is invalid; use letters, digits and hyphens, such as bearer"
            ),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Edge(error) => Some(error),
            Self::Guard(error) => Some(error),
            Self::Policy(mistake) => Some(mistake),
            _ => None,
        }
    }
}
