//! `json_encoder`: a subclass of `json.JSONEncoder`.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::json::from_python;

/// The method `default` of an encoder class, which converts objects that JSON doesn't support.
pub(crate) fn default_of<'py>(encoder: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let base = base(encoder.py())?;
    let class = encoder.cast::<PyType>();
    match class.map(|class| class.is_subclass(base)) {
        Ok(Ok(true)) => encoder.call0()?.getattr(intern!(encoder.py(), "default")),
        _ => Err(PyTypeError::new_err(
            "json_encoder must be a subclass of json.JSONEncoder",
        )),
    }
}

/// The claims, encoded and decoded again if the class overrides more than `default`.
pub(crate) fn encoded<'py>(
    encoder: &Bound<'py, PyAny>,
    claims: Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = encoder.py();
    let base = base(py)?;
    let is_inherited =
        |name| -> PyResult<bool> { Ok(encoder.getattr(name)?.is(&base.getattr(name)?)) };
    if is_inherited("encode")? && is_inherited("iterencode")? {
        return Ok(claims);
    }
    let arguments = PyDict::new(py);
    arguments.set_item("cls", encoder)?;
    let json = py.import("json")?;
    let claims = from_python::with_dates_as_numbers(&claims)?;
    let text = json.call_method("dumps", (claims,), Some(&arguments))?;
    // Decoded again, so that it is encoded like every other payload, without anything that a reader would reject.
    json.call_method1("loads", (text,))?
        .cast_into()
        .map_err(|_| PyTypeError::new_err("json_encoder must write a JSON object"))
}

fn base(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static BASE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    BASE.import(py, "json", "JSONEncoder")
}
