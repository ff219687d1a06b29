//! Keys with names, sets of them, and times after a start.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use boltguard_jwks::{
    FetchError, FetchPermit, Refresh, RefreshPolicy, RefreshStep, RemoteKeySet, Response,
    Unavailable,
};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_testing::keys;

pub(crate) const ALGORITHMS: &[Algorithm] = &[Algorithm::EdDsa, Algorithm::Es256];

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A JWK Set of Ed25519 keys with these names.
pub(crate) fn jwks(names: &[&str]) -> String {
    let key = |name: &&str| keys::verifying_key(Algorithm::EdDsa).with_key_id(*name);
    names.iter().map(key).collect::<KeySet>().to_jwks()
}

pub(crate) fn response(names: &[&str]) -> Response {
    body(jwks(names))
}

pub(crate) fn body(body: impl Into<Vec<u8>>) -> Response {
    Response {
        status: 200,
        cache_control: None,
        body: body.into(),
    }
}

pub(crate) fn remote() -> Arc<RemoteKeySet> {
    Arc::new(RemoteKeySet::new(ALGORITHMS, RefreshPolicy::default()).unwrap())
}

/// The names of the keys.
pub(crate) fn names(keys: &KeySet) -> Vec<&str> {
    let named = keys.keys().iter().filter_map(|key| key.key_id());
    named.map(|name| name.as_str()).collect()
}

/// The result of a future that doesn't wait.
#[track_caller]
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

/// A remote set and a clock that only moves when the test moves it.
pub(crate) struct Scene {
    pub(crate) remote: Arc<RemoteKeySet>,
    pub(crate) now: Instant,
}

impl Scene {
    pub(crate) fn new(policy: RefreshPolicy) -> Self {
        Self {
            remote: Arc::new(RemoteKeySet::new(ALGORITHMS, policy).unwrap()),
            now: Instant::now(),
        }
    }

    /// A scene that has fetched these keys.
    pub(crate) fn with_keys(names: &[&str]) -> Self {
        let scene = Self::new(RefreshPolicy::default());
        scene
            .fetch(Refresh::IfStale)
            .finish(Ok(response(names)), scene.now)
            .keys()
            .unwrap();
        scene
    }

    pub(crate) fn after(&mut self, time: u64) -> &mut Self {
        self.now += seconds(time);
        self
    }

    pub(crate) fn step(&self, need: Refresh) -> RefreshStep {
        self.remote.step(need, self.now)
    }

    #[track_caller]
    pub(crate) fn fetch(&self, need: Refresh) -> FetchPermit {
        match self.step(need) {
            RefreshStep::Fetch(permit) => permit,
            other => panic!("no fetch: {other:?}"),
        }
    }

    /// The names of the keys to use.
    #[track_caller]
    pub(crate) fn uses(&self, need: Refresh) -> Vec<String> {
        match self.step(need) {
            RefreshStep::Use(keys) => names(&keys).into_iter().map(str::to_owned).collect(),
            other => panic!("no keys: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn unavailable(&self, need: Refresh) -> Unavailable {
        match self.step(need) {
            RefreshStep::Unavailable(unavailable) => unavailable,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// A fetch that fails immediately.
    pub(crate) fn fail(&self, need: Refresh) {
        let fetched = self
            .fetch(need)
            .finish(Err(FetchError::Connection), self.now);
        assert_eq!(fetched.problem(), Some(FetchError::Connection));
    }
}
