//! A client that fetches keys when they are needed, for tasks of any asynchronous runtime.

#![expect(
    clippy::disallowed_methods,
    reason = "the client reads the clock for the keys it fetches"
)]

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::iter;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use boltguard_keys::{Algorithm, KeySet};

use crate::report::FailureReport;
use crate::shared::WaitingTasks;
use crate::{
    FetchError, FetchPermit, FetchWait, JwksConfigError, JwksSource, JwksUrl, Refresh,
    RefreshPolicy, RefreshStep, RemoteKeySet, Response, SourceStep, Unavailable,
};

/// An asynchronous function that fetches a document of an issuer: its JWK Set or its metadata.
///
/// Implement it to use another HTTP client. Don't follow redirects, don't request compression, read at most `limit + 1`
/// bytes, and use a timeout that is shorter than [`RefreshPolicy::lock_timeout`](crate::RefreshPolicy::lock_timeout).
///
/// The future can be moved to another task while it runs, if the task that polls it is cancelled.
pub trait AsyncFetch: Send + Sync + 'static {
    /// Returns the server's response, regardless of its status.
    ///
    /// # Errors
    ///
    /// [`FetchError::Connection`], [`FetchError::Timeout`], [`FetchError::TooLarge`] or [`FetchError::Encoded`].
    fn fetch(
        &self,
        url: &JwksUrl,
        limit: usize,
    ) -> impl Future<Output = Result<Response, FetchError>> + Send;
}

impl<F, T> AsyncFetch for F
where
    F: Fn(JwksUrl, usize) -> T + Send + Sync + 'static,
    T: Future<Output = Result<Response, FetchError>> + Send,
{
    fn fetch(
        &self,
        url: &JwksUrl,
        limit: usize,
    ) -> impl Future<Output = Result<Response, FetchError>> + Send {
        self(url.clone(), limit)
    }
}

/// The keys of another issuer, for tasks of any asynchronous runtime. Clones are cheap and share everything.
///
/// It fetches as [`JwksClient`](crate::JwksClient) does, but never blocks the thread. If the task that fetches is
/// cancelled, such as because its HTTP client has disconnected, a task that waits for the fetch continues it.
///
/// Tasks fetch keys when they need them. Spawn [`run`](Self::run) to refresh them in the background instead.
///
/// ```
/// use std::sync::Arc;
/// use boltguard_jwks::{AsyncJwksClient, FetchError, JwksUrl, RefreshPolicy, RemoteKeySet, Response};
/// use boltguard_keys::Algorithm;
///
/// async fn fetch(url: JwksUrl, limit: usize) -> Result<Response, FetchError> {
///     # let _ = (url, limit);
///     let body = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026",
///         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
///     Ok(Response { status: 200, cache_control: None, body: body.to_vec() })
/// }
///
/// let remote = Arc::new(RemoteKeySet::new(&[Algorithm::EdDsa], RefreshPolicy::default())?);
/// let url = JwksUrl::new("https://id.example.com/.well-known/jwks.json")?;
/// let client = AsyncJwksClient::new(remote, url, fetch);
///
/// # let check = async {
/// assert_eq!(client.keys().await?.len(), 1);
/// # Ok::<(), boltguard_jwks::Unavailable>(())
/// # };
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::pin::pin!(check).poll(&mut context).is_ready());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AsyncJwksClient<F> {
    inner: Arc<Inner<F>>,
}

struct Inner<F> {
    remote: Arc<RemoteKeySet>,
    source: JwksSource,
    fetch: Arc<F>,
    /// A fetch whose task was cancelled.
    abandoned: Mutex<Option<Job>>,
    background: WaitingTasks,
    failures: Arc<FailureReport>,
}

/// A fetch that any task can continue. It contains the permit.
type Job = Pin<Box<dyn Future<Output = Result<Arc<KeySet>, Unavailable>> + Send>>;

