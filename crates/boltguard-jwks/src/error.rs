//! What can go wrong with the keys of another issuer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use boltguard_keys::{Algorithm, KeyError};
use boltguard_types::ReasonCode;

/// The configuration can't work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwksConfigError {
    /// The text holds no certificate in PEM, or something else.
    Certificate,
    /// The cooldown is zero or over a year.
    Cooldown,
    /// The address has a user name or password.
    Credentials,
    /// The header's name or value can't be one.
    Header,
    /// No algorithm is allowed.
    NoAlgorithm,
    /// The address begins with `http:`, and that was not allowed.
    NotHttps,
    /// The lock timeout is zero or over a year.
    LockTimeout,
    /// The time beyond the TTL is over a year.
    Stale,
    /// The algorithm's key is a secret, which no issuer publishes.
    Symmetric(Algorithm),
    /// The TTL is zero or over a year.
    Ttl,
    /// The text is no `https:` URL.
    Url,
}

impl fmt::Display for JwksConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate => f.write_str("certificates in PEM are needed, and nothing else"),
            Self::Cooldown => f.write_str("the cooldown has to be above zero, and at most a year"),
            Self::Credentials => {
                f.write_str("the URL has a user name or password, put them into a header")
            }
            Self::Header => f.write_str("the name or the value of a header can't be one"),
            Self::NoAlgorithm => f.write_str("no algorithm is allowed, name some"),
            Self::NotHttps => f.write_str(
                "the URL begins with http:, so anybody on the way could give keys; use https:, or allow http by name",
            ),
            Self::LockTimeout => f.write_str("the lock timeout has to be above zero, and at most a year"),
            Self::Stale => f.write_str("the time beyond the TTL can be at most a year"),
            Self::Symmetric(algorithm) => write!(
                f,
                "{algorithm} verifies with a secret, which is never published: take it out, or give the secret itself"
            ),
            Self::Ttl => f.write_str("the TTL has to be above zero, and at most a year"),
            Self::Url => {
                f.write_str("no URL such as https://id.example.com/jwks.json, without a fragment")
            }
        }
    }
}

impl Error for JwksConfigError {}

/// A fetch brought no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// The server can't be reached, its certificate is not trusted, or the connection broke.
    Connection,
    /// The body is compressed, which was not asked for.
    Encoded,
    /// The body is no JWK Set, or has no key that is of use.
    Keys(KeyError),
    /// The fetch was never brought to an end.
    Lost,
    /// The server sends elsewhere, which is not followed.
    Redirect,
    /// The status is not 200.
    Status(u16),
    /// The answer took too long.
    Timeout,
    /// The body is too long.
    TooLarge,
    /// The set has too many keys.
    TooManyKeys,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("the server can't be reached"),
            Self::Encoded => f.write_str("the answer is compressed, which was not asked for"),
            Self::Keys(error) => write!(f, "the answer is no usable set of keys: {error}"),
            Self::Lost => f.write_str("the fetch did not end"),
            Self::Redirect => f.write_str("the server redirects, give the address that it names"),
            Self::Status(status) => write!(f, "the server answers with status {status}"),
            Self::Timeout => f.write_str("the server takes too long"),
            Self::TooLarge => f.write_str("the answer is too long"),
            Self::TooManyKeys => f.write_str("the set has too many keys"),
        }
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Keys(error) => Some(error),
            _ => None,
        }
    }
}

/// There are no keys to verify with: none came, or those in hand are too old. Nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    pub(crate) cause: Option<FetchError>,
    pub(crate) retry_in: Duration,
}

impl Unavailable {
    /// What the last fetch failed with.
    #[must_use]
    pub fn cause(&self) -> Option<FetchError> {
        self.cause
    }

    /// So long nothing will be fetched.
    #[must_use]
    pub fn retry_in(&self) -> Duration {
        self.retry_in
    }

    /// The reason code of a request that met this error.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        ReasonCode::IssuerKeysUnavailable
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the issuer's keys can't be had")?;
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
