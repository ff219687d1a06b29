//! `Explanation`: the reasons for a guard's decision, for logs and debug pages.

use boltguard::guard::Explanation as Reasons;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::json::to_python;

/// The parts of a guard that were true or false for a caller, and what is missing. Not for clients.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Explanation(Reasons);

impl Explanation {
    pub(crate) fn new(reasons: Reasons) -> Self {
        Self(reasons)
    }
}

#[pymethods]
impl Explanation {
    /// The decision: `allow`, `undetermined`, `challenge` or `deny`.
    #[getter]
    fn decision(&self) -> &'static str {
        self.0.decision().as_str()
    }

    /// The parts of the guard as plain objects, each before its own parts, and what is missing.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_python::object(py, &serde_json::to_string(&self.0).unwrap_or_default())
    }

    /// The tree as a string with a line for each part.
    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Explanation: {}>", self.0.decision().as_str())
    }
}
