//! `Gate`: one request from its headers to a decision.

use std::sync::Arc;

use boltguard::guard::{CheckResults, Decision};
use boltguard::jwt::IgnoredGrant;
use boltguard::{Backend, Caller, Gate as Engine, HeaderName, Step};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::auth_context::AuthContext;
use crate::backends::api_key::ApiKeyBackend;
use crate::backends::edge::EdgeBackend;
use crate::backends::jwt::JwtBackend;
use crate::clock::evaluation_time;
use crate::errors::{Class, plain};
use crate::guard::Guard;
use crate::needs;
use crate::request::Reader;

/// Backends and a guard, compiled once for one route.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Gate {
    engine: Engine,
    reader: Arc<Reader>,
    guard: Guard,
}

#[pymethods]
impl Gate {
    #[new]
    fn new(
        py: Python<'_>,
        backends: Vec<Bound<'_, PyAny>>,
        guard: PyRef<'_, Guard>,
    ) -> PyResult<Self> {
        let jwt = backends
            .iter()
            .filter_map(|backend| backend.cast::<JwtBackend>().ok());
        let keys = jwt
            .map(|backend| Arc::clone(backend.get().keys()))
            .collect();
        let backends = backends.iter().map(backend).collect::<PyResult<Vec<_>>>()?;
        let reader = Reader::new(py, &backends, keys)?;
        // Without backends it is for `check_caller`.
        let engine = match backends.as_slice() {
            [] => Engine::for_callers(guard.rules()),
            _ => Engine::new(backends, guard.rules()),
        };
        Ok(Self {
            engine: engine.map_err(|error| plain(py, Class::ConfigurationError, error))?,
            reader: Arc::new(reader),
            guard: guard.clone(),
        })
    }

    /// Evaluates a request by its `META`. The result is a context, a refusal, or what the evaluation needs.
    fn check<'py>(&self, meta: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let step = self
            .reader
            .with_parts(meta, |parts| self.engine.evaluate(parts, evaluation_time()))?;
        for (backend, ignored) in self.engine.take_ignored_grants() {
            log_ignored(meta.py(), &self.engine, backend, ignored)?;
        }
        match step {
            Step::Done(outcome) => needs::conclude(meta.py(), outcome),
            Step::Need(need) => needs::wrap(&self.reader, meta, need),
        }
    }

    /// Evaluates the guard for a caller whom another gate has identified; `None` is an anonymous caller.
    #[pyo3(signature = (context))]
    fn check_caller<'py>(
        &self,
        py: Python<'py>,
        context: Option<Bound<'py, AuthContext>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let context = match context {
            Some(context) => context,
            None => Bound::new(py, AuthContext::new(Caller::anonymous()))?,
        };
        let caller = context.get().caller();
        if self.engine.decide(caller, &CheckResults::new()) == Decision::Allow {
            return Ok(context.into_any());
        }
        match self.engine.evaluate_caller(caller) {
            Step::Done(outcome) => needs::conclude(py, outcome),
            Step::Need(need) => needs::wrap_checks(py, need, context.unbind()),
        }
    }

    /// The value of `WWW-Authenticate` for a request without credentials.
    #[getter]
    fn challenge(&self) -> Option<String> {
        self.engine.challenge(&Caller::anonymous()).challenge()
    }

    /// The guard.
    #[getter]
    fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Whether anonymous callers are allowed.
    #[getter]
    fn allows_anonymous(&self) -> bool {
        self.engine.guard().allows_anonymous()
    }

    fn __repr__(&self) -> String {
        format!("<Gate: {}>", self.guard.rules())
    }
}

fn backend(object: &Bound<'_, PyAny>) -> PyResult<Backend> {
    if let Ok(jwt) = object.cast::<JwtBackend>() {
        return Ok(Backend::Jwt(Arc::clone(jwt.get().backend())));
    }
    if let Ok(keys) = object.cast::<ApiKeyBackend>() {
        return Ok(Backend::ApiKey(Arc::clone(keys.get().backend())));
    }
    if let Ok(edge) = object.cast::<EdgeBackend>() {
        return Ok(Backend::Edge(Arc::clone(edge.get().backend())));
    }
    Err(PyTypeError::new_err(
        "backends must be JwtBackend, ApiKeyBackend or EdgeBackend objects",
    ))
}

/// Logs a claim that grants nothing because it has the wrong type.
#[cold]
fn log_ignored(
    py: Python<'_>,
    gate: &Engine,
    backend: usize,
    ignored: IgnoredGrant,
) -> PyResult<()> {
    let logger = py
        .import(intern!(py, "logging"))?
        .call_method1(intern!(py, "getLogger"), ("boltguard",))?;
    let headers = gate.backends().get(backend).map(Backend::headers);
    let header = headers.and_then(<[HeaderName]>::first);
    let header = header.map(HeaderName::as_str).unwrap_or_default();
    let message = format!("A token in the header {header} grants less than it seems: {ignored}.");
    let extra = PyDict::new(py);
    extra.set_item("claim", ignored.claim())?;
    let named = PyDict::new(py);
    named.set_item("extra", extra)?;
    logger.call_method(intern!(py, "warning"), (message,), Some(&named))?;
    Ok(())
}
