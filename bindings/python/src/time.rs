//! Durations and times as passed by Python code.

use std::time::Duration;

use boltguard::types::NumericDate;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta};

/// A finite number of seconds, given as a number or a `timedelta`.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(f64);

impl Seconds {
    /// The time this many seconds after `date`.
    pub(crate) fn after(self, date: NumericDate) -> Option<NumericDate> {
        NumericDate::from_f64(date.as_f64() + self.0)
    }

    /// The duration, unless it is negative or too long.
    pub(crate) fn as_duration(self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.0).ok()
    }

    /// The duration, for use as the leeway.
    pub(crate) fn as_leeway(self) -> PyResult<Duration> {
        let refused = || PyValueError::new_err("leeway must not be negative");
        self.as_duration().ok_or_else(refused)
    }

    /// The time this many seconds after the epoch.
    pub(crate) fn since_epoch(self) -> NumericDate {
        NumericDate::from_f64(self.0).unwrap_or(NumericDate::from_secs(i64::MAX))
    }
}

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let seconds = if object.cast::<PyDelta>().is_ok() {
            object
                .call_method0(intern!(object.py(), "total_seconds"))?
                .extract()?
        } else if object.cast::<PyBool>().is_ok() {
            f64::NAN
        } else {
            object
                .extract::<f64>()
                .map_err(|_| PyTypeError::new_err("expected a number of seconds or a timedelta"))?
        };
        if !f64::is_finite(seconds) {
            return Err(PyValueError::new_err(
                "the number of seconds must be finite",
            ));
        }
        Ok(Self(seconds))
    }
}
