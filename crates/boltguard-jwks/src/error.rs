//! Errors of configuring and fetching the keys of another issuer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use boltguard_keys::{Algorithm, KeyError};
use boltguard_types::ReasonCode;

/// The configuration is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwksConfigError {
    /// The string doesn't contain a certificate in PEM, or contains other PEM blocks.
    Certificate,
    /// The cooldown is zero or too long.
    Cooldown,
    /// The URL contains a user name or password.
    Credentials,
    /// The name or value of a header is invalid.
    Header,
    /// The issuer has a query, which an issuer with metadata can't have.
    Issuer,
    /// The list of algorithms is empty.
    NoAlgorithm,
    /// The URL begins with `http:`, which isn't allowed by default.
    NotHttps,
    /// The lock timeout is zero or too long.
    LockTimeout,
    /// The time that a stale set is used is too long.
    Stale,
    /// The algorithm is symmetric, so its key is a secret that no issuer publishes.
    Symmetric(Algorithm),
    /// The TTL is zero or too long.
    Ttl,
    /// The string isn't a valid `https:` URL.
    Url,
}

impl fmt::Display for JwksConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate => f.write_str("expected one or more PEM certificates"),
            Self::Cooldown => f.write_str("`cooldown` must be greater than zero and at most 366 days"),
            Self::Credentials => {
                f.write_str("the URL contains a user name or password; use a header instead")
            }
            Self::Header => f.write_str("the name or value of a header is invalid"),
            Self::Issuer => f.write_str("the issuer must not have a query"),
            Self::NoAlgorithm => f.write_str("`algorithms` must not be empty"),
            Self::NotHttps => f.write_str(
                "the URL begins with http:, so anyone on the network could replace the keys; use https:, or allow http explicitly",
            ),
            Self::LockTimeout => f.write_str("`lock_timeout` must be greater than zero and at most 366 days"),
            Self::Stale => f.write_str("`stale` must be at most 366 days"),
            Self::Symmetric(algorithm) => write!(
                f,
                "{algorithm} verifies with a secret, which issuers don't publish; remove it, or configure the secret itself"
            ),
            Self::Ttl => f.write_str("`ttl` must be greater than zero and at most 366 days"),
            Self::Url => {
                f.write_str("not a URL such as https://id.example.com/jwks.json, without a fragment")
            }
        }
    }
}

impl Error for JwksConfigError {}

/// A fetch failed, or its response had no usable keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// The server can't be reached, its certificate isn't trusted, or the connection was interrupted.
    Connection,
    /// The metadata of the issuer can't be used.
    Discovery(DiscoveryError),
    /// The body is compressed, although this wasn't requested.
    Encoded,
    /// The body isn't a valid JWK Set, or contains no usable key.
    Keys(KeyError),
    /// The fetch was abandoned, or took longer than the lock timeout.
    Lost,
    /// The server redirects; redirects aren't followed.
    Redirect,
    /// The status isn't 200.
    Status(u16),
    /// The response took too long.
    Timeout,
    /// The body is too large.
    TooLarge,
    /// The set contains too many keys.
    TooManyKeys,
}

impl FetchError {
    /// Returns the variant in `snake_case`, for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Discovery(_) => "discovery",
            Self::Encoded => "encoded",
            Self::Keys(_) => "keys",
            Self::Lost => "lost",
            Self::Redirect => "redirect",
            Self::Status(_) => "status",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::TooManyKeys => "too_many_keys",
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("the server can't be reached"),
            Self::Discovery(error) => error.fmt(f),
            Self::Encoded => f.write_str("the response is compressed, which wasn't requested"),
            Self::Keys(error) => write!(f, "the response is not a usable JWK Set: {error}"),
            Self::Lost => f.write_str("the fetch was abandoned"),
            Self::Redirect => {
                f.write_str("the server redirects; configure the URL that it redirects to")
            }
            Self::Status(status) => write!(f, "the server responds with status {status}"),
            Self::Timeout => f.write_str("the server takes too long to respond"),
            Self::TooLarge => f.write_str("the response is too large"),
            Self::TooManyKeys => f.write_str("the set has too many keys"),
        }
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Discovery(error) => Some(error),
            Self::Keys(error) => Some(error),
            _ => None,
        }
    }
}

/// The metadata of an issuer can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The metadata has no `issuer`, or that of another issuer.
    Issuer,
    /// The metadata has no `jwks_uri`, or one that isn't a valid URL. It must be `https:` if the issuer is.
    JwksUri,
    /// The metadata isn't a JSON object, or a member has the wrong type.
    Malformed,
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => {
                "the metadata is not that of the issuer; configure the exact value of its `issuer`"
            }
            Self::JwksUri => "the metadata has no valid `jwks_uri`",
            Self::Malformed => "the metadata is not a valid JSON object",
        })
    }
}

impl Error for DiscoveryError {}

impl From<DiscoveryError> for FetchError {
    fn from(error: DiscoveryError) -> Self {
        Self::Discovery(error)
    }
}

/// No usable keys are available: none were fetched, or they are too old. No token is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    pub(crate) cause: Option<FetchError>,
    pub(crate) retry_in: Duration,
}

impl Unavailable {
    /// Returns why the last fetch failed.
    #[must_use]
    pub fn cause(&self) -> Option<FetchError> {
        self.cause
    }

    /// Returns the time until the keys can be fetched again.
    #[must_use]
    pub fn retry_in(&self) -> Duration {
        self.retry_in
    }

    /// Returns the reason code for a request that is rejected because of this error.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        ReasonCode::IssuerKeysUnavailable
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the issuer's keys are unavailable")?;
        match self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
