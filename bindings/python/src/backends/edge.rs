//! `EdgeBackend`: a backend that Python implements, and `Identity`, which it returns.

use std::sync::Arc;

use boltguard::EdgeBackend as Backend;
use boltguard::grants::Identity as Inner;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::Value;

use crate::backends::schemes;
use crate::json::from_python::{Extras, write_object};

/// A backend that Python implements.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct EdgeBackend(Arc<Backend>);

impl EdgeBackend {
    pub(crate) fn backend(&self) -> &Arc<Backend> {
        &self.0
    }
}

#[pymethods]
impl EdgeBackend {
    /// Creates a backend with this name. With a `header`, it is only called for requests with that header; `reads`
    /// lists the other headers that it reads.
    #[new]
    #[pyo3(signature = (name, *, header=None, reads=vec![], scheme=vec![]))]
    fn new(
        py: Python<'_>,
        name: &str,
        header: Option<&str>,
        reads: Vec<String>,
        scheme: Vec<String>,
    ) -> PyResult<Self> {
        let read = |name: &str| super::header(py, name);
        let mut backend = Backend::new(name).with_schemes(schemes(py, &scheme)?);
        backend = match header {
            Some(header) => backend.with_header(read(header)?),
            None => {
                let reads: PyResult<Vec<_>> = reads.iter().map(|name| read(name)).collect();
                backend.reading(reads?)
            }
        };
        Ok(Self(Arc::new(backend)))
    }

    fn __repr__(&self) -> &'static str {
        "<EdgeBackend>"
    }
}

/// A caller and their grants, as returned by a custom backend.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Identity(Inner);

impl Identity {
    pub(crate) fn identity(&self) -> &Inner {
        &self.0
    }
}

#[pymethods]
impl Identity {
    /// The caller with this ID. `permissions` can contain wildcards, and `claims` is anything else that the backend
    /// knows, as a JSON object.
    #[new]
    #[pyo3(signature = (
        user_id, *, permissions=None, scopes=None, is_staff=false, is_superuser=false, claims=None, roles=None
    ))]
    fn new(
        user_id: &str,
        permissions: Option<&Bound<'_, PyAny>>,
        scopes: Option<&Bound<'_, PyAny>>,
        is_staff: bool,
        is_superuser: bool,
        claims: Option<&Bound<'_, PyDict>>,
        roles: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        if user_id.is_empty() {
            return Err(PyValueError::new_err("user_id must not be empty"));
        }
        let (permissions, scopes) = (names("permissions", permissions)?, names("scopes", scopes)?);
        let roles = names("roles", roles)?;
        let mut identity = Inner::new(user_id, "")
            .with_permissions(permissions.iter().map(String::as_str))
            .with_scopes(scopes.iter().map(String::as_str))
            .with_roles(roles.iter().map(String::as_str));
        identity.is_staff = is_staff;
        identity.is_superuser = is_superuser;
        if let Some(claims) = claims {
            let mut json = String::new();
            write_object(claims, Extras::Refuse, &mut json)?;
            identity.claims = serde_json::from_str(&json)
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
            if identity.claims.values().any(has_lost_digits) {
                return Err(PyValueError::new_err(
                    "claims contains a number that doesn't fit in 64 bits; use a string",
                ));
            }
        }
        Ok(Self(identity))
    }

    /// The ID of the caller.
    #[getter]
    fn user_id(&self) -> &str {
        self.0.subject.as_str()
    }

    /// Shows neither the user nor the grants, which don't belong in a log.
    fn __repr__(&self) -> &'static str {
        "<Identity>"
    }
}

/// Whether a number was too large for an integer, so that it was read as a float.
fn has_lost_digits(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(has_lost_digits),
        Value::Object(members) => members.values().any(has_lost_digits),
        Value::Number(number) => {
            number.is_f64()
                && number
                    .as_f64()
                    .is_some_and(|float| float.abs() >= 2_f64.powi(63))
        }
        _ => false,
    }
}

/// The names in an argument that is a list of names.
fn names(argument: &str, names: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    let Some(names) = names else {
        return Ok(Vec::new());
    };
    if names.cast::<PyString>().is_ok() {
        let message = format!("{argument} must be a list of names, not a single string");
        return Err(PyTypeError::new_err(message));
    }
    names.try_iter()?.map(|name| name?.extract()).collect()
}
