//! `RemoteKeys`: the keys of another issuer, and when to fetch them.
//!
//! Rust schedules the requests and reads the responses; Python sends the requests.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use boltguard::jwks::{
    self, FetchError, JwksConfigError, JwksSource, JwksUrl, Limits, Refresh, RefreshPolicy,
    RefreshStep, RemoteKeySet, Response, SourceRequest, SourceStep, Unavailable,
};
use boltguard::jws::{UnverifiedJws, Verifier};
use boltguard::keys::Algorithm;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::clock::instant;
use crate::errors::{Class, coded, jws_error, plain};
use crate::keys::set::KeySet;
use crate::time::Seconds;

/// The keys of another issuer, which are fetched from its JWKS URL.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RemoteKeys {
    /// The URL of the JWK Set, or the issuer whose metadata contains it.
    url: JwksUrl,
    source: JwksSource,
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
    #[pyo3(signature = (
        url, *, metadata=None, allow_http=false, ttl, cooldown, stale, lock_timeout, max_bytes,
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword argument in Python"
    )]
    fn new(
        py: Python<'_>,
        url: &str,
        metadata: Option<&str>,
        allow_http: bool,
        ttl: Seconds,
        cooldown: Seconds,
        stale: Seconds,
        lock_timeout: Seconds,
        max_bytes: usize,
    ) -> PyResult<Self> {
        let refused = |error| refused(py, error);
        let limits = limits(py, max_bytes)?;
        let (url, source) = source(py, url, metadata, allow_http)?;
        let policy = RefreshPolicy {
            ttl: duration(ttl),
            cooldown: duration(cooldown),
            stale: duration(stale),
            lock_timeout: duration(lock_timeout),
        };
        let remote = RemoteKeySet::new(&asymmetric(), policy).map_err(refused)?;
        Ok(Self {
            url,
            source,
            remote: Arc::new(remote.with_limits(limits)),
        })
    }

    /// The URL of the JWK Set, or the issuer if it is read from metadata.
    #[getter]
    fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The issuer, if the URL of its JWK Set is read from its metadata.
    #[getter]
    fn issuer(&self) -> Option<&str> {
        self.source.issuer()
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
                RefreshStep::Fetch(permit) => {
                    let request = self.source.begin(now);
                    return Ok(Some(FetchPermit::new(permit, request)));
                }
                RefreshStep::Unavailable(error) => return Err(unavailable(py, error)),
                RefreshStep::Use(_) => return Ok(None),
                RefreshStep::Wait(waiting) => py.detach(|| waiting.wait()),
            }
            (refresh, then) = (then, Refresh::IfStale);
        }
    }

    fn __repr__(&self) -> String {
        format!("<RemoteKeys {}>", self.url)
    }
}

/// Returns the URL with the place of the keys. With metadata, the URL is an issuer.
fn source(
    py: Python<'_>,
    url: &str,
    metadata: Option<&str>,
    allow_http: bool,
) -> PyResult<(JwksUrl, JwksSource)> {
    let parsed = match allow_http {
        true => JwksUrl::allowing_http(url),
        false => JwksUrl::new(url),
    };
    let parsed = parsed.map_err(|error| refused(py, error))?;
    // Whether `http:` is allowed was decided above.
    let source = match metadata {
        None => Ok(parsed.clone().into()),
        Some(OPENID) => JwksSource::discover_allowing_http(url),
        Some(OAUTH) => JwksSource::discover_oauth_allowing_http(url),
        Some(_) => {
            let message = format_args!("metadata must be {OPENID:?} or {OAUTH:?}");
            return Err(plain(py, Class::ConfigurationError, message));
        }
    };
    Ok((parsed, source.map_err(|error| refused(py, error))?))
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
///
/// Request `url` and pass the response, until `url` is `None`: there are two requests if the URL of the keys is read
/// from metadata.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct FetchPermit {
    fetch: Mutex<Option<Fetch>>,
    result: OnceLock<FetchResult>,
}

/// A fetch that isn't finished: the permission, and the request to send next.
struct Fetch {
    permit: jwks::FetchPermit,
    request: SourceRequest,
}

struct FetchResult {
    skipped: Vec<String>,
    has_unusable_metadata: bool,
}

impl FetchPermit {
    fn new(permit: jwks::FetchPermit, request: SourceRequest) -> Self {
        Self {
            fetch: Mutex::new(Some(Fetch { permit, request })),
            result: OnceLock::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fetch>> {
        self.fetch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resume(&self, response: Result<Response, FetchError>) -> PyResult<Option<String>> {
        let used = || PyRuntimeError::new_err("this permit has already been used");
        let Fetch { permit, request } = self.lock().take().ok_or_else(used)?;
        match request.resume(response, instant()) {
            SourceStep::Done(response) => Ok(self.finish(permit, response)),
            SourceStep::Request(request) => {
                *self.lock() = Some(Fetch { permit, request });
                Ok(None)
            }
        }
    }

    fn finish(
        &self,
        permit: jwks::FetchPermit,
        response: Result<Response, FetchError>,
    ) -> Option<String> {
        let fetched = permit.finish(response, instant());
        let _ = self.result.set(FetchResult {
            skipped: fetched.skipped().iter().map(ToString::to_string).collect(),
            has_unusable_metadata: matches!(fetched.problem(), Some(FetchError::Discovery(_))),
        });
        fetched.explain()
    }
}

#[pymethods]
impl FetchPermit {
    /// The URL to request, or `None` after the last response.
    #[getter]
    fn url(&self) -> Option<String> {
        let fetch = self.lock();
        fetch
            .as_ref()
            .map(|fetch| fetch.request.url().as_str().to_owned())
    }

    /// Passes a response. The keys in the last one replace the current ones. If it can't be used, returns the reason.
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
        py.detach(|| self.resume(Ok(response)))
    }

    /// Reports a failure: "connection", "encoded", "timeout" or "too_large". Returns a description of it.
    fn fail(&self, why: &str) -> PyResult<Option<String>> {
        let cause = match why {
            "encoded" => FetchError::Encoded,
            "timeout" => FetchError::Timeout,
            "too_large" => FetchError::TooLarge,
            _ => FetchError::Connection,
        };
        self.resume(Err(cause))
    }

    /// Whether the server has responded with metadata that can't be used, such as that of another issuer.
    #[getter]
    fn has_unusable_metadata(&self) -> bool {
        let result = self.result.get();
        result.is_some_and(|result| result.has_unusable_metadata)
    }

    /// The skipped keys of the response, each with its index, its `kid` and the reason.
    #[getter]
    fn skipped(&self) -> Vec<&str> {
        let result = self.result.get();
        result.map_or_else(Vec::new, |result| {
            result.skipped.iter().map(String::as_str).collect()
        })
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

/// The names of metadata in the registry of well-known URIs, RFC 8615.
const OPENID: &str = "openid-configuration";
const OAUTH: &str = "oauth-authorization-server";
