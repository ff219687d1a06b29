//! `Gate`: one request from its headers to a decision, in one call.

use std::sync::Arc;
use std::time::Instant;

use boltguard::guard::{CheckResults, Decision};
use boltguard::jwks::Refresh;
use boltguard::jwt::IgnoredGrant;
use boltguard::{Backend, Caller, Gate as Engine, HeaderName, Outcome};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::auth_context::AuthContext;
use crate::backends::api_key::{ApiKeyBackend, Snapshot};
use crate::backends::jwt::JwtBackend;
use crate::backends::trusted_keys::TrustedKeys;
use crate::errors::{Class, plain};
use crate::guard::Guard;
use crate::pending::{Open, Pending, Progress};
use crate::refusal::Refusal;
use crate::time::now;

/// Backends and a guard, compiled once for one route.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Gate(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    guard: Guard,
    /// The headers that the backends read, each once, with their names in `request.META`.
    headers: Vec<(HeaderName, Py<PyString>)>,
    /// Kept, so that the backends learn of replaced keys.
    keys: Vec<Arc<TrustedKeys>>,
    /// Of those backends, by their places, that look keys up in a store.
    snapshots: Vec<(usize, Snapshot)>,
}

/// A gate has no more backends with headers of their own.
const MAX_HEADERS: usize = 8;

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
        let snapshots = backends.iter().enumerate().filter_map(snapshot).collect();
        let backends = backends.iter().map(backend).collect::<PyResult<Vec<_>>>()?;
        let mut headers: Vec<(HeaderName, Py<PyString>)> = Vec::new();
        for name in backends.iter().map(Backend::header) {
            if !headers.iter().any(|(known, _)| known == name) {
                headers.push((name.clone(), PyString::intern(py, name.as_cgi()).unbind()));
            }
        }
        if headers.len() > MAX_HEADERS {
            return Err(PyValueError::new_err(
                "a gate reads at most 8 different headers",
            ));
        }
        // Without backends it is for `check_caller`.
        let engine = match backends.as_slice() {
            [] => Engine::for_callers(guard.rules()),
            _ => Engine::new(backends, guard.rules()),
        };
        let engine = engine.map_err(|error| plain(py, Class::ConfigurationError, error))?;
        Ok(Self(Arc::new(Inner {
            engine,
            guard: guard.clone(),
            headers,
            keys,
            snapshots,
        })))
    }

    /// Decides on a request by its `META`. What a client sent never raises.
    fn check<'py>(&self, meta: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        check(&self.0, meta, Progress::default())
    }

    /// Decides about a caller whom another gate has just identified, `None` for the anonymous one.
    #[pyo3(signature = (context))]
    fn check_caller<'py>(
        &self,
        py: Python<'py>,
        context: Option<Bound<'py, AuthContext>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let context = match context {
            Some(context) => context,
            None => Bound::new(py, AuthContext::new(Caller::Anonymous(None)))?,
        };
        match self
            .0
            .engine
            .decide(context.get().caller(), &CheckResults::new())
        {
            Decision::Undetermined => {
                Conditional::new(&self.0, context.unbind()).into_bound_py_any(py)
            }
            decision => self.0.answer(&context, decision),
        }
    }

    /// The guard.
    #[getter]
    fn guard(&self) -> Guard {
        self.0.guard.clone()
    }

    /// Whether callers without an identity are let in.
    #[getter]
    fn opens_to_anonymous(&self) -> bool {
        self.0.engine.guard().opens_to_anonymous()
    }

    fn __repr__(&self) -> String {
        format!("<Gate: {}>", self.0.guard.rules())
    }
}

fn backend(object: &Bound<'_, PyAny>) -> PyResult<Backend> {
    if let Ok(jwt) = object.cast::<JwtBackend>() {
        return Ok(Backend::Jwt(Arc::clone(jwt.get().backend())));
    }
    if let Ok(keys) = object.cast::<ApiKeyBackend>() {
        return Ok(Backend::ApiKey(Arc::clone(keys.get().backend())));
    }
    Err(PyTypeError::new_err(
        "a gate takes JwtBackend and ApiKeyBackend objects",
    ))
}

fn snapshot((at, object): (usize, &Bound<'_, PyAny>)) -> Option<(usize, Snapshot)> {
    let backend = object.cast::<ApiKeyBackend>().ok()?;
    Some((at, backend.get().snapshot()?.clone()))
}

/// Decides, once all snapshots and keys from these on are up to date where they matter.
#[inline]
pub(crate) fn check<'py>(
    gate: &Arc<Inner>,
    meta: &Bound<'py, PyDict>,
    progress: Progress,
) -> PyResult<Bound<'py, PyAny>> {
    let values = gate.values(meta)?;
    let texts = texts(&values);
    if let Some(open) = gate.outdated(&texts, progress) {
        return Pending::new(gate, meta, open, progress).into_bound_py_any(meta.py());
    }
    let outcome = gate.run(meta.py(), || gate.engine.check(gate.look_up(&texts), now()));
    for (backend, ignored) in gate.engine.take_ignored_grants() {
        tell(meta.py(), &gate.engine, backend, ignored)?;
    }
    settle(gate, meta, &texts, outcome, progress)
}

