//! Client certificates, as proxies and ASGI servers pass them.

use boltguard::{Fingerprint, certificate_der};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{Class, plain};

/// A certificate in DER and its SHA-256 fingerprint; `None` if the string isn't a certificate in a supported form.
#[pyfunction]
pub(crate) fn read_certificate<'py>(
    py: Python<'py>,
    value: &str,
) -> Option<(Bound<'py, PyBytes>, String)> {
    let der = certificate_der(value)?;
    let fingerprint = format!("{:?}", Fingerprint::of_der(&der));
    Some((PyBytes::new(py, &der), fingerprint))
}

/// A fingerprint in the form that `read_certificate` returns.
#[pyfunction]
pub(crate) fn parse_fingerprint(py: Python<'_>, value: &str) -> PyResult<String> {
    Fingerprint::parse(value)
        .map(|fingerprint| format!("{fingerprint:?}"))
        .map_err(|error| plain(py, Class::ConfigurationError, error))
}
