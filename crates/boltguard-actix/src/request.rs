//! What the gate reads of a request.

use actix_web::dev::RequestHead;
use actix_web::http::header::{COOKIE, HOST, HeaderValue};
use boltguard::{DuplicateCookie, HeaderName, RequestParts, find_cookie};

/// The head of a request. A header counts as absent if it occurs more than once: a proxy may have checked another one
/// of its values.
pub(crate) struct Head<'r>(pub(crate) &'r RequestHead);

impl Head<'_> {
    fn single(&self, name: &str) -> Option<&str> {
        match self.0.headers.get_all(name).as_slice() {
            [value] => value.to_str().ok(),
            _ => None,
        }
    }
}

impl RequestParts for Head<'_> {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.single(name.as_str())
    }

    fn has_header(&self, name: &HeaderName) -> bool {
        self.0.headers.contains_key(name.as_str())
    }

    // HTTP/2 sends cookies in several headers, RFC 9113 §8.2.3.
    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        let values = self.0.headers.get_all(COOKIE);
        find_cookie(values.map(HeaderValue::as_bytes), name)
    }

    fn method(&self) -> Option<&str> {
        Some(self.0.method.as_str())
    }

    // HTTP/2 has the authority instead of the header, RFC 9113 §8.3.1.
    fn host(&self) -> Option<&str> {
        let authority = self.0.uri.authority().map(|authority| authority.as_str());
        authority.or_else(|| self.single(HOST.as_str()))
    }
}
