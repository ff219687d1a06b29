//! What an evaluation reads of a request.

use std::marker::PhantomData;

use crate::HeaderName;

/// The parts of a request that authentication reads.
///
/// Implemented for lists of names and values, for functions by [`headers`], and with the feature `http` for
/// `http::HeaderMap` and `http::request::Parts`. A header whose value isn't a string counts as absent.
///
/// ```
/// use boltguard::{HeaderName, RequestParts};
///
/// let parts = [("Authorization", "Bearer a.b.c")];
/// assert_eq!(parts.header(&HeaderName::authorization()), Some("Bearer a.b.c"));
/// assert_eq!(parts.cookie("session"), None);
/// ```
pub trait RequestParts {
    /// Returns the value of a header.
    fn header(&self, name: &HeaderName) -> Option<&str>;

    /// Returns the value of a cookie. `None` unless implemented.
    fn cookie(&self, name: &str) -> Option<&str> {
        let _ = name;
        None
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
        values: PhantomData,
    }
}

/// Headers that a function looks up, see [`headers`].
#[derive(Clone, Copy, Debug)]
pub struct Headers<'h, F> {
    look_up: F,
    values: PhantomData<&'h str>,
}

impl<'h, F: Fn(&HeaderName) -> Option<&'h str>> RequestParts for Headers<'h, F> {
    #[inline]
    fn header(&self, name: &HeaderName) -> Option<&str> {
        (self.look_up)(name)
    }
}

impl<const N: usize> RequestParts for [(&str, &str); N] {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        find(self, name)
    }
}

impl RequestParts for &[(&str, &str)] {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        find(self, name)
    }
}

fn find<'v>(pairs: &[(&str, &'v str)], name: &HeaderName) -> Option<&'v str> {
    let mut pairs = pairs.iter();
    let found = pairs.find(|(found, _)| found.eq_ignore_ascii_case(name.as_str()));
    found.map(|(_, value)| *value)
}

#[cfg(feature = "http")]
impl RequestParts for http::HeaderMap {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.get(name.as_str())?.to_str().ok()
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.get_all(http::header::COOKIE)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(|pairs| cookie(pairs, name))
    }
}

#[cfg(feature = "http")]
impl RequestParts for http::request::Parts {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        RequestParts::header(&self.headers, name)
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        RequestParts::cookie(&self.headers, name)
    }
}

/// Returns the value of a cookie in a `Cookie` header, RFC 6265 §4.2.1.
#[cfg(feature = "http")]
fn cookie<'v>(pairs: &'v str, name: &str) -> Option<&'v str> {
    pairs
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}
