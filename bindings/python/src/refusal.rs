//! `Refusal`: the refusal of a request, with everything for the response.

use boltguard::Refusal as Inner;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::auth_context::AuthContext;

/// The refusal of a request, with everything for the response.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Refusal(Inner);

impl Refusal {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(inner)
    }
}

#[pymethods]
impl Refusal {
    /// The HTTP status: 401, 403 or 503.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status()
    }

    /// The code in the body of the response.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code()
    }

    /// The precise cause, for logs.
    #[getter]
    fn reason(&self) -> &'static str {
        self.0.reason().as_str()
    }

    /// The invalid claim, for logs, if the reason doesn't identify it.
    #[getter]
    fn claim(&self) -> Option<&str> {
        self.0.claim()
    }

    /// The caller that is refused, for logs, if the guard denied access.
    #[getter]
    fn context(&self) -> Option<AuthContext> {
        let caller = self.0.caller()?;
        Some(AuthContext::new(caller.clone()))
    }

    /// The description in the body of the response.
    #[getter]
    fn detail(&self) -> &'static str {
        self.0.detail()
    }

    /// The value of `WWW-Authenticate`.
    #[getter]
    fn challenge(&self) -> Option<String> {
        self.0.challenge()
    }

    /// The value of `Retry-After`, in seconds, if it is known.
    #[getter]
    fn retry_after(&self) -> Option<u32> {
        self.0.retry_after()
    }

    /// The body, in JSON.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.body().as_bytes())
    }

    fn __repr__(&self) -> String {
        format!("<Refusal: {}>", self.0)
    }
}
