//! A client: keys, a clock, and something that fetches.

#![expect(
    clippy::disallowed_methods,
    reason = "the client reads the clock for the keys it fetches"
)]

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use boltguard_keys::KeySet;

use crate::{FetchError, Refresh, RefreshStep, RemoteKeySet, Response, Unavailable};

/// Gets a JWK Set from where it is; it may block.
///
/// Implement it for an HTTP client of your own. Follow no redirect, ask for no compression, read no more than `limit`
/// bytes and one more, and give up after a time that is shorter than
/// [`RefreshPolicy::lock_timeout`](crate::RefreshPolicy::lock_timeout).
pub trait Fetch: Send + Sync {
    /// What the server answers, whatever its status.
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

/// The keys of another issuer, for a thread that may block.
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
/// // Not there: fetched once more, and not again before the cooldown is over.
/// assert_eq!(client.keys_for(Some("2027"))?.select(Algorithm::EdDsa, Some("2027")).count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JwksClient<F> {
    remote: Arc<RemoteKeySet>,
    fetch: F,
}

impl<F: Fetch> JwksClient<F> {
    /// Fetches `remote` by `fetch`; nothing before the first question.
    pub fn new(remote: Arc<RemoteKeySet>, fetch: F) -> Self {
        Self { remote, fetch }
    }

    /// The keys that are fetched.
    #[must_use]
    pub fn remote(&self) -> &Arc<RemoteKeySet> {
        &self.remote
    }

    /// The keys of now.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are none that may be used.
    pub fn keys(&self) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh(Refresh::IfStale, Instant::now())
    }

    /// The keys of now, fetched anew if none of them has the token's `kid`, unless that was done within the cooldown.
    /// Whether the key is there is for [`KeySet::select`] to say.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are none that may be used.
    pub fn keys_for(&self, kid: Option<&str>) -> Result<Arc<KeySet>, Unavailable> {
        let now = Instant::now();
        let keys = self.refresh(Refresh::IfStale, now)?;
        match kid {
            Some(kid) if !keys.names(kid) => self.refresh(Refresh::UnknownKid, now),
            _ => Ok(keys),
        }
    }

    /// Does what is to be done at `now`: fetches, waits for another thread that does, or neither.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no keys that may be used.
    pub fn refresh(&self, need: Refresh, now: Instant) -> Result<Arc<KeySet>, Unavailable> {
        self.refresh_waiting(need, need.after_wait(), now)
    }

    /// As [`refresh`](Self::refresh); `then` is what is needed once the fetch of another thread is over.
    fn refresh_waiting(
        &self,
        need: Refresh,
        then: Refresh,
        now: Instant,
    ) -> Result<Arc<KeySet>, Unavailable> {
        if self.remote.is_settled(need, now) {
            return Ok(self.remote.load_full());
        }
        let began = Instant::now();
        match self.remote.step(need, now) {
            RefreshStep::Fetch(permit) => {
                let answer = self.fetch.fetch(permit.limits().bytes);
                return permit.finish(answer, now + began.elapsed()).keys();
            }
            RefreshStep::Unavailable(unavailable) => return Err(unavailable),
            RefreshStep::Use(keys) => return Ok(keys),
            RefreshStep::Wait(waiting) => waiting.wait(),
        }
        self.refresh_waiting(then, Refresh::IfStale, now + began.elapsed())
    }
}

impl<F> fmt::Debug for JwksClient<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksClient")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
