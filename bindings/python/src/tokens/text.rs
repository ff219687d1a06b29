//! The argument `token` or `jwt`: a string or bytes.

use boltguard::types::ReasonCode;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors::{Class, coded};

/// The token as a string.
pub(crate) fn text<'a>(token: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    if let Ok(string) = token.cast::<PyString>() {
        return string.to_str().map_err(|_| not_utf8(token.py()));
    }
    match token.cast::<PyBytes>() {
        Ok(bytes) => std::str::from_utf8(bytes.as_bytes()).map_err(|_| not_utf8(token.py())),
        Err(_) => Err(malformed(token.py(), "the token must be a string or bytes")),
    }
}

#[cold]
fn not_utf8(py: Python<'_>) -> PyErr {
    malformed(py, "the token isn't valid UTF-8")
}

/// The error for a malformed token.
#[cold]
pub(crate) fn malformed(py: Python<'_>, message: &str) -> PyErr {
    coded(py, Class::DecodeError, ReasonCode::TokenMalformed, message)
}
