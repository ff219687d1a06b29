//! HMAC secrets that are shorter than the hash of their algorithm, RFC 7518 §3.2.

use std::ffi::CString;

use boltguard::keys::Algorithm;
use boltguard::types::ReasonCode;
use pyo3::prelude::*;

use crate::errors::{Class, coded, warn};

/// Warns with PyJWT's category, at the line of the caller.
#[cold]
pub(crate) fn warn_of_weak_key(py: Python<'_>, algorithm: Algorithm) -> PyResult<()> {
    let message = CString::new(message(algorithm)).unwrap_or_default();
    warn(py, Class::InsecureKeyLengthWarning, &message)
}

/// The error for `enforce_minimum_key_length`.
#[cold]
pub(crate) fn refuse_weak_key(py: Python<'_>, algorithm: Algorithm) -> PyErr {
    coded(
        py,
        Class::InvalidKeyError,
        ReasonCode::KeyInvalid,
        message(algorithm),
    )
}

fn message(algorithm: Algorithm) -> String {
    format!(
        "the HMAC secret is shorter than the hash of {algorithm}; use at least {} random bytes",
        algorithm.hash_len(),
    )
}
