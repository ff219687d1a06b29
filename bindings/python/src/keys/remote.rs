//! `RemoteKeys`: the keys of another issuer, and when to fetch them.
//!
//! Rust schedules the requests and reads the responses; Python sends the requests.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use boltguard::jwks::{
    self, FetchError, JwksConfigError, JwksUrl, Limits, Refresh, RefreshPolicy, RefreshStep,
    RemoteKeySet, Response, Unavailable,
};
use boltguard::jws::{UnverifiedJws, Verifier};
use boltguard::keys::Algorithm;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::clock::instant;
use crate::errors::{Class, coded, jws_error, plain};
use crate::keys::set::KeySet;
use crate::time::Seconds;

/// The keys of another issuer, which are fetched from its JWKS URL.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RemoteKeys {
    url: JwksUrl,
    remote: Arc<RemoteKeySet>,
}

impl RemoteKeys {
    pub(crate) fn remote(&self) -> &Arc<RemoteKeySet> {
        &self.remote
    }
}

#[pymethods]
impl RemoteKeys {
    #[new]
    #[pyo3(signature = (url, *, allow_http=false, ttl, cooldown, stale, lock_timeout, max_bytes))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword argument in Python"
    )]
    fn new(
        py: Python<'_>,
        url: &str,
        allow_http: bool,
        ttl: Seconds,
        cooldown: Seconds,
        stale: Seconds,
        lock_timeout: Seconds,
        max_bytes: usize,
    ) -> PyResult<Self> {
        let refused = |error| refused(py, error);
        let limits = limits(py, max_bytes)?;
        let url = match allow_http {
            true => JwksUrl::allowing_http(url),
            false => JwksUrl::new(url),
        };
        let policy = RefreshPolicy {
            ttl: duration(ttl),
            cooldown: duration(cooldown),
            stale: duration(stale),
            lock_timeout: duration(lock_timeout),
        };
        let url = url.map_err(refused)?;
        let remote = RemoteKeySet::new(&asymmetric(), policy).map_err(refused)?;
        Ok(Self {
            url,
            remote: Arc::new(remote.with_limits(limits)),
        })
    }

    /// The URL of the JWK Set.
    #[getter]
    fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The URL without its query, for display.
    #[getter]
    fn shown_url(&self) -> String {
        self.url.to_string()
    }

    /// The maximum size of a response.
    #[getter]
    fn max_bytes(&self) -> usize {
        self.remote.limits().bytes
    }

    /// The current keys. Empty before the first fetch and after the keys have expired.
    #[getter]
    fn keys(&self) -> KeySet {
        KeySet::of((*self.remote.load_full()).clone())
    }

    /// Whether the current keys may be used, fresh or stale.
    #[getter]
    fn is_usable(&self) -> bool {
        self.remote.is_usable(instant())
    }

    /// Whether a key that isn't among the current ones may verify the token: none of them has its `kid` or, if it has
    /// no `kid`, none verifies it. Raises `DecodeError` if the token is malformed.
    fn may_verify_with_missing_key(&self, py: Python<'_>, token: &str) -> PyResult<bool> {
        let unverified = UnverifiedJws::parse(token).map_err(|error| jws_error(py, error))?;
        match unverified.unverified_header().key_id() {
            Some(kid) => Ok(!self.remote.load().names(kid)),
            None => {
                let keys = (*self.remote.load_full()).clone();
                Ok(Verifier::new(keys).verify(token).is_err())
            }
        }
    }

    /// Resets locks and fetches after a fork, because the threads that hold them don't exist in the child.
    fn reset_after_fork(&self) {
        self.remote.reset_after_fork();
    }

    /// Returns a permit if the caller is to fetch the keys, or `None` if the current keys are to be used. If there are
    /// none, waits for another thread's fetch. Pass `unknown_kid=True` for a token whose key is unknown, and
    /// `force=True` to fetch the keys in any case.
    ///
    /// Raises `PyJWKClientConnectionError` if there are no keys and the next fetch isn't allowed yet.
    #[pyo3(signature = (*, unknown_kid=false, force=false))]
    fn begin_fetch(
        &self,
        py: Python<'_>,
        unknown_kid: bool,
        force: bool,
    ) -> PyResult<Option<FetchPermit>> {
        let mut refresh = match (force, unknown_kid) {
            (true, _) => Refresh::Force,
            (false, true) => Refresh::UnknownKid,
            (false, false) => Refresh::IfStale,
        };
        let mut then = refresh.after_wait();
        loop {
            let now = instant();
            if self.remote.is_up_to_date(refresh, now) {
                return Ok(None);
            }
            match self.remote.step(refresh, now) {
                RefreshStep::Fetch(permit) => return Ok(Some(FetchPermit::new(permit))),
                RefreshStep::Unavailable(error) => return Err(unavailable(py, error)),
                RefreshStep::Use(_) => return Ok(None),
                RefreshStep::Wait(waiting) => py.detach(|| waiting.wait()),
            }
            (refresh, then) = (then, Refresh::IfStale);
        }
    }

    /// Advances the clock of the keys, for tests.
    fn skip(&self, seconds: Seconds) -> PyResult<()> {
        let negative = || PyValueError::new_err("seconds must not be negative");
        self.remote
            .skip(seconds.as_duration().ok_or_else(negative)?);
        Ok(())
    }

    fn __repr__(&self) -> String {
        format!("<RemoteKeys {}>", self.url)
    }
}

