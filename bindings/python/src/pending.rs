//! `Pending`: a request whose decision waits for an answer from outside of Rust.

use std::sync::{Arc, Mutex, PoisonError};

use boltguard::jwks::Refresh;
use boltguard::{Answer, Question};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::backends::api_key::ApiKeyBackend;
use crate::gate::{Inner, check, settle, texts};
use crate::refusal::Refusal;
use crate::time::now;

/// Something outside of Rust has to be asked: a store, whether a token is revoked, the table of the API keys, or an
/// issuer for its keys.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Pending {
    gate: Arc<Inner>,
    meta: Py<PyDict>,
    jti: Option<String>,
    backend_index: usize,
    unknown_key: bool,
    progress: Progress,
    open: Mutex<Option<Open>>,
}

/// How far a request has come: from which place on something may still have to be asked.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) snapshots: usize,
    /// Of the backends, for keys that are out of date.
    pub(crate) current: usize,
    /// Of the backends, for keys that are not there.
    pub(crate) unknown: usize,
    /// Keys that might have verified the token can't be had.
    pub(crate) unavailable: bool,
}

impl Progress {
    /// This snapshot has been brought up to date.
    fn behind_snapshot(self, at: usize) -> Self {
        Self {
            snapshots: at + 1,
            ..self
        }
    }

    /// One more backend has been asked for its keys.
    fn behind_keys(self, at: usize, need: Refresh, answered: bool) -> Self {
        match need {
            Refresh::IfStale => Self {
                current: at + 1,
                ..self
            },
            Refresh::Force | Refresh::UnknownKid => Self {
                current: usize::MAX,
                unknown: at + 1,
                unavailable: self.unavailable || !answered,
                ..self
            },
        }
    }
}

/// What is open.
pub(crate) enum Open {
    /// The keys of this backend have to be fetched.
    Keys(usize, Refresh),
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
    pub(crate) fn new(
        gate: &Arc<Inner>,
        meta: &Bound<'_, PyDict>,
        open: Open,
        progress: Progress,
    ) -> Self {
        let (jti, backend_index) = match &open {
            Open::Keys(at, _) => (None, *at),
            Open::Refresh(stale) => (None, gate.backend_of(*stale)),
            Open::Revoked(question) => (Some(question.token_id()), question.backend()),
        };
        Self {
            gate: Arc::clone(gate),
            meta: meta.clone().unbind(),
            jti,
            backend_index,
            unknown_key: matches!(open, Open::Keys(_, Refresh::UnknownKid)),
            progress,
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
        settle(&self.gate, meta, &texts, outcome, self.progress)
    }

    fn take(&self) -> PyResult<Open> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.take()
            .ok_or_else(|| PyRuntimeError::new_err("this was resumed before"))
    }
}

#[pymethods]
impl Pending {
    /// The id of the token; `None` where keys have to be brought up to date.
    #[getter]
    fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// Which of the gate's backends asks.
    #[getter]
    fn backend_index(&self) -> usize {
        self.backend_index
    }

    /// Whether the issuer's keys are needed for a token whose key is not among them.
    #[getter]
    fn unknown_key(&self) -> bool {
        self.unknown_key
    }

    /// Goes on with the store's answer; `None` where it gave none. Once. For keys any answer means that they are up to
    /// date; a backend stands for the one that asked, for this request alone.
    #[pyo3(signature = (answer))]
    fn resume<'py>(
        &self,
        py: Python<'py>,
        answer: Option<Reply<'py>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let meta = self.meta.bind(py);
        let progress = self.progress;
        match (self.take()?, answer) {
            (Open::Keys(at, need), answer) => {
                let progress = progress.behind_keys(at, need, answer.is_some());
                check(&self.gate, meta, progress)
            }
            (Open::Refresh(at), Some(Reply::Keys(backend))) => {
                let gate = self.gate.with_snapshot(py, at, backend.get());
                let gate = Arc::new(gate.ok_or_else(other_backend)?);
                check(&gate, meta, progress.behind_snapshot(at))
            }
            (Open::Refresh(at), answer) if answer.is_some() || self.gate.outlives_errors(at) => {
                check(&self.gate, meta, progress.behind_snapshot(at))
            }
            (Open::Refresh(_), _) => {
                Refusal::new(boltguard::Refusal::keys_unavailable()).into_bound_py_any(py)
            }
            (Open::Revoked(_), Some(Reply::Keys(_))) => Err(other_backend()),
            (Open::Revoked(question), Some(Reply::Revoked(true))) => {
                self.answer(meta, *question, Answer::Revoked)
            }
            (Open::Revoked(question), Some(Reply::Revoked(false))) => {
                self.answer(meta, *question, Answer::NotRevoked)
            }
            (Open::Revoked(question), None) => self.answer(meta, *question, Answer::Unavailable),
        }
    }

    fn __repr__(&self) -> &'static str {
        "<Pending>"
    }
}

/// What the edge found out.
#[derive(FromPyObject)]
enum Reply<'py> {
    /// The keys of the place that this request is for.
    Keys(Bound<'py, ApiKeyBackend>),
    /// Whether the token is revoked.
    Revoked(bool),
}

#[cold]
fn other_backend() -> PyErr {
    PyValueError::new_err(
        "an API key backend can only stand for one with a store and the same header",
    )
}
