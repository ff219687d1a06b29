//! The responses to refused requests, and the headers of all responses.

use boltguard::Refusal;
use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderValue, Response};

use crate::GuardBody;
use crate::layer::Settings;

/// Returns the response to a refused request.
pub(crate) fn refused<R>(settings: &Settings, refusal: Refusal) -> Response<GuardBody<R>> {
    let mut response = Response::<String>::from(refusal);
    add_cache_headers(settings, false, response.headers_mut());
    response.map(GuardBody::refused)
}

/// Adds the headers with which shared caches don't send the response to another caller.
pub(crate) fn add_cache_headers(
    settings: &Settings,
    is_authenticated: bool,
    headers: &mut HeaderMap,
) {
    if let Some(vary) = &settings.vary {
        headers.append(VARY, vary.clone());
    }
    if let Some(value) = settings.gate.cache_control(is_authenticated) {
        let entry = headers.entry(CACHE_CONTROL);
        entry.or_insert(HeaderValue::from_static(value));
    }
}
