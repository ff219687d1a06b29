//! The blocking and the asynchronous client.

use std::time::Duration;

use boltguard_jwks::{
    AsyncFetch, AsyncHttpFetch, Fetch, FetchError, HttpFetch, JwksConfigError, JwksUrl, Response,
};

/// Both clients, which must have the same result.
#[derive(Debug)]
pub(crate) struct Clients {
    url: JwksUrl,
    blocking: HttpFetch,
    asynchronous: AsyncHttpFetch,
}

impl Clients {
    pub(crate) fn new(url: JwksUrl) -> Self {
        let blocking = HttpFetch::new(url.clone()).without_proxy();
        let asynchronous = AsyncHttpFetch::new();
        Self {
            url,
            blocking,
            asynchronous,
        }
        .with_timeout(Duration::from_secs(60))
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.blocking = self.blocking.with_timeout(timeout);
        self.asynchronous = self.asynchronous.with_timeout(timeout);
        self
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Result<Self, JwksConfigError> {
        let asynchronous = self.asynchronous.with_header(name, value);
        self.blocking = self.blocking.with_header(name, value)?;
        self.asynchronous = asynchronous.expect("both clients have the same rules");
        Ok(self)
    }

    pub(crate) fn trusting(mut self, pem: &str) -> Result<Self, JwksConfigError> {
        let asynchronous = self.asynchronous.trusting(pem);
        self.blocking = self.blocking.trusting(pem).inspect_err(|error| {
            assert_eq!(asynchronous.as_ref().unwrap_err(), error);
        })?;
        self.asynchronous = asynchronous?;
        Ok(self)
    }

    pub(crate) fn fetch(&self, limit: usize) -> Result<Response, FetchError> {
        let [blocking, asynchronous] = self.fetch_each(limit);
        assert_eq!(blocking, asynchronous);
        blocking
    }

    pub(crate) fn fetch_each(&self, limit: usize) -> [Result<Response, FetchError>; 2] {
        [
            self.blocking.fetch(limit),
            block_on(self.asynchronous.fetch(&self.url, limit)),
        ]
    }
}

/// Runs a future in this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
