//! `Pending`: a request whose decision waits for an answer from outside of Rust.

use std::sync::{Arc, Mutex, PoisonError};

use boltguard::{Answer, Question};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::gate::{Inner, check, conclude, texts};
use crate::refusal::Refusal;
use crate::time::now;

/// Something outside of Rust has to be asked: a store, whether a token is revoked, or the table of the API keys.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Pending {
    gate: Arc<Inner>,
    meta: Py<PyDict>,
    jti: Option<String>,
    backend_index: usize,
    open: Mutex<Option<Open>>,
}

/// What is open.
pub(crate) enum Open {
    /// This snapshot has to be brought up to date.
    Refresh(usize),
    /// Whether this token is revoked.
    Revoked(Box<Question>),
}

impl Open {
    pub(crate) fn revoked(question: Question) -> Self {
        Self::Revoked(Box::new(question))
    }
}

impl Pending {
    pub(crate) fn new(gate: &Arc<Inner>, meta: &Bound<'_, PyDict>, open: Open) -> Self {
        let (jti, backend_index) = match &open {
            Open::Refresh(stale) => (None, gate.backend_of(*stale)),
            Open::Revoked(question) => (Some(question.token_id()), question.backend()),
        };
        Self {
            gate: Arc::clone(gate),
            meta: meta.clone().unbind(),
            jti,
            backend_index,
            open: Mutex::new(Some(open)),
        }
    }

    fn answer<'py>(
        &self,
        meta: &Bound<'py, PyDict>,
        question: Question,
        answer: Answer,
    ) -> PyResult<Bound<'py, PyAny>> {
        let gate = &*self.gate;
        let values = gate.values(meta)?;
        let texts = texts(&values);
        let outcome = gate.run(meta.py(), || {
            gate.engine
                .resume(question, answer, gate.look_up(&texts), now())
        });
        conclude(&self.gate, meta, outcome)
    }

    fn take(&self) -> PyResult<Open> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.take()
            .ok_or_else(|| PyRuntimeError::new_err("this was resumed before"))
    }
}

#[pymethods]
impl Pending {
    /// The id of the token; `None` where the API keys have to be brought up to date.
    #[getter]
    fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// Which of the gate's backends asks.
    #[getter]
    fn backend_index(&self) -> usize {
        self.backend_index
    }

    /// Goes on with the store's answer; `None` where it gave none. Once. For API keys any answer means that they are up
    /// to date.
    #[pyo3(signature = (revoked))]
    fn resume<'py>(&self, py: Python<'py>, revoked: Option<bool>) -> PyResult<Bound<'py, PyAny>> {
        let meta = self.meta.bind(py);
        match self.take()? {
            Open::Refresh(at) if revoked.is_some() || self.gate.outlives_errors(at) => {
                check(&self.gate, meta, at + 1)
            }
            Open::Refresh(_) => {
                Refusal::new(boltguard::Refusal::keys_unavailable()).into_bound_py_any(py)
            }
            Open::Revoked(question) => self.answer(meta, *question, answer(revoked)),
        }
    }

    fn __repr__(&self) -> &'static str {
        "<Pending>"
    }
}

fn answer(revoked: Option<bool>) -> Answer {
    match revoked {
        Some(true) => Answer::Revoked,
        Some(false) => Answer::NotRevoked,
        None => Answer::Unavailable,
    }
}