/// Tells the log of a claim that grants nothing for its type.
#[cold]
fn tell(py: Python<'_>, gate: &Engine, backend: usize, ignored: IgnoredGrant) -> PyResult<()> {
    let logger = py
        .import(intern!(py, "logging"))?
        .call_method1(intern!(py, "getLogger"), ("boltguard",))?;
    let header = gate.backends()[backend].header();
    let message = format!("A token in the header {header} grants less than it seems: {ignored}.");
    let extra = PyDict::new(py);
    extra.set_item("claim", ignored.claim())?;
    let named = PyDict::new(py);
    named.set_item("extra", extra)?;
    logger.call_method(intern!(py, "warning"), (message,), Some(&named))?;
    Ok(())
}

/// Concludes, unless an issuer may have a key that would change the outcome.
#[inline]
pub(crate) fn settle<'py>(
    gate: &Arc<Inner>,
    meta: &Bound<'py, PyDict>,
    texts: &Texts<'_>,
    outcome: Outcome,
    progress: Progress,
) -> PyResult<Bound<'py, PyAny>> {
    if gate.engine.has_remote_keys() && outcome.is_of_nobody() {
        if let Some(open) = gate.needs_keys(Refresh::UnknownKid, texts, progress.unknown) {
            return Pending::new(gate, meta, open, progress).into_bound_py_any(meta.py());
        }
        if progress.unavailable || gate.engine.misses_keys(gate.look_up(texts)) {
            let refusal = gate.engine.without_keys(Instant::now());
            return Refusal::new(refusal).into_bound_py_any(meta.py());
        }
    }
    conclude(gate, meta, outcome, progress)
}

/// The values of the headers that a gate reads.
pub(crate) type Values<'py> = [Option<Bound<'py, PyString>>; MAX_HEADERS];

impl Inner {
    /// A header that is no text is as good as none.
    #[inline]
    pub(crate) fn values<'py>(&self, meta: &Bound<'py, PyDict>) -> PyResult<Values<'py>> {
        let mut values = [const { None }; MAX_HEADERS];
        for ((_, key), value) in self.headers.iter().zip(&mut values) {
            let found = meta.get_item(key.bind(meta.py()))?;
            *value = found.and_then(|found| found.cast_into().ok());
        }
        Ok(values)
    }

    #[inline]
    pub(crate) fn look_up<'v>(
        &'v self,
        texts: &'v Texts<'v>,
    ) -> impl Fn(&HeaderName) -> Option<&'v str> {
        move |name| {
            let at = self.headers.iter().position(|(known, _)| known == name)?;
            texts[at]
        }
    }

    /// What has to be brought up to date before anything can be decided.
    #[inline]
    fn outdated(&self, texts: &Texts<'_>, progress: Progress) -> Option<Open> {
        if let Some(stale) = self.stale(texts, progress.snapshots) {
            return Some(Open::Refresh(stale));
        }
        self.needs_keys(Refresh::IfStale, texts, progress.current)
    }

    #[inline]
    fn needs_keys(&self, need: Refresh, texts: &Texts<'_>, first: usize) -> Option<Open> {
        if !self.engine.has_remote_keys() {
            return None;
        }
        let look_up = self.look_up(texts);
        let at = self
            .engine
            .needs_keys(need, first, look_up, Instant::now())?;
        Some(Open::Keys(at, need))
    }

    /// The first of the snapshots from this one on that a key is to be looked up in, and that is out of date.
    #[inline]
    fn stale(&self, texts: &Texts<'_>, first: usize) -> Option<usize> {
        let snapshots = self.snapshots.iter().enumerate().skip(first);
        let mut stale = snapshots.filter(|(_, (_, snapshot))| !snapshot.is_current());
        let asked = |backend: &Backend| match backend {
            Backend::ApiKey(keys) => {
                let value = self.look_up(texts)(backend.header());
                value.is_some_and(|value| keys.looks_up(value))
            }
            Backend::Jwt(_) => false,
        };
        stale
            .find(|(_, (backend, _))| self.engine.backends().get(*backend).is_some_and(asked))
            .map(|(at, _)| at)
    }

    /// The place of the backend that has this snapshot.
    pub(crate) fn backend_of(&self, snapshot: usize) -> usize {
        self.snapshots[snapshot].0
    }

    /// The same gate with the keys of another snapshot in the place of this one; `None` where they are read from
    /// another header.
    pub(crate) fn with_snapshot(
        &self,
        py: Python<'_>,
        snapshot: usize,
        backend: &ApiKeyBackend,
    ) -> Option<Self> {
        let at = self.backend_of(snapshot);
        let keys = Arc::clone(backend.backend());
        let mut snapshots = self.snapshots.clone();
        snapshots[snapshot] = (at, backend.snapshot()?.clone());
        let names = self.headers.iter();
        Some(Self {
            engine: self.engine.with_api_keys(at, keys)?,
            guard: self.guard.clone(),
            headers: names
                .map(|(name, key)| (name.clone(), key.clone_ref(py)))
                .collect(),
            keys: self.keys.clone(),
            snapshots,
        })
    }

    /// Whether this snapshot serves on where it can't be brought up to date.
    pub(crate) fn outlives_errors(&self, snapshot: usize) -> bool {
        self.snapshots[snapshot].1.outlives_errors()
    }

    /// The context, or a refusal.
    fn answer<'py>(
        &self,
        context: &Bound<'py, AuthContext>,
        decision: Decision,
    ) -> PyResult<Bound<'py, PyAny>> {
        let caller = context.get().caller();
        let refusal = match decision {
            Decision::Allow => return Ok(context.clone().into_any()),
            Decision::Deny(reason) => self.engine.forbid(caller, reason),
            Decision::Undetermined | Decision::Challenge => self.engine.challenge(caller),
        };
        Refusal::new(refusal).into_bound_py_any(context.py())
    }

    /// Lets other Python threads run meanwhile, if that is worth it.
    #[inline]
    pub(crate) fn run(&self, py: Python<'_>, decide: impl FnOnce() -> Outcome + Send) -> Outcome {
        if self.keys.iter().any(|keys| keys.take_long()) {
            py.detach(decide)
        } else {
            decide()
        }
    }
}