/// The duration, or the longest one if it is negative or too long. That is rejected later.
fn duration(seconds: Seconds) -> Duration {
    seconds.as_duration().unwrap_or(Duration::MAX)
}

fn limits(py: Python<'_>, max_bytes: usize) -> PyResult<Limits> {
    if max_bytes == 0 {
        let message = "max_bytes must be at least 1";
        return Err(plain(py, Class::ConfigurationError, message));
    }
    Ok(Limits {
        bytes: max_bytes,
        ..Limits::default()
    })
}

fn asymmetric() -> Vec<Algorithm> {
    let all = Algorithm::ALL.iter().copied();
    all.filter(|algorithm| !algorithm.is_symmetric()).collect()
}

/// Permission to fetch the keys once. If it is dropped, the fetch has failed.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct FetchPermit {
    permit: Mutex<Option<jwks::FetchPermit>>,
    skipped: OnceLock<Vec<String>>,
}

impl FetchPermit {
    fn new(permit: jwks::FetchPermit) -> Self {
        Self {
            permit: Mutex::new(Some(permit)),
            skipped: OnceLock::new(),
        }
    }

    fn finish(&self, response: Result<Response, FetchError>) -> PyResult<Option<String>> {
        let permit = self
            .permit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let used = || PyRuntimeError::new_err("this permit has already been used");
        let fetched = permit.ok_or_else(used)?.finish(response, instant());
        let skipped = fetched.skipped().iter().map(ToString::to_string);
        let _ = self.skipped.set(skipped.collect());
        Ok(fetched.explain())
    }
}

#[pymethods]
impl FetchPermit {
    /// Passes a response. Its keys replace the current ones. If it can't be used, returns the reason.
    #[pyo3(signature = (status, body, cache_control=None))]
    fn succeed(
        &self,
        py: Python<'_>,
        status: u16,
        body: Vec<u8>,
        cache_control: Option<String>,
    ) -> PyResult<Option<String>> {
        let response = Response {
            status,
            cache_control,
            body,
        };
        // Preparing many keys takes long.
        py.detach(|| self.finish(Ok(response)))
    }

    /// Reports a failure: "connection", "encoded", "timeout" or "too_large". Returns a description of it.
    fn fail(&self, why: &str) -> PyResult<Option<String>> {
        let cause = match why {
            "encoded" => FetchError::Encoded,
            "timeout" => FetchError::Timeout,
            "too_large" => FetchError::TooLarge,
            _ => FetchError::Connection,
        };
        self.finish(Err(cause))
    }

    /// The skipped keys of the response, each with its index, its `kid` and the reason.
    #[getter]
    fn skipped(&self) -> Vec<&str> {
        let skipped = self.skipped.get();
        skipped.map_or_else(Vec::new, |all| all.iter().map(String::as_str).collect())
    }

    fn __repr__(&self) -> &'static str {
        "<FetchPermit>"
    }
}

#[cold]
fn refused(py: Python<'_>, error: JwksConfigError) -> PyErr {
    let remedy = match error {
        JwksConfigError::NotHttps => ": allow_http=True",
        _ => "",
    };
    plain(
        py,
        Class::ConfigurationError,
        format_args!("{error}{remedy}"),
    )
}

#[cold]
fn unavailable(py: Python<'_>, error: Unavailable) -> PyErr {
    let message = format!(
        "{error}; the next attempt is possible in {} s",
        error.retry_in().as_secs() + 1
    );
    coded(py, Class::PyJWKClientConnectionError, error.code(), message)
}
