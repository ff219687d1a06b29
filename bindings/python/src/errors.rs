//! The classes of `boltguard.exceptions`, raised from Rust.

use std::fmt::Display;

use boltguard_types::ReasonCode;
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
    RevocationStoreFull,
}

/// An instance of `class` that says `message`.
#[cold]
pub(crate) fn plain(py: Python<'_>, class: Class, message: impl Display) -> PyErr {
    instance(py, class, message).map_or_else(|error| error, PyErr::from_value)
}

/// An instance of `class` that says `message` and carries the cause in one word.
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
