//! The headers of requests and responses, for both HTTP clients.

#[cfg(feature = "async-http")]
use hyper::http;
#[cfg(not(feature = "async-http"))]
use ureq::http;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::JwksConfigError;

/// Returns a header of a request. `Debug` doesn't show its value.
pub(crate) fn sensitive_header(
    name: &str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), JwksConfigError> {
    let name = HeaderName::try_from(name).map_err(|_| JwksConfigError::Header)?;
    let mut value = HeaderValue::try_from(value).map_err(|_| JwksConfigError::Header)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Returns whether the body of a response is compressed, although the request doesn't allow it.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| encoding != "identity")
}

/// Returns the values of `Cache-Control` as one list, RFC 9110 §5.3.
pub(crate) fn cache_control(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

pub(crate) const ACCEPT: &str = "application/jwk-set+json, application/json";
pub(crate) const USER_AGENT: &str = concat!("boltguard/", env!("CARGO_PKG_VERSION"));
