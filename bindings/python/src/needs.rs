//! What an evaluation needs from Python, a class for each kind, and its results.
//!
//! Each of them can be resumed once, with a specific type of result.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use boltguard::guard::CheckResults;
use boltguard::jwks::Refresh;
use boltguard::types::ReasonCode;
use boltguard::{Authentication, Need, Outcome, Refreshed, RevocationStatus, Step};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::auth_context::AuthContext;
use crate::backends::api_key::ApiKeyBackend;
use crate::backends::edge::Identity;
use crate::clock::{evaluation_time, now};
use crate::refusal::Refusal;
use crate::request::{Parts, Reader};
use crate::revocation_query::RevocationQuery;

/// A need that waits for its result, and the request that it is of.
struct Suspended<T> {
    reader: Arc<Reader>,
    meta: Py<PyDict>,
    need: Mutex<Option<T>>,
}

impl<T: Send> Suspended<T> {
    fn new(reader: &Arc<Reader>, meta: &Bound<'_, PyDict>, need: T) -> Self {
        Self {
            reader: Arc::clone(reader),
            meta: meta.clone().unbind(),
            need: Mutex::new(Some(need)),
        }
    }

    fn take(&self) -> PyResult<T> {
        take(&self.need)
    }

    /// Continues with `step`.
    fn resume<'py>(
        &self,
        py: Python<'py>,
        need: T,
        step: impl FnOnce(T, &Parts<'_>) -> Step + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let meta = self.meta.bind(py);
        let next = self.reader.with_parts(meta, |parts| step(need, parts))?;
        match next {
            Step::Done(outcome) => conclude(py, outcome),
            Step::Need(need) => wrap(&self.reader, meta, need),
        }
    }
}

fn take<T>(need: &Mutex<Option<T>>) -> PyResult<T> {
    let mut need = need.lock().unwrap_or_else(PoisonError::into_inner);
    need.take()
        .ok_or_else(|| PyRuntimeError::new_err("this was resumed before"))
}

/// The context or the refusal.
#[inline]
pub(crate) fn conclude(py: Python<'_>, outcome: Outcome) -> PyResult<Bound<'_, PyAny>> {
    match outcome {
        Outcome::Admitted(caller) => AuthContext::new(caller).into_bound_py_any(py),
        Outcome::Refused(refusal) => Refusal::new(refusal).into_bound_py_any(py),
    }
}

/// The object for a need.
#[cold]
pub(crate) fn wrap<'py>(
    reader: &Arc<Reader>,
    meta: &Bound<'py, PyDict>,
    need: Need,
) -> PyResult<Bound<'py, PyAny>> {
    let py = meta.py();
    match need {
        Need::Authenticate(need) => EdgeAuthentication {
            backend_index: need.backend(),
            suspended: Suspended::new(reader, meta, need),
        }
        .into_bound_py_any(py),
        Need::CheckRevocation(need) => RevocationCheck {
            backend_index: need.backend(),
            query: Py::new(py, RevocationQuery::new(need.query()))?,
            suspended: Suspended::new(reader, meta, need),
        }
        .into_bound_py_any(py),
        Need::RefreshApiKeys(need) => ApiKeySnapshotRefresh {
            backend_index: need.backend(),
            suspended: Suspended::new(reader, meta, need),
        }
        .into_bound_py_any(py),
        Need::RefreshKeys(need) => KeyRefresh {
            backend_index: need.backend(),
            unknown_kid: need.refresh() == Refresh::UnknownKid,
            suspended: Suspended::new(reader, meta, need),
        }
        .into_bound_py_any(py),
        need => {
            let context = match &need {
                Need::RunChecks(checks) => AuthContext::new(checks.caller().clone()),
                _ => return Err(unknown_need()),
            };
            let context = Py::new(py, context)?;
            wrap_checks(py, need, context)
        }
    }
}

