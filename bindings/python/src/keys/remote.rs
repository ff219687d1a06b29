//! `RemoteKeys`: the keys of another issuer, and whose turn it is to fetch them.
//!
//! Rust says when, and reads what came; whoever has the turn fetches.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use boltguard::jwks::{
    FetchError, FetchPermit, JwksConfigError, JwksUrl, Limits, Refresh, RefreshPolicy, RefreshStep,
    RemoteKeySet, Response, Unavailable,
};
use boltguard::jws::{UnverifiedJws, Verifier};
use boltguard::keys::Algorithm;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::errors::{Class, coded, jws_error, plain};
use crate::keys::set::KeySet;
use crate::time::Seconds;

/// The keys of another issuer.
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
    #[expect(clippy::too_many_arguments, reason = "every setting by its name")]
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
        let read = if allow_http {
            JwksUrl::allowing_http
        } else {
            JwksUrl::new
        };
        // What is negative, or too long for a duration, is refused with what is too long.
        let time = |seconds: Seconds| seconds.as_duration().unwrap_or(Duration::MAX);
        let times = RefreshPolicy {
            ttl: time(ttl),
            cooldown: time(cooldown),
            stale: time(stale),
            lock_timeout: time(lock_timeout),
        };
        if max_bytes == 0 {
            let message = "max_bytes is 0, so no answer could be read";
            return Err(plain(py, Class::ConfigurationError, message));
        }
        let limits = Limits {
            bytes: max_bytes,
            ..Limits::default()
        };
        let asymmetric = Algorithm::ALL.iter().filter(|one| !one.is_symmetric());
        let algorithms: Vec<_> = asymmetric.copied().collect();
        Ok(Self {
            url: read(url).map_err(refused)?,
            remote: Arc::new(
                RemoteKeySet::new(&algorithms, times)
                    .map_err(refused)?
                    .with_limits(limits),
            ),
        })
    }

    /// Where the keys are.
    #[getter]
    fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The same without the query, to be shown.
    #[getter]
    fn shown_url(&self) -> String {
        self.url.to_string()
    }

    /// No more than this of an answer need be read, and one byte.
    #[getter]
    fn max_bytes(&self) -> usize {
        self.remote.limits().bytes
    }

    /// The keys in hand; empty before the first fetch, and after the last has become too old.
    #[getter]
    fn keys(&self) -> KeySet {
        KeySet::of((*self.remote.load_full()).clone())
    }

    /// Whether the keys in hand may be used, current or not.
    #[getter]
    fn is_usable(&self) -> bool {
        self.remote.is_usable(Instant::now())
    }

    /// Whether the token's `kid` is that of no key in hand; for a token without `kid`, whether none of them has signed
    /// it. Raises what `boltguard.jwt` raises for what isn't a token.
    fn lacks_key_of(&self, py: Python<'_>, token: &str) -> PyResult<bool> {
        let unverified = UnverifiedJws::parse(token).map_err(|error| jws_error(py, error))?;
        match unverified.unverified_header().key_id() {
            Some(kid) => Ok(!self.remote.load().names(kid)),
            None => {
                let keys = (*self.remote.load_full()).clone();
                Ok(Verifier::new(keys).verify(token).is_err())
            }
        }
    }

    /// Makes the keys usable in a forked process, where no other thread fetches and none releases a lock.
    fn reset_after_fork(&self) {
        self.remote.reset_after_fork();
    }

    /// The turn to fetch, where it is the caller's; `None` where the keys in hand are to be used. Waits for another's
    /// fetch where there are none. With `unknown` the keys are needed for a token whose key is not among them, with
    /// `anew` the caller knows that they have changed.
    ///
    /// Raises `PyJWKClientConnectionError` where there are none and it is too early to fetch.
    #[pyo3(signature = (*, unknown=false, anew=false))]
    fn turn(&self, py: Python<'_>, unknown: bool, anew: bool) -> PyResult<Option<FetchTurn>> {
        let mut need = match (anew, unknown) {
            (true, _) => Refresh::Force,
            (false, true) => Refresh::UnknownKid,
            (false, false) => Refresh::IfStale,
        };
        let mut then = need.after_wait();
        loop {
            let now = Instant::now();
            if self.remote.is_settled(need, now) {
                return Ok(None);
            }
            match self.remote.step(need, now) {
                RefreshStep::Fetch(turn) => return Ok(Some(FetchTurn::new(turn))),
                RefreshStep::Unavailable(error) => return Err(unavailable(py, error)),
                RefreshStep::Use(_) => return Ok(None),
                RefreshStep::Wait(waiting) => py.detach(|| waiting.wait()),
            }
            (need, then) = (then, Refresh::IfStale);
        }
    }

    /// Lets so much time pass, for tests that do not want to wait.
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

/// The right to fetch, once. Whoever drops it has failed.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct FetchTurn {
    turn: Mutex<Option<FetchPermit>>,
    skipped: OnceLock<Vec<String>>,
}

impl FetchTurn {
    fn new(turn: FetchPermit) -> Self {
        Self {
            turn: Mutex::new(Some(turn)),
            skipped: OnceLock::new(),
        }
    }

    fn finish(&self, answer: Result<Response, FetchError>) -> PyResult<Option<String>> {
        let turn = self
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let over = || PyRuntimeError::new_err("this turn is over");
        let fetched = turn.ok_or_else(over)?.finish(answer, Instant::now());
        let skipped = fetched.skipped().iter().map(ToString::to_string);
        let _ = self.skipped.set(skipped.collect());
        Ok(fetched.explain())
    }
}

#[pymethods]
impl FetchTurn {
    /// Takes an answer. Its keys are trusted from now on, or those from before stay and the text says why.
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
        // Preparing many keys takes a while.
        py.detach(|| self.finish(Ok(response)))
    }

    /// Says why no answer came: "connection", "encoded", "timeout" or "too_large". Gives that as a sentence.
    fn fail(&self, why: &str) -> PyResult<Option<String>> {
        let cause = match why {
            "encoded" => FetchError::Encoded,
            "timeout" => FetchError::Timeout,
            "too_large" => FetchError::TooLarge,
            _ => FetchError::Connection,
        };
        self.finish(Err(cause))
    }

    /// The keys of the answer that are skipped, each with its index, its `kid` and the reason.
    #[getter]
    fn skipped(&self) -> Vec<&str> {
        let skipped = self.skipped.get();
        skipped.map_or_else(Vec::new, |all| all.iter().map(String::as_str).collect())
    }

    fn __repr__(&self) -> &'static str {
        "<FetchTurn>"
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
        "{error}; tried again in {} s",
        error.retry_in().as_secs() + 1
    );
    coded(py, Class::PyJWKClientConnectionError, error.code(), message)
}