/// [`Values`], as Rust reads them.
pub(crate) type Texts<'v> = [Option<&'v str>; MAX_HEADERS];

#[inline]
pub(crate) fn texts<'v>(values: &'v Values<'_>) -> Texts<'v> {
    std::array::from_fn(|at| values[at].as_ref()?.to_str().ok())
}

#[inline]
fn conclude<'py>(
    gate: &Arc<Inner>,
    meta: &Bound<'py, PyDict>,
    outcome: Outcome,
    progress: Progress,
) -> PyResult<Bound<'py, PyAny>> {
    let py = meta.py();
    match outcome {
        Outcome::Admitted(caller) => AuthContext::new(caller).into_bound_py_any(py),
        Outcome::Refused(refusal) => Refusal::new(refusal).into_bound_py_any(py),
        Outcome::Ask(question) => {
            Pending::new(gate, meta, Open::revoked(question), progress).into_bound_py_any(py)
        }
        Outcome::Check(caller) => {
            let context = Py::new(py, AuthContext::new(caller))?;
            Conditional::new(gate, context).into_bound_py_any(py)
        }
    }
}

/// The caller is known, and may pass if checks of your own hold, which the guard asks by name.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Conditional {
    gate: Arc<Inner>,
    context: Py<AuthContext>,
}

impl Conditional {
    fn new(gate: &Arc<Inner>, context: Py<AuthContext>) -> Self {
        Self {
            gate: Arc::clone(gate),
            context,
        }
    }
}

#[pymethods]
impl Conditional {
    /// The caller, who is not let in yet.
    #[getter]
    fn context(&self, py: Python<'_>) -> Py<AuthContext> {
        self.context.clone_ref(py)
    }

    /// The names of the checks that matter for this caller, given the answers so far.
    #[pyo3(signature = (answers=None))]
    fn questions(&self, answers: Option<std::collections::HashMap<String, bool>>) -> Vec<String> {
        let answers: CheckResults = answers.unwrap_or_default().into_iter().collect();
        let caller = self.context.get().caller();
        let open = self.gate.engine.open_checks(caller, &answers);
        open.into_iter().map(str::to_owned).collect()
    }

    /// What becomes of the request, given these answers: a context, or a refusal. A check without an answer does not
    /// hold and does not fail, so a guard that still needs one refuses; with `optimistic`, it lets the caller in as
    /// long as some answer could.
    #[pyo3(signature = (answers, *, optimistic=false))]
    fn decide<'py>(
        &self,
        py: Python<'py>,
        answers: std::collections::HashMap<String, bool>,
        optimistic: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let answers: CheckResults = answers.into_iter().collect();
        let context = self.context.bind(py);
        let decision = self.gate.engine.decide(context.get().caller(), &answers);
        match decision {
            Decision::Undetermined if optimistic => Ok(context.clone().into_any()),
            decision => self.gate.answer(context, decision.closed()),
        }
    }

    fn __repr__(&self) -> &'static str {
        "<Conditional>"
    }
}