impl<F: AsyncFetch> AsyncJwksClient<F> {
    /// Creates a client that fetches the keys of `remote` with `fetch` when they are first needed.
    ///
    /// The source is a [`JwksUrl`], or the metadata of the issuer: [`JwksSource::discover`].
    pub fn new(remote: Arc<RemoteKeySet>, source: impl Into<JwksSource>, fetch: F) -> Self {
        let inner = Inner {
            remote,
            source: source.into(),
            fetch: Arc::new(fetch),
            abandoned: Mutex::default(),
            background: WaitingTasks::default(),
            failures: Arc::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Creates a client that fetches the keys for these algorithms, with the default [`RefreshPolicy`].
    ///
    /// ```
    /// # use boltguard_jwks::{AsyncFetch, AsyncJwksClient, JwksConfigError, JwksSource};
    /// # use boltguard_keys::Algorithm;
    /// # fn client<F: AsyncFetch>(fetch: F) -> Result<AsyncJwksClient<F>, JwksConfigError> {
    /// let source = JwksSource::discover("https://id.example.com")?;
    /// let client = AsyncJwksClient::from_source(source, &[Algorithm::Rs256], fetch)?;
    /// assert_eq!(client.source().issuer(), Some("https://id.example.com"));
    /// # Ok(client)
    /// # }
    /// # client(async |_: boltguard_jwks::JwksUrl, _: usize| Err(boltguard_jwks::FetchError::Connection)).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RemoteKeySet::new`] for the algorithms.
    pub fn from_source(
        source: impl Into<JwksSource>,
        algorithms: &[Algorithm],
        fetch: F,
    ) -> Result<Self, JwksConfigError> {
        let remote = RemoteKeySet::new(algorithms, RefreshPolicy::default())?;
        Ok(Self::new(Arc::new(remote), source, fetch))
    }

    /// Calls this function with the error of each fetch that fails, of this client and its clones.
    ///
    /// It replaces an earlier function, and must not block. The error contains no URL and nothing of the response:
    ///
    /// ```
    /// # use boltguard_jwks::{AsyncFetch, AsyncJwksClient};
    /// # fn client<F: AsyncFetch>(client: AsyncJwksClient<F>) -> AsyncJwksClient<F> {
    /// client.on_fetch_error(|error| eprintln!("can't fetch the keys of id.example.com: {error}"))
    /// # }
    /// ```
    #[must_use]
    pub fn on_fetch_error(self, hook: impl Fn(&FetchError) + Send + Sync + 'static) -> Self {
        self.inner.failures.set_hook(Box::new(hook));
        self
    }

    /// Returns the source of the keys.
    #[must_use]
    pub fn source(&self) -> &JwksSource {
        &self.inner.source
    }

    /// Returns the key set that this client refreshes.
    #[must_use]
    pub fn remote(&self) -> &Arc<RemoteKeySet> {
        &self.inner.remote
    }

    /// Returns the keys, and fetches them first if they are stale.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub async fn keys(&self) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh_now(Refresh::IfStale).await
    }

    /// Returns the keys for a token with this `kid`, and fetches them first if they are stale or don't contain it.
    ///
    /// For an unknown `kid`, they are fetched at most once per cooldown. The returned set may still not contain it; use
    /// [`KeySet::select`].
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub async fn keys_for(&self, kid: Option<&str>) -> Result<Arc<KeySet>, Unavailable> {
        let now = Instant::now();
        let keys = self.refresh(Refresh::IfStale, now).await?;
        match kid {
            Some(kid) if !keys.names(kid) => self.refresh(Refresh::UnknownKid, now).await,
            _ => Ok(keys),
        }
    }

    /// Calls [`refresh`](Self::refresh) with the current time.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub async fn refresh_now(&self, refresh: Refresh) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh(refresh, Instant::now()).await
    }

    /// Fetches the keys or waits for another task that fetches them, if required at `now`, and returns them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub async fn refresh(
        &self,
        refresh: Refresh,
        now: Instant,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let inner = &*self.inner;
        let started = Instant::now();
        let mut at = now;
        // What applies at first, after waiting once, and after waiting again.
        let later = iter::repeat(Refresh::IfStale);
        for refresh in [refresh, refresh.after_wait()].into_iter().chain(later) {
            if inner.remote.is_up_to_date(refresh, at) {
                break;
            }
            let fetch = match inner.remote.step(refresh, at) {
                RefreshStep::Fetch(permit) => inner.begin(permit, at),
                RefreshStep::Unavailable(unavailable) => return Err(unavailable),
                RefreshStep::Use(keys) => return Ok(keys),
                RefreshStep::Wait(wait) => inner.waiting(wait),
            };
            if let Some(result) = fetch.await {
                return result;
            }
            at = now + started.elapsed();
        }
        Ok(inner.remote.load_full())
    }

    /// Refreshes the keys in the background whenever they become stale, until the future is dropped.
    ///
    /// Requests then only wait for the first fetch and for keys that are unknown, and this future continues a fetch
    /// whose task was cancelled. Failed fetches are reported to [`on_fetch_error`](Self::on_fetch_error), and logged
    /// with the feature `tracing`. `sleep` is the timer of the runtime:
    ///
    /// ```no_run
    /// # use boltguard_jwks::{AsyncFetch, AsyncJwksClient};
    /// # fn spawn(client: AsyncJwksClient<impl AsyncFetch>) {
    /// tokio::spawn(async move { client.run(tokio::time::sleep).await });
    /// # }
    /// ```
    pub async fn run<S, T>(&self, sleep: S) -> Infallible
    where
        S: Fn(Duration) -> T,
        T: Future<Output = ()>,
    {
        let inner = &*self.inner;
        loop {
            while let Some(job) = inner.take_abandoned() {
                let _ = inner.continuing(job).await;
            }
            // The result is stored in the key set.
            let _ = self.keys().await;
            let time = inner.remote.next_refresh_in(Instant::now());
            inner.abandoned_or(sleep(time.max(SHORTEST_PAUSE))).await;
        }
    }
}

