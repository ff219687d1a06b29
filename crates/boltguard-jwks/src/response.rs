//! A server's response, and the keys in it.

use std::fmt;
use std::time::Duration;

use boltguard_encoding::json::{JsonError, Reader};
use boltguard_keys::{Algorithm, KeyError, KeySet};

use crate::FetchError;

/// A server's response, not validated yet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The value of the `Cache-Control` header.
    pub cache_control: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The limits for a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum size of the body in bytes; 512 KiB by default.
    pub bytes: usize,
    /// The maximum number of keys in a set, usable or not; 100 by default.
    pub keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 * 1024,
            keys: 100,
        }
    }
}

impl Response {
    /// Returns the keys in the response for these algorithms.
    ///
    /// # Errors
    ///
    /// - [`FetchError::Redirect`] or [`FetchError::Status`] if the status isn't 200.
    /// - [`FetchError::TooLarge`] or [`FetchError::TooManyKeys`] if a limit is exceeded.
    /// - [`FetchError::Keys`] with the errors of [`KeySet::from_jwks`].
    pub fn keys(&self, algorithms: &[Algorithm], limits: Limits) -> Result<KeySet, FetchError> {
        let keys = self.parse(algorithms, limits)?;
        if keys.is_empty() {
            return Err(FetchError::Keys(KeyError::NoUsableKey));
        }
        Ok(keys)
    }

    /// Returns the keys like [`keys`](Self::keys), but also accepts a set without usable keys; see [`KeySet::skipped`].
    ///
    /// # Errors
    ///
    /// Those of [`Response::keys`], except [`KeyError::NoUsableKey`].
    pub fn parse(&self, algorithms: &[Algorithm], limits: Limits) -> Result<KeySet, FetchError> {
        self.check_status()?;
        if self.body.len() > limits.bytes {
            return Err(FetchError::TooLarge);
        }
        let malformed = |_| FetchError::Keys(KeyError::Json);
        let json = std::str::from_utf8(&self.body).map_err(malformed)?;
        // Counting keys is much cheaper than preparing them. A malformed set is rejected below, with the cause.
        if count(json).is_ok_and(|count| count > limits.keys) {
            return Err(FetchError::TooManyKeys);
        }
        KeySet::parse_jwks(json, algorithms).map_err(FetchError::Keys)
    }

    pub(crate) fn check_status(&self) -> Result<(), FetchError> {
        match self.status {
            200 => Ok(()),
            300..400 => Err(FetchError::Redirect),
            status => Err(FetchError::Status(status)),
        }
    }

    /// Returns whether the response has the form of a JWK Set.
    pub(crate) fn has_set(&self) -> bool {
        let json = std::str::from_utf8(&self.body);
        self.status == 200 && json.is_ok_and(|json| count(json).is_ok())
    }

    /// Returns how long the response may be cached, RFC 9111 §5.2.2; `None` if the server doesn't specify it.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        max_age(self.cache_control.as_deref()?)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("cache_control", &self.cache_control)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Returns the number of elements of `keys`.
fn count(json: &str) -> Result<usize, JsonError> {
    let mut reader = Reader::new(json);
    let mut count = None;
    reader.object(|reader, name| {
        if name != "keys" {
            return reader.skip();
        }
        let mut elements = 0;
        reader.array(|reader| {
            elements += 1;
            reader.skip()
        })?;
        match count.replace(elements) {
            None => Ok(()),
            Some(_) => Err(JsonError::DuplicateName),
        }
    })?;
    reader.finish()?;
    count.ok_or(JsonError::WrongKind)
}

/// Returns the shortest time in the directives. An invalid number counts as zero, RFC 9111 §4.2.1.
fn max_age(value: &str) -> Option<Duration> {
    let ages = value.split(',').filter_map(|directive| {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-cache" | "no-store" => Some(0),
            "max-age" => Some(seconds(argument.trim().trim_matches('"'))),
            _ => None,
        }
    });
    ages.min().map(Duration::from_secs)
}

/// Parses delta-seconds, RFC 9111 §1.2.2: a number that overflows stands for the largest one.
fn seconds(digits: &str) -> u64 {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        digits.parse().unwrap_or(u64::MAX)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_age_counts() {
        for (value, age) in [
            ("max-age=600", Some(600)),
            ("public, MAX-AGE=600 , must-revalidate", Some(600)),
            ("max-age=\"60\"", Some(60)),
            ("max-age=600, max-age=60", Some(60)),
            ("max-age=600, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("max-age", Some(0)),
            ("max-age=-1", Some(0)),
            ("max-age=1.5", Some(0)),
            ("max-age=99999999999999999999999", Some(u64::MAX)),
            ("s-maxage=5, private", None),
            ("", None),
        ] {
            assert_eq!(max_age(value), age.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn the_body_is_not_shown() {
        let response = Response {
            status: 200,
            cache_control: None,
            body: b"something".to_vec(),
        };
        assert!(format!("{response:?}").contains("9 bytes"));
    }
}
