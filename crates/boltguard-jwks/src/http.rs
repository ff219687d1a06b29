//! Fetching with HTTP, [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110).

#![expect(
    clippy::disallowed_methods,
    reason = "the client reads the clock for the metadata it fetches"
)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::{HeaderName, HeaderValue};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error, Proxy, http};

use crate::http_headers::{ACCEPT, USER_AGENT, cache_control, is_encoded, sensitive_header};
use crate::{Fetch, FetchError, JwksConfigError, JwksSource, JwksUrl, RefreshPolicy, Response};

/// An HTTP/1.1 client for JWK Sets, with TLS 1.2 or 1.3 and a timeout of five seconds.
///
/// It doesn't follow redirects, request compression or reuse connections. It trusts Mozilla's root certificates (crate
/// `webpki-roots`), unless [others are configured](Self::trusting). TLS uses `ring`, or the default provider that the
/// program has installed; this crate doesn't install one. Requests use the proxy in `ALL_PROXY`, `HTTPS_PROXY` or
/// `HTTP_PROXY`, with the exceptions in `NO_PROXY`, unless [disabled](Self::without_proxy).
///
/// ```no_run
/// use std::sync::Arc;
/// use boltguard_jwks::{HttpFetch, JwksClient, JwksUrl, RemoteKeySet, RefreshPolicy};
/// use boltguard_keys::Algorithm;
///
/// let url = JwksUrl::new("https://id.example.com/.well-known/jwks.json")?;
/// let remote = Arc::new(RemoteKeySet::new(&[Algorithm::Rs256], RefreshPolicy::default())?);
/// let client = JwksClient::new(remote, HttpFetch::new(url));
/// let keys = client.keys_for(Some("2026"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HttpFetch {
    source: JwksSource,
    timeout: Duration,
    headers: Vec<(HeaderName, HeaderValue)>,
    roots: RootCerts,
    proxy: Option<Proxy>,
}

impl HttpFetch {
    /// Creates a client that fetches from a [`JwksUrl`] or another [`JwksSource`].
    #[must_use]
    pub fn new(source: impl Into<JwksSource>) -> Self {
        Self {
            source: source.into(),
            timeout: Duration::from_secs(5),
            headers: Vec::new(),
            roots: RootCerts::WebPki,
            proxy: Proxy::try_from_env(),
        }
    }

    /// Sets the timeout of a request. If the source is the metadata of an issuer, a fetch consists of two requests.
    ///
    /// That must be shorter than [`RefreshPolicy::lock_timeout`](crate::RefreshPolicy::lock_timeout), and is limited to
    /// [`RefreshPolicy::LONGEST`].
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        // The client adds it to the current time, which must not overflow.
        self.timeout = timeout.min(RefreshPolicy::LONGEST);
        self
    }

    /// Adds a header to the request. `Debug` doesn't show its value.
    ///
    /// It may be a secret of the issuer, so it isn't sent to a set whose URL is [of a third
    /// party](JwksUrl::is_third_party).
    ///
    /// # Errors
    ///
    /// [`JwksConfigError::Header`] if it can't be one.
    pub fn with_header(
        mut self,
        name: impl AsRef<str>,
        value: impl AsRef<str>,
    ) -> Result<Self, JwksConfigError> {
        let header = sensitive_header(name.as_ref(), value.as_ref())?;
        self.headers.push(header);
        Ok(self)
    }

    /// Trusts only these certificate authorities, given as PEM.
    ///
    /// # Errors
    ///
    /// [`JwksConfigError::Certificate`] if there is none, or one can't be read.
    pub fn trusting(mut self, pem: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let certificate = |item| match item {
            Ok(PemItem::Certificate(certificate)) => Ok(certificate),
            _ => Err(JwksConfigError::Certificate),
        };
        let items = parse_pem(pem.as_ref().as_bytes()).map(certificate);
        let certificates: Vec<Certificate<'static>> = items.collect::<Result<_, _>>()?;
        if certificates.is_empty() {
            return Err(JwksConfigError::Certificate);
        }
        self.roots = RootCerts::Specific(Arc::new(certificates));
        Ok(self)
    }

    /// Connects to the server directly, and ignores the proxy in the environment.
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.proxy = None;
        self
    }

    fn agent(&self, url: &JwksUrl) -> Agent {
        let tls = TlsConfig::builder().root_certs(self.roots.clone()).build();
        Agent::config_builder()
            .tls_config(tls)
            .proxy(self.proxy.clone())
            .https_only(url.is_https())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_global(Some(self.timeout))
            .user_agent(USER_AGENT)
            .accept(ACCEPT)
            .accept_encoding("identity")
            .build()
            .into()
    }

    fn send(&self, url: &JwksUrl) -> Result<http::Response<Body>, Error> {
        let request = self.agent(url).get(url.as_str());
        let headers = self.headers.iter().filter(|_| !url.is_third_party());
        let request = headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        request.call()
    }

    fn get(&self, url: &JwksUrl, limit: usize) -> Result<Response, FetchError> {
        let mut response = self.send(url).map_err(cause)?;
        if is_encoded(response.headers()) {
            return Err(FetchError::Encoded);
        }
        let status = response.status().as_u16();
        let cache_control = cache_control(response.headers());
        // The bodies of responses with another status aren't used.
        let body = match status {
            200 => response.body_mut().with_config().limit(limit as u64),
            _ => {
                return Ok(Response {
                    status,
                    ..Response::default()
                });
            }
        };
        Ok(Response {
            status,
            cache_control,
            body: body.read_to_vec().map_err(cause)?,
        })
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, limit: usize) -> Result<Response, FetchError> {
        self.source
            .fetch(Instant::now(), |url| self.get(url, limit))
    }
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFetch")
            .field("source", &self.source)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn cause(error: Error) -> FetchError {
    match error {
        Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => FetchError::TooLarge,
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => FetchError::Timeout,
        Error::Timeout(_) => FetchError::Timeout,
        _ => FetchError::Connection,
    }
}