/// The object for the checks of a guard, about the caller of this context.
#[cold]
pub(crate) fn wrap_checks(
    py: Python<'_>,
    need: Need,
    context: Py<AuthContext>,
) -> PyResult<Bound<'_, PyAny>> {
    match need {
        Need::RunChecks(checks) => GuardChecks { checks, context }.into_bound_py_any(py),
        _ => Err(unknown_need()),
    }
}

#[cold]
fn unknown_need() -> PyErr {
    PyRuntimeError::new_err(
        "the engine needs something that this version of boltguard doesn't know",
    )
}

/// The keys of an issuer have to be refreshed.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct KeyRefresh {
    suspended: Suspended<boltguard::KeyRefresh>,
    backend_index: usize,
    unknown_kid: bool,
}

#[pymethods]
impl KeyRefresh {
    /// The place of the backend whose issuer it is.
    #[getter]
    fn backend_index(&self) -> usize {
        self.backend_index
    }

    /// Whether the token's key is not among the keys, rather than the keys being stale.
    #[getter]
    fn unknown_kid(&self) -> bool {
        self.unknown_kid
    }

    /// Continues after the keys were refreshed.
    fn done<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.resume(py, Refreshed::Done)
    }

    /// Continues after the refresh failed.
    fn unavailable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.resume(py, Refreshed::Unavailable)
    }

    fn __repr__(&self) -> &'static str {
        "<KeyRefresh>"
    }
}

impl KeyRefresh {
    fn resume<'py>(&self, py: Python<'py>, result: Refreshed) -> PyResult<Bound<'py, PyAny>> {
        let need = self.suspended.take()?;
        self.suspended.resume(py, need, |need, parts| {
            need.resume(result, parts, evaluation_time())
        })
    }
}

/// A snapshot of stored API keys has to be refreshed.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct ApiKeySnapshotRefresh {
    suspended: Suspended<boltguard::ApiKeyRefresh>,
    backend_index: usize,
}

#[pymethods]
impl ApiKeySnapshotRefresh {
    /// The place of the backend whose snapshot it is.
    #[getter]
    fn backend_index(&self) -> usize {
        self.backend_index
    }

    /// Continues with the keys of this backend, which replaces the gate's own for this request.
    fn done<'py>(
        &self,
        py: Python<'py>,
        backend: PyRef<'py, ApiKeyBackend>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let need = self.suspended.take()?;
        let need = need.with_backend(Arc::clone(backend.backend()));
        let need = need.map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.suspended.resume(py, need, |need, parts| {
            need.resume(Refreshed::Done, parts, evaluation_time())
        })
    }

    /// Continues after the refresh failed.
    fn unavailable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let need = self.suspended.take()?;
        self.suspended.resume(py, need, |need, parts| {
            need.resume(Refreshed::Unavailable, parts, evaluation_time())
        })
    }

    fn __repr__(&self) -> &'static str {
        "<ApiKeySnapshotRefresh>"
    }
}

/// A store has to be asked whether a token is revoked.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RevocationCheck {
    suspended: Suspended<boltguard::RevocationCheck>,
    backend_index: usize,
    query: Py<RevocationQuery>,
}

#[pymethods]
impl RevocationCheck {
    /// The place of the backend whose store has to be asked.
    #[getter]
    fn backend_index(&self) -> usize {
        self.backend_index
    }

    /// The ID of the token.
    #[getter]
    fn jti(&self) -> &str {
        self.query.get().query().token_id()
    }

    /// The parts of the token by which it can be revoked.
    #[getter]
    fn query(&self, py: Python<'_>) -> Py<RevocationQuery> {
        self.query.clone_ref(py)
    }

    /// Continues with what the store says.
    fn done<'py>(&self, py: Python<'py>, revoked: bool) -> PyResult<Bound<'py, PyAny>> {
        self.resume(
            py,
            match revoked {
                true => RevocationStatus::Revoked,
                false => RevocationStatus::NotRevoked,
            },
        )
    }

    /// Continues after the store failed.
    fn unavailable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.resume(py, RevocationStatus::Unavailable)
    }

    fn __repr__(&self) -> &'static str {
        "<RevocationCheck>"
    }
}

