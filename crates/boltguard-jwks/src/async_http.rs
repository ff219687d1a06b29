//! Fetching with HTTP, [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110), on the runtime of tokio.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::http_headers::{ACCEPT, USER_AGENT, cache_control, is_encoded, sensitive_header};
use crate::{AsyncFetch, FetchError, JwksConfigError, JwksUrl, RefreshPolicy, Response};

/// An HTTP/1.1 client for JWK Sets on the runtime of tokio, with TLS 1.2 or 1.3 and a timeout of five seconds.
///
/// It doesn't follow redirects, request compression, reuse connections or use a proxy. It trusts Mozilla's root
/// certificates (crate `webpki-roots`), unless [others are configured](Self::trusting). TLS uses `ring`, or the default
/// provider that the program has installed; this crate doesn't install one.
///
/// A fetch runs in its own task, and ends within its timeout if the caller is cancelled.
///
/// ```no_run
/// use std::sync::Arc;
/// use boltguard_jwks::{AsyncHttpFetch, AsyncJwksClient, JwksUrl, RefreshPolicy, RemoteKeySet};
/// use boltguard_keys::Algorithm;
///
/// # async fn fetch() -> Result<(), Box<dyn std::error::Error>> {
/// let url = JwksUrl::new("https://id.example.com/.well-known/jwks.json")?;
/// let remote = Arc::new(RemoteKeySet::new(&[Algorithm::Rs256], RefreshPolicy::default())?);
/// let client = AsyncJwksClient::new(remote, url, AsyncHttpFetch::new());
/// let keys = client.keys_for(Some("2026")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AsyncHttpFetch {
    timeout: Duration,
    headers: HeaderMap,
    roots: Arc<RootCertStore>,
}

impl AsyncHttpFetch {
    /// Creates a client.
    #[must_use]
    pub fn new() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self {
            timeout: Duration::from_secs(5),
            headers: HeaderMap::new(),
            roots: Arc::new(roots),
        }
    }

    /// Sets the timeout of a request. If the source is the metadata of an issuer, a fetch consists of two requests.
    ///
    /// That must be shorter than [`RefreshPolicy::lock_timeout`](crate::RefreshPolicy::lock_timeout), and is limited to
    /// [`RefreshPolicy::LONGEST`].
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
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
        let (name, value) = sensitive_header(name.as_ref(), value.as_ref())?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Trusts only these certificate authorities, given as PEM.
    ///
    /// # Errors
    ///
    /// [`JwksConfigError::Certificate`] if there is none, or one can't be read.
    pub fn trusting(mut self, pem: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref().as_bytes()) {
            let added = certificate.map(|certificate| roots.add(certificate));
            if !matches!(added, Ok(Ok(()))) {
                return Err(JwksConfigError::Certificate);
            }
        }
        if roots.is_empty() {
            return Err(JwksConfigError::Certificate);
        }
        self.roots = Arc::new(roots);
        Ok(self)
    }

    async fn get(&self, url: &JwksUrl, limit: usize) -> Result<Response, FetchError> {
        let uri: Uri = url.as_str().parse().map_err(|_| FetchError::Connection)?;
        let host = uri.host().ok_or(FetchError::Connection)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(match url.is_https() {
            true => 443,
            false => 80,
        });
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|_| FetchError::Connection)?;
        if !url.is_https() {
            return send(stream, self.request(url, &uri)?, limit).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| FetchError::Connection)?;
        let stream = self.connector()?.connect(name, stream).await;
        let stream = stream.map_err(|_| FetchError::Connection)?;
        send(stream, self.request(url, &uri)?, limit).await
    }

    fn connector(&self) -> Result<TlsConnector, FetchError> {
        let installed = CryptoProvider::get_default().cloned();
        let provider = installed.unwrap_or_else(|| Arc::new(provider::default_provider()));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| FetchError::Connection)?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn request(&self, url: &JwksUrl, uri: &Uri) -> Result<Request<String>, FetchError> {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::get(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, ACCEPT)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CONNECTION, "close")
            .body(String::new())
            .map_err(|_| FetchError::Connection)?;
        for (name, value) in self.headers.iter().filter(|_| !url.is_third_party()) {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }
}

impl Default for AsyncHttpFetch {
    fn default() -> Self {
        Self::new()
    }
}

impl AsyncFetch for AsyncHttpFetch {
    async fn fetch(&self, url: &JwksUrl, limit: usize) -> Result<Response, FetchError> {
        let (client, url) = (self.clone(), url.clone());
        let task = async move {
            let response = tokio::time::timeout(client.timeout, client.get(&url, limit)).await;
            response.unwrap_or(Err(FetchError::Timeout))
        };
        tokio::spawn(task).await.unwrap_or(Err(FetchError::Lost))
    }
}

impl fmt::Debug for AsyncHttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncHttpFetch")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Sends the request, and reads the body of the response up to the limit.
async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<String>,
    limit: usize,
) -> Result<Response, FetchError> {
    let handshake = http1::Builder::new()
        .max_buf_size(MAX_HEADER)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|_| FetchError::Connection)?;
    let exchange = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(|_| FetchError::Connection)?;
        read(response, limit).await
    };
    let (mut connection, mut exchange) = (pin!(connection), pin!(exchange));
    let mut is_open = true;
    poll_fn(|context| {
        // The exchange learns of errors of the connection, and ends before the server closes it.
        is_open = is_open && connection.as_mut().poll(context).is_pending();
        exchange.as_mut().poll(context)
    })
    .await
}

async fn read(response: hyper::Response<Incoming>, limit: usize) -> Result<Response, FetchError> {
    if is_encoded(response.headers()) {
        return Err(FetchError::Encoded);
    }
    let status = response.status().as_u16();
    // The bodies of responses with another status aren't used.
    if status != 200 {
        return Ok(Response {
            status,
            ..Response::default()
        });
    }
    Ok(Response {
        status,
        cache_control: cache_control(response.headers()),
        body: read_body(response.into_body(), limit).await?,
    })
}

async fn read_body(mut body: Incoming, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.map_err(|_| FetchError::Connection)?.into_data() {
            if data.len() > limit - bytes.len() {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// The maximum size of the header of a response.
const MAX_HEADER: usize = 64 * 1024;