impl<F: AsyncFetch> Inner<F> {
    fn begin(&self, permit: FetchPermit, now: Instant) -> Fetching<'_, F> {
        // An abandoned fetch is lost if there is another permit.
        drop(self.take_abandoned());
        self.continuing(self.job(permit, now))
    }

    fn job(&self, permit: FetchPermit, now: Instant) -> Job {
        let (fetch, source) = (Arc::clone(&self.fetch), self.source.clone());
        let failures = Arc::clone(&self.failures);
        let job = async move {
            let started = Instant::now();
            let response = request(&*fetch, &source, permit.limits().bytes, now).await;
            let fetched = permit.finish(response, now + started.elapsed());
            failures.report(&source, &fetched);
            fetched.keys()
        };
        Box::pin(job)
    }
}

async fn request<F: AsyncFetch>(
    fetch: &F,
    source: &JwksSource,
    limit: usize,
    now: Instant,
) -> Result<Response, FetchError> {
    let mut request = source.begin(now);
    loop {
        let response = fetch.fetch(request.url(), limit).await;
        match request.resume(response, now) {
            SourceStep::Done(result) => return result,
            SourceStep::Request(next) => request = next,
        }
    }
}

impl<F> Inner<F> {
    fn continuing(&self, job: Job) -> Fetching<'_, F> {
        Fetching {
            inner: self,
            job: Some(job),
            wait: None,
            is_own: true,
        }
    }

    fn waiting(&self, wait: FetchWait) -> Fetching<'_, F> {
        Fetching {
            inner: self,
            job: None,
            wait: Some(wait),
            is_own: false,
        }
    }

    fn abandon(&self, job: Job) {
        let replaced = self.abandoned().replace(job);
        drop(replaced);
        self.remote.wake_all();
        self.background.wake_all();
    }

    fn take_abandoned(&self) -> Option<Job> {
        self.abandoned().take()
    }

    fn abandoned(&self) -> MutexGuard<'_, Option<Job>> {
        self.abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a fetch was abandoned or `sleep` ends.
    async fn abandoned_or(&self, sleep: impl Future<Output = ()>) {
        let mut sleep = pin!(sleep);
        let mut registered = Registered {
            tasks: &self.background,
            task: None,
        };
        poll_fn(|context| {
            registered.tasks.register(&mut registered.task, context);
            match self.abandoned().is_some() {
                true => Poll::Ready(()),
                false => sleep.as_mut().poll(context),
            }
        })
        .await;
    }
}

/// A task that is removed when it no longer waits.
struct Registered<'t> {
    tasks: &'t WaitingTasks,
    task: Option<u64>,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.task {
            self.tasks.remove(task);
        }
    }
}

/// A task that fetches, or waits for another one and continues its fetch if it is cancelled.
///
/// The output is the result of the task's own fetch. The fetch of another task may have begun before the set changed,
/// so the caller has to check again.
struct Fetching<'c, F> {
    inner: &'c Inner<F>,
    job: Option<Job>,
    wait: Option<FetchWait>,
    is_own: bool,
}

impl<F> Future for Fetching<'_, F> {
    type Output = Option<Result<Arc<KeySet>, Unavailable>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // It must be registered before it looks for an abandoned fetch, since it could miss one otherwise.
        if let Some(wait) = &mut self.wait {
            if Pin::new(wait).poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if let Some(job) = self.inner.take_abandoned() {
                self.job = Some(job);
                self.wait = None;
            }
        }
        // A fetch that panics must not be continued.
        let Some(mut job) = self.job.take() else {
            return Poll::Pending;
        };
        match job.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(self.is_own.then_some(result)),
            Poll::Pending => {
                self.job = Some(job);
                Poll::Pending
            }
        }
    }
}

impl<F> Drop for Fetching<'_, F> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.inner.abandon(job);
        }
    }
}

impl<F> Clone for AsyncJwksClient<F> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<F> fmt::Debug for AsyncJwksClient<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncJwksClient")
            .field("source", &self.inner.source)
            .field("remote", &self.inner.remote)
            .finish_non_exhaustive()
    }
}

/// The shortest time between two refreshes in the background.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
