//! What an evaluation reads of a request.

use std::marker::PhantomData;

use crate::HeaderName;
use crate::cookie::{DuplicateCookie, find_cookie};
use crate::origin::{COOKIE, HOST};

/// The parts of a request that authentication reads.
///
/// Implemented for lists of names and values, for functions by [`headers`], and with the feature `http` for
/// `http::HeaderMap` and `http::request::Parts`. A header counts as absent if its value isn't a string, or if the list
/// or the map has it more than once: a proxy may have checked another one of its values.
///
/// ```
/// use boltguard::{HeaderName, RequestParts};
///
/// let parts = [("Authorization", "Bearer a.b.c")];
/// assert_eq!(parts.header(&HeaderName::authorization()), Some("Bearer a.b.c"));
/// assert_eq!(parts.cookie("session"), Ok(None));
/// ```
pub trait RequestParts {
    /// Returns the value of a header.
    fn header(&self, name: &HeaderName) -> Option<&str>;

    /// Returns whether the request has a header, even if it counts as absent.
    fn has_header(&self, name: &HeaderName) -> bool {
        self.header(name).is_some()
    }

    /// Returns the value of a cookie, by default from the `Cookie` header.
    ///
    /// # Errors
    ///
    /// [`DuplicateCookie`] if the request has more than one cookie of this name.
    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        find_cookie(self.header(&COOKIE).map(str::as_bytes), name)
    }

    /// Returns the method, in upper case. `None` unless implemented: cookies then count as sent with an unsafe method.
    fn method(&self) -> Option<&str> {
        None
    }

    /// Returns the host and port that the request is for, by default from the `Host` header.
    fn host(&self) -> Option<&str> {
        self.header(&HOST)
    }

    /// Returns the certificate that the client presented in the TLS handshake, in DER. `None` unless implemented.
    ///
    /// The server that terminates TLS must have verified it.
    fn peer_certificate(&self) -> Option<&[u8]> {
        None
    }
}

/// Wraps a function that looks up a header.
///
/// ```
/// use boltguard::{HeaderName, RequestParts, headers};
///
/// let parts = headers(|name| (name.as_str() == "authorization").then_some("Bearer a.b.c"));
/// assert_eq!(parts.header(&HeaderName::authorization()), Some("Bearer a.b.c"));
/// ```
pub fn headers<'h, F: Fn(&HeaderName) -> Option<&'h str>>(look_up: F) -> Headers<'h, F> {
    Headers {
        look_up,
        method: None,
        values: PhantomData,
    }
}

/// Headers that a function looks up, see [`headers`].
#[derive(Clone, Copy, Debug)]
pub struct Headers<'h, F> {
    look_up: F,
    method: Option<&'h str>,
    values: PhantomData<&'h str>,
}

impl<'h, F> Headers<'h, F> {
    /// Sets the method of the request.
    #[must_use]
    pub fn with_method(self, method: &'h str) -> Self {
        Self {
            method: Some(method),
            ..self
        }
    }
}

impl<'h, F: Fn(&HeaderName) -> Option<&'h str>> RequestParts for Headers<'h, F> {
    #[inline]
    fn header(&self, name: &HeaderName) -> Option<&str> {
        (self.look_up)(name)
    }

    fn method(&self) -> Option<&str> {
        self.method
    }
}

impl<const N: usize> RequestParts for [(&str, &str); N] {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        find(self, name)
    }

    fn has_header(&self, name: &HeaderName) -> bool {
        all(self, name).next().is_some()
    }

    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        find_cookie(all(self, &COOKIE).map(str::as_bytes), name)
    }
}

impl RequestParts for &[(&str, &str)] {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        find(self, name)
    }

    fn has_header(&self, name: &HeaderName) -> bool {
        all(self, name).next().is_some()
    }

    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        find_cookie(all(self, &COOKIE).map(str::as_bytes), name)
    }
}

fn find<'v>(pairs: &[(&str, &'v str)], name: &HeaderName) -> Option<&'v str> {
    let mut values = all(pairs, name);
    let value = values.next();
    value.filter(|_| values.next().is_none())
}

fn all<'v>(pairs: &[(&str, &'v str)], name: &HeaderName) -> impl Iterator<Item = &'v str> {
    let found = pairs
        .iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_str()));
    found.map(|(_, value)| *value)
}

#[cfg(feature = "http")]
impl RequestParts for http::HeaderMap {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        let mut values = self.get_all(name.as_str()).into_iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok()
    }

    fn has_header(&self, name: &HeaderName) -> bool {
        self.contains_key(name.as_str())
    }

    // HTTP/2 sends cookies in several headers, RFC 9113 §8.2.3.
    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        let values = self.get_all(http::header::COOKIE);
        find_cookie(values.into_iter().map(http::HeaderValue::as_bytes), name)
    }
}

#[cfg(feature = "http")]
impl RequestParts for http::request::Parts {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        RequestParts::header(&self.headers, name)
    }

    fn has_header(&self, name: &HeaderName) -> bool {
        RequestParts::has_header(&self.headers, name)
    }

    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        RequestParts::cookie(&self.headers, name)
    }

    fn method(&self) -> Option<&str> {
        Some(self.method.as_str())
    }

    // HTTP/2 has the authority instead of the header, RFC 9113 §8.3.1.
    fn host(&self) -> Option<&str> {
        let authority = self.uri.authority().map(http::uri::Authority::as_str);
        authority.or_else(|| RequestParts::header(&self.headers, &HOST))
    }
}
