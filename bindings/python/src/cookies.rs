//! Cookies of requests, as the engine reads them.

use pyo3::prelude::*;

/// The value of a cookie in a `Cookie` header, or `None` if the header has no cookie of this name, or two of them.
#[pyfunction]
pub(crate) fn find_cookie<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    boltguard::find_cookie([header.as_bytes()], name)
        .ok()
        .flatten()
}