impl RevocationCheck {
    fn resume<'py>(
        &self,
        py: Python<'py>,
        status: RevocationStatus,
    ) -> PyResult<Bound<'py, PyAny>> {
        let need = self.suspended.take()?;
        self.suspended.resume(py, need, |need, parts| {
            need.resume(status, parts, evaluation_time())
        })
    }
}

/// A backend of Python has to authenticate the request.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct EdgeAuthentication {
    suspended: Suspended<boltguard::EdgeAuthentication>,
    backend_index: usize,
}

#[pymethods]
impl EdgeAuthentication {
    /// The place of the backend.
    #[getter]
    fn backend_index(&self) -> usize {
        self.backend_index
    }

    /// Continues with the caller that the backend identified; `None` if the request has no credentials for it.
    #[pyo3(signature = (identity))]
    fn done<'py>(
        &self,
        py: Python<'py>,
        identity: Option<PyRef<'py, Identity>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.resume(
            py,
            match identity {
                Some(identity) => Authentication::Identified(identity.identity().clone()),
                None => Authentication::Absent,
            },
        )
    }

    /// Continues after the backend rejected the credentials.
    fn failed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.resume(py, Authentication::Failed(ReasonCode::CredentialsInvalid))
    }

    /// Continues after the backend couldn't check the credentials.
    fn unavailable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.resume(py, Authentication::Unavailable)
    }

    fn __repr__(&self) -> &'static str {
        "<EdgeAuthentication>"
    }
}

impl EdgeAuthentication {
    fn resume<'py>(&self, py: Python<'py>, found: Authentication) -> PyResult<Bound<'py, PyAny>> {
        let need = self.suspended.take()?;
        self.suspended.resume(py, need, |need, parts| {
            need.resume(found, parts, evaluation_time())
        })
    }
}

/// The caller is identified, and may be admitted if custom checks of the guard hold.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct GuardChecks {
    checks: boltguard::RunChecks,
    context: Py<AuthContext>,
}

#[pymethods]
impl GuardChecks {
    /// The caller, who is not admitted yet.
    #[getter]
    fn context(&self, py: Python<'_>) -> Py<AuthContext> {
        self.context.clone_ref(py)
    }

    /// The names of the checks that could still change the decision, given these results.
    #[pyo3(signature = (results=None))]
    fn open_checks(&self, results: Option<HashMap<String, bool>>) -> Vec<String> {
        let results: CheckResults = results.unwrap_or_default().into_iter().collect();
        let open = self.checks.open_checks_after(&results);
        open.into_iter().map(str::to_owned).collect()
    }

    /// Continues with these results: a context, a refusal, or these checks again if the others could still change the
    /// decision.
    fn resume<'py>(
        slf: &Bound<'py, Self>,
        results: HashMap<String, bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let checks = slf.get().checks.clone();
        match checks.resume(&results.into_iter().collect(), now()) {
            Step::Done(outcome) => slf.get().conclude(slf.py(), outcome),
            Step::Need(need) => wrap_checks(slf.py(), need, slf.get().context.clone_ref(slf.py())),
        }
    }

    /// Decides with these results and no others, so that open checks count as failed: a context, or a refusal.
    fn finish<'py>(
        &self,
        py: Python<'py>,
        results: HashMap<String, bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let checks = self.checks.clone();
        self.conclude(py, checks.finish(&results.into_iter().collect(), now()))
    }

    fn __repr__(&self) -> &'static str {
        "<GuardChecks>"
    }
}

impl GuardChecks {
    fn conclude<'py>(&self, py: Python<'py>, outcome: Outcome) -> PyResult<Bound<'py, PyAny>> {
        match outcome {
            Outcome::Admitted(_) => Ok(self.context.bind(py).clone().into_any()),
            Outcome::Refused(refusal) => Refusal::new(refusal).into_bound_py_any(py),
        }
    }
}
