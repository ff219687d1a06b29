//! A client that fetches keys when they are needed, for threads that can block.

#![expect(
    clippy::disallowed_methods,
    reason = "the client reads the clock for the keys it fetches"
)]

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use boltguard_keys::KeySet;

use crate::{FetchError, Refresh, RefreshStep, RemoteKeySet, Response, Unavailable};

/// A blocking function that fetches a JWK Set.
///
/// Implement it to use another HTTP client. Don't follow redirects, don't request compression, read at most `limit + 1`
/// bytes, and use a timeout that is shorter than [`RefreshPolicy::lock_timeout`](crate::RefreshPolicy::lock_timeout).
pub trait Fetch: Send + Sync {
    /// Returns the server's response, regardless of its status.
    ///
    /// # Errors
    ///
    /// [`FetchError::Connection`], [`FetchError::Timeout`], [`FetchError::TooLarge`] or [`FetchError::Encoded`].
    fn fetch(&self, limit: usize) -> Result<Response, FetchError>;
}

impl Fetch for Box<dyn Fetch> {
    fn fetch(&self, limit: usize) -> Result<Response, FetchError> {
        (**self).fetch(limit)
    }
}

impl<F: Fn(usize) -> Result<Response, FetchError> + Send + Sync> Fetch for F {
    fn fetch(&self, limit: usize) -> Result<Response, FetchError> {
        self(limit)
    }
}

/// The keys of another issuer, for threads that can block.
///
/// ```
/// use std::sync::Arc;
/// use boltguard_jwks::{FetchError, JwksClient, RemoteKeySet, Response, RefreshPolicy};
/// use boltguard_keys::Algorithm;
///
/// let fetch = |_limit: usize| -> Result<Response, FetchError> {
///     let body = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026",
///         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
///     Ok(Response { status: 200, cache_control: None, body: body.to_vec() })
/// };
/// let remote = Arc::new(RemoteKeySet::new(&[Algorithm::EdDsa], RefreshPolicy::default())?);
/// let client = JwksClient::new(remote, fetch);
///
/// assert_eq!(client.keys()?.len(), 1);
/// // The set doesn't contain this key. It is fetched once more, and not again until the cooldown has passed.
/// assert_eq!(client.keys_for(Some("2027"))?.select(Algorithm::EdDsa, Some("2027")).count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JwksClient<F> {
    remote: Arc<RemoteKeySet>,
    fetch: F,
}

impl<F: Fetch> JwksClient<F> {
    /// Creates a client that fetches the keys of `remote` with `fetch` when they are first needed.
    pub fn new(remote: Arc<RemoteKeySet>, fetch: F) -> Self {
        Self { remote, fetch }
    }

    /// Returns the key set that this client refreshes.
    #[must_use]
    pub fn remote(&self) -> &Arc<RemoteKeySet> {
        &self.remote
    }

    /// Returns the keys, and fetches them first if they are stale.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub fn keys(&self) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh_now(Refresh::IfStale)
    }

    /// Returns the keys for a token with this `kid`, and fetches them first if they are stale or don't contain it.
    ///
    /// For an unknown `kid`, they are fetched at most once per cooldown. The returned set may still not contain it; use
    /// [`KeySet::select`].
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub fn keys_for(&self, kid: Option<&str>) -> Result<Arc<KeySet>, Unavailable> {
        let now = Instant::now();
        let keys = self.refresh(Refresh::IfStale, now)?;
        match kid {
            Some(kid) if !keys.names(kid) => self.refresh(Refresh::UnknownKid, now),
            _ => Ok(keys),
        }
    }

    /// Calls [`refresh`](Self::refresh) with the current time.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub fn refresh_now(&self, refresh: Refresh) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh(refresh, Instant::now())
    }

    /// Fetches the keys or waits for another thread that fetches them, if required at `now`, and returns them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub fn refresh(&self, refresh: Refresh, now: Instant) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh_or_wait(refresh, refresh.after_wait(), now)
    }

    /// Implements [`refresh`](Self::refresh). `after_wait` applies after waiting for another thread.
    fn refresh_or_wait(
        &self,
        refresh: Refresh,
        after_wait: Refresh,
        now: Instant,
    ) -> Result<Arc<KeySet>, Unavailable> {
        if self.remote.is_up_to_date(refresh, now) {
            return Ok(self.remote.load_full());
        }
        let started = Instant::now();
        match self.remote.step(refresh, now) {
            RefreshStep::Fetch(permit) => {
                let response = self.fetch.fetch(permit.limits().bytes);
                return permit.finish(response, now + started.elapsed()).keys();
            }
            RefreshStep::Unavailable(unavailable) => return Err(unavailable),
            RefreshStep::Use(keys) => return Ok(keys),
            RefreshStep::Wait(wait) => wait.wait(),
        }
        self.refresh_or_wait(after_wait, Refresh::IfStale, now + started.elapsed())
    }
}

impl<F> fmt::Debug for JwksClient<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksClient")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
