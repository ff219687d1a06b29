//! The text of a token, as Python hands it over.

use boltguard::types::ReasonCode;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors::{Class, coded};

/// The text of a `str` or `bytes`; anything else is no token.
pub(crate) fn text<'a>(token: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    if let Ok(text) = token.cast::<PyString>() {
        return text.to_str().map_err(|_| no_text(token.py()));
    }
    match token.cast::<PyBytes>() {
        Ok(bytes) => std::str::from_utf8(bytes.as_bytes()).map_err(|_| no_text(token.py())),
        Err(_) => Err(malformed(token.py(), "a token is str or bytes")),
    }
}

#[cold]
fn no_text(py: Python<'_>) -> PyErr {
    malformed(py, "the token is no text in UTF-8")
}

/// The error for what is no token.
#[cold]
pub(crate) fn malformed(py: Python<'_>, message: &str) -> PyErr {
    coded(py, Class::DecodeError, ReasonCode::TokenMalformed, message)
}
