//! The credentials of a connection that stays open, such as a WebSocket.

use std::fmt;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use boltguard_types::NumericDate;

use crate::origin::{ORIGIN, SEC_FETCH_SITE, UPGRADE};
use crate::{
    AdmittedCaller, AsyncEdge, Backend, Caller, DuplicateCookie, Gate, HeaderName, Now, Outcome,
    Refusal, RequestParts,
};

/// How long a store may take to check the credentials of an open connection again.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// If the clock of a runtime is slightly fast, it wakes before a token expires.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Checks the credentials of an open connection again, until they are no longer valid.
///
/// The gate evaluates the request again when its token expires, and at an [interval](Self::with_interval). Until then,
/// the credentials are kept in memory. So a WebSocket ends when the token expires or is revoked, its key is no longer
/// trusted, the API key is revoked, or a custom check of the guard fails.
///
/// An anonymous caller, and one of a custom backend, is never checked again: credentials such as a signature with a
/// date are only valid once.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use boltguard::types::NumericDate;
/// use boltguard::{AdmittedCaller, CredentialWatch, Refusal, RequestParts};
///
/// /// Waits until the WebSocket that this request opened must be closed.
/// async fn end(caller: &AdmittedCaller, parts: &impl RequestParts) -> Refusal {
///     let clock = || NumericDate::from(SystemTime::now());
///     # async fn sleep(_: Duration) {}
///     CredentialWatch::new(caller, parts).ended(&mut (), clock, sleep).await
/// }
/// ```
pub struct CredentialWatch {
    caller: AdmittedCaller,
    parts: StoredParts,
    interval: Duration,
}

impl CredentialWatch {
    /// Creates the watch for a caller and the parts of its request.
    pub fn new(caller: &AdmittedCaller, parts: &impl RequestParts) -> Self {
        Self {
            caller: caller.clone(),
            parts: StoredParts::read(caller.gate(), parts),
            interval: DEFAULT_INTERVAL,
        }
    }

    /// Sets the interval of the checks, of at least a millisecond. The default is 5 seconds.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        let interval = interval.max(SHORTEST_WAIT);
        Self { interval, ..self }
    }

    /// Waits until the credentials are no longer valid, and returns why. [`Refusal::close_code`] is the code with which
    /// to close the WebSocket.
    ///
    /// `edge` is that of the request, such as [`AdmittedCaller::edge`], and `sleep` that of the runtime. If a store is
    /// unavailable, or doesn't respond within [`CHECK_TIMEOUT`] and before the token expires, the result is a refusal
    /// with 503.
    pub async fn ended<N: Into<Now>, F: Future<Output = ()>>(
        &self,
        edge: &mut impl AsyncEdge,
        clock: impl Fn() -> N + Sync,
        sleep: impl Fn(Duration) -> F,
    ) -> Refusal {
        if self.caller.claims().is_none() && self.caller.api_key().is_none() {
            return std::future::pending().await;
        }
        let time_left = || self.time_left(clock().into().date());
        loop {
            sleep(within(time_left(), self.interval)).await;
            let check = self.caller.gate().check(&self.parts, &clock, edge);
            // A store that doesn't respond must not keep the connection open after its token has expired.
            let limit = sleep(within(time_left(), CHECK_TIMEOUT));
            match first_of(check, limit).await {
                Some(Outcome::Admitted(caller)) if self.is_same(&caller) => {}
                Some(Outcome::Admitted(caller)) => return self.caller.gate().challenge(&caller),
                Some(Outcome::Refused(refusal)) => return refusal,
                None => return Refusal::unavailable(),
            }
        }
    }

    /// Returns the time until the token expires, unless it has none, or has passed.
    fn time_left(&self, now: NumericDate) -> Option<Duration> {
        let expires = self.caller.claims().and_then(|claims| claims.expires());
        let end = expires.map(|date| date + self.leeway());
        end.filter(|end| *end > now).map(|end| end.since(now))
    }

    /// Returns how long the backend of the caller accepts tokens after `exp`.
    fn leeway(&self) -> Duration {
        let backends = self.caller.gate().backends().iter();
        let leeways = backends.filter_map(|backend| match backend {
            Backend::Jwt(jwt) if Some(backend.name()) == self.caller.backend() => {
                Some(jwt.policy().leeway())
            }
            _ => None,
        });
        leeways.min().unwrap_or_default()
    }

    /// Returns whether the credentials still identify the same caller.
    fn is_same(&self, caller: &Caller) -> bool {
        let identity = |caller: &Caller| {
            let user_id = caller.user_id().map(|id| id.into_owned());
            (caller.backend().map(str::to_owned), user_id)
        };
        caller.is_authenticated() && identity(caller) == identity(&self.caller)
    }
}

/// Hides the credentials.
impl fmt::Debug for CredentialWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialWatch")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// Returns the time that is left, but not more than `longest`.
fn within(time_left: Option<Duration>, longest: Duration) -> Duration {
    time_left.map_or(longest, |left| left.clamp(SHORTEST_WAIT, longest))
}

/// Returns the result of `future`, unless `limit` is ready first.
async fn first_of<T>(
    future: impl Future<Output = T>,
    limit: impl Future<Output = ()>,
) -> Option<T> {
    let (mut future, mut limit) = (pin!(future), pin!(limit));
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// The name and the value of a cookie.
type StoredCookie = (Box<str>, Result<Box<str>, DuplicateCookie>);

/// The parts of a request that a gate reads.
struct StoredParts {
    headers: Box<[(HeaderName, Box<str>)]>,
    cookies: Box<[StoredCookie]>,
    method: Option<Box<str>>,
    host: Option<Box<str>>,
    peer_certificate: Option<Box<[u8]>>,
    is_upgrade: bool,
}

impl StoredParts {
    fn read(gate: &Gate, parts: &impl RequestParts) -> Self {
        let backends = || gate.backends().iter();
        let names = backends().flat_map(Backend::headers);
        let names = names.chain([&*ORIGIN, &*SEC_FETCH_SITE, &*UPGRADE]);
        let header = |name: &HeaderName| Some((name.clone(), parts.header(name)?.into()));
        let cookie = |name: &str| {
            let value = parts.cookie(name).transpose()?;
            Some((name.into(), value.map(Into::into)))
        };
        let cookies = backends().filter_map(Backend::cookie);
        Self {
            headers: names.filter_map(header).collect(),
            cookies: cookies.filter_map(|one| cookie(one.name())).collect(),
            method: parts.method().map(Into::into),
            host: parts.host().map(Into::into),
            peer_certificate: parts.peer_certificate().map(Into::into),
            is_upgrade: parts.has_header(&UPGRADE),
        }
    }
}

impl RequestParts for StoredParts {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| &**value)
    }

    fn has_header(&self, name: &HeaderName) -> bool {
        self.header(name).is_some() || (*name == *UPGRADE && self.is_upgrade)
    }

    fn cookie(&self, name: &str) -> Result<Option<&str>, DuplicateCookie> {
        let found = self.cookies.iter().find(|(found, _)| **found == *name);
        let value = found.map(|(_, value)| value.as_deref());
        value.transpose().map_err(|error| *error)
    }

    fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    fn peer_certificate(&self) -> Option<&[u8]> {
        self.peer_certificate.as_deref()
    }
}
