//! The backends, which authenticate requests by the credentials in a header.

use boltguard::{ConfigError, HeaderName, Scheme};
use pyo3::prelude::*;

use crate::errors::{Class, plain};

pub(crate) mod api_key;
pub(crate) mod edge;
pub(crate) mod jwt;
mod jwt_settings;
pub(crate) mod trusted_keys;

/// The header with this name. The error doesn't show the name, because it may be a misplaced key.
fn header(py: Python<'_>, name: &str) -> PyResult<HeaderName> {
    HeaderName::new(name).map_err(|error| refused(py, format_args!("the header is {error}")))
}

/// The authentication schemes with these names.
fn schemes(py: Python<'_>, names: &[String]) -> PyResult<Vec<Scheme>> {
    let read = |name: &String| {
        Scheme::new(name)
            .map_err(|error: ConfigError| refused(py, format_args!("scheme {name:?} is {error}")))
    };
    names.iter().map(read).collect()
}

#[cold]
fn refused(py: Python<'_>, message: impl std::fmt::Display) -> PyErr {
    plain(py, Class::ConfigurationError, message)
}
