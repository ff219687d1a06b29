//! Raising the exceptions of `boltguard.exceptions` from Rust.

use std::ffi::CStr;
use std::fmt::Display;

use boltguard::jws::{JwsError, JwsSignError};
use boltguard::keys::{KeyError, SignError};
use boltguard::types::ReasonCode;
use pyo3::exceptions::PyDeprecationWarning;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

macro_rules! classes {
    ($($name:ident,)*) => {
        /// A class of `boltguard.exceptions`.
        #[derive(Clone, Copy)]
        pub(crate) enum Class {
            $($name,)*
        }

        impl Class {
            fn bind(self, py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
                match self {
                    $(Self::$name => {
                        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
                        CLASS.import(py, "boltguard.exceptions", stringify!($name))
                    })*
                }
            }
        }
    };
}

classes! {
    ConfigurationError,
    DecodeError,
    ExpiredSignatureError,
    GuardTooLarge,
    ImmatureSignatureError,
    InsecureKeyLengthWarning,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuedAtError,
    InvalidIssuerError,
    InvalidJTIError,
    InvalidKeyError,
    InvalidSignatureError,
    InvalidSubjectError,
    InvalidTokenError,
    MissingRequiredClaimError,
    PyJWKClientConnectionError,
    RevocationStoreFull,
    RevocationUnavailable,
    UnsupportedAlgorithmError,
}

/// An exception with this message.
#[cold]
pub(crate) fn plain(py: Python<'_>, class: Class, message: impl Display) -> PyErr {
    instance(py, class, message).map_or_else(|error| error, PyErr::from_value)
}

/// An exception with this message and a reason code.
#[cold]
pub(crate) fn coded(
    py: Python<'_>,
    class: Class,
    code: ReasonCode,
    message: impl Display,
) -> PyErr {
    let coded = instance(py, class, message).and_then(|instance| {
        instance.setattr(intern!(py, "code"), code.as_str())?;
        Ok(instance)
    });
    coded.map_or_else(|error| error, PyErr::from_value)
}

fn instance(py: Python<'_>, class: Class, message: impl Display) -> PyResult<Bound<'_, PyAny>> {
    class.bind(py)?.call1((message.to_string(),))
}

/// The exception for a key that can't be read, or can't be used with the algorithm.
#[cold]
pub(crate) fn key_error(py: Python<'_>, error: KeyError) -> PyErr {
    let remedy = match error {
        KeyError::UrlAsKey => ": RemoteKeySet(url)",
        _ => "",
    };
    coded(
        py,
        Class::InvalidKeyError,
        error.code(),
        format_args!("{error}{remedy}"),
    )
}

/// The exception for a key that can't sign.
#[cold]
pub(crate) fn sign_error(py: Python<'_>, error: SignError) -> PyErr {
    coded(py, Class::InvalidKeyError, error.code(), error)
}

/// The exception for a token that can't be created.
#[cold]
pub(crate) fn token_sign_error(py: Python<'_>, error: JwsSignError) -> PyErr {
    match error {
        JwsSignError::Key(error) => sign_error(py, error),
        other => coded(py, Class::InvalidTokenError, other.code(), other),
    }
}

/// The exception for a token that was rejected before its claims were checked.
#[cold]
pub(crate) fn jws_error(py: Python<'_>, error: JwsError) -> PyErr {
    let class = match error {
        JwsError::AlgorithmNotAllowed => Class::InvalidAlgorithmError,
        JwsError::KeyNotFound | JwsError::SignatureInvalid => Class::InvalidSignatureError,
        JwsError::CriticalHeader => Class::InvalidTokenError,
        _ => Class::DecodeError,
    };
    coded(py, class, error.code(), error)
}

/// The exception for a missing claim.
#[cold]
pub(crate) fn missing_claim(py: Python<'_>, name: &str) -> PyErr {
    coded(
        py,
        Class::MissingRequiredClaimError,
        ReasonCode::ClaimMissing,
        name,
    )
}

/// Warns with a category of `boltguard.exceptions`, at the line of the caller.
#[cold]
pub(crate) fn warn(py: Python<'_>, category: Class, message: &CStr) -> PyResult<()> {
    PyErr::warn(py, category.bind(py)?, message, 1)
}

/// Warns with `DeprecationWarning`, at the line of the caller.
#[cold]
pub(crate) fn warn_of_old_argument(py: Python<'_>, message: &CStr) -> PyResult<()> {
    PyErr::warn(py, &py.get_type::<PyDeprecationWarning>(), message, 1)
}
