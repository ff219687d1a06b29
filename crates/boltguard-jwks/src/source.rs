//! Where a JWK Set is: at a URL, or where the metadata of the issuer says.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::metadata::{self, Metadata};
use crate::{FetchError, JwksConfigError, JwksUrl, Response};

/// The source of a JWK Set: its URL, or the metadata of its issuer. Clones share the metadata.
///
/// With metadata, a fetch consists of up to two requests: one for the metadata, which is kept for a day, and one for
/// the set. If the set can't be fetched, the metadata is requested again by the next fetch.
///
/// It doesn't open connections: the clients of this crate send the requests, or your own code.
///
/// ```
/// use std::time::Instant;
/// use boltguard_jwks::{JwksSource, Response, SourceStep};
///
/// let source = JwksSource::discover("https://id.example.com/realms/a")?;
/// assert_eq!(source.issuer(), Some("https://id.example.com/realms/a"));
///
/// let now = Instant::now();
/// let request = source.begin(now);
/// let url = "https://id.example.com/realms/a/.well-known/openid-configuration";
/// assert_eq!(request.url().as_str(), url);
///
/// let body = br#"{"issuer":"https://id.example.com/realms/a","jwks_uri":"https://id.example.com/a.json"}"#;
/// let response = Response { status: 200, cache_control: None, body: body.to_vec() };
/// let SourceStep::Request(request) = request.resume(Ok(response), now) else { unreachable!() };
/// assert_eq!(request.url().as_str(), "https://id.example.com/a.json");
/// # Ok::<(), boltguard_jwks::JwksConfigError>(())
/// ```
#[derive(Clone)]
pub struct JwksSource(Kind);

#[derive(Clone)]
enum Kind {
    Discovered(Arc<Discovered>),
    Url(JwksUrl),
}

struct Discovered {
    issuer: Box<str>,
    metadata_url: JwksUrl,
    found: ArcSwapOption<Found>,
}

/// The URL from the metadata.
struct Found {
    url: JwksUrl,
    received_at: Instant,
}

impl JwksSource {
    /// Creates a source from the OpenID Connect configuration of this issuer, at
    /// `/.well-known/openid-configuration`: [OpenID Connect Discovery 1.0
    /// §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig).
    ///
    /// The issuer is the exact value of `iss` in its tokens. The policy must require it, too: `JwtBackend::for_issuer`
    /// adds it, and otherwise, pass it to `ClaimsPolicy::with_issuer`.
    ///
    /// # Errors
    ///
    /// - Those of [`JwksUrl::new`].
    /// - [`JwksConfigError::Issuer`] if the issuer has a query.
    pub fn discover(issuer: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let issuer = issuer.as_ref();
        Self::discovered(issuer, JwksUrl::new(issuer)?, metadata::openid_url)
    }

    /// Creates a source from the authorization server metadata of this issuer, at
    /// `/.well-known/oauth-authorization-server`: [RFC 8414 §3](https://www.rfc-editor.org/rfc/rfc8414#section-3).
    ///
    /// # Errors
    ///
    /// Those of [`discover`](Self::discover).
    pub fn discover_oauth(issuer: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let issuer = issuer.as_ref();
        Self::discovered(issuer, JwksUrl::new(issuer)?, metadata::oauth_url)
    }

    /// Creates a source like [`discover`](Self::discover), also for an `http:` issuer.
    ///
    /// With `http:`, anyone on the network can replace the keys, and therefore create valid tokens.
    ///
    /// # Errors
    ///
    /// Those of [`discover`](Self::discover), except [`JwksConfigError::NotHttps`].
    pub fn discover_allowing_http(issuer: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let issuer = issuer.as_ref();
        Self::discovered(
            issuer,
            JwksUrl::allowing_http(issuer)?,
            metadata::openid_url,
        )
    }

    /// Creates a source like [`discover_oauth`](Self::discover_oauth), also for an `http:` issuer.
    ///
    /// With `http:`, anyone on the network can replace the keys, and therefore create valid tokens.
    ///
    /// # Errors
    ///
    /// Those of [`discover`](Self::discover), except [`JwksConfigError::NotHttps`].
    pub fn discover_oauth_allowing_http(issuer: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let issuer = issuer.as_ref();
        Self::discovered(issuer, JwksUrl::allowing_http(issuer)?, metadata::oauth_url)
    }

    fn discovered(
        issuer: &str,
        url: JwksUrl,
        metadata_url: fn(&str) -> String,
    ) -> Result<Self, JwksConfigError> {
        if url.as_str().contains('?') {
            return Err(JwksConfigError::Issuer);
        }
        Ok(Self(Kind::Discovered(Arc::new(Discovered {
            issuer: issuer.into(),
            metadata_url: JwksUrl::allowing_http(metadata_url(issuer))?,
            found: ArcSwapOption::empty(),
        }))))
    }

    /// Returns the issuer, if its metadata is used.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        match &self.0 {
            Kind::Discovered(discovered) => Some(&discovered.issuer),
            Kind::Url(_) => None,
        }
    }

    /// Returns the first request of a fetch.
    pub fn begin(&self, now: Instant) -> SourceRequest {
        match &self.0 {
            Kind::Url(url) => SourceRequest {
                url: url.clone(),
                discovered: None,
                is_metadata: false,
            },
            Kind::Discovered(discovered) => discovered.begin(now),
        }
    }

    /// Returns the response with the set, requested with `get`, a function that can block.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`FetchError::Discovery`], [`FetchError::Redirect`] or [`FetchError::Status`] for the
    /// metadata.
    pub fn fetch(
        &self,
        now: Instant,
        get: impl Fn(&JwksUrl) -> Result<Response, FetchError>,
    ) -> Result<Response, FetchError> {
        let mut request = self.begin(now);
        loop {
            let response = get(&request.url);
            match request.resume(response, now) {
                SourceStep::Done(result) => return result,
                SourceStep::Request(next) => request = next,
            }
        }
    }
}

impl Discovered {
    fn begin(self: &Arc<Self>, now: Instant) -> SourceRequest {
        let found = self.found.load();
        let current = found.as_ref().filter(|found| found.is_current(now));
        SourceRequest {
            url: current
                .map_or(&self.metadata_url, |found| &found.url)
                .clone(),
            discovered: Some(Arc::clone(self)),
            is_metadata: current.is_none(),
        }
    }

    fn read(&self, response: &Response) -> Result<JwksUrl, FetchError> {
        let metadata = Metadata::parse(response)?;
        let url = metadata.jwks_url(&self.issuer, self.metadata_url.is_https())?;
        Ok(url.named_by(&self.metadata_url))
    }
}

impl Found {
    fn is_current(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.received_at) < LIFETIME
    }
}

impl From<JwksUrl> for JwksSource {
    fn from(url: JwksUrl) -> Self {
        Self(Kind::Url(url))
    }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Discovered(discovered) => write!(f, "JwksSource({})", discovered.metadata_url),
            Kind::Url(url) => write!(f, "JwksSource({url})"),
        }
    }
}

/// A request of a fetch.
#[must_use = "the fetch continues with its response"]
pub struct SourceRequest {
    url: JwksUrl,
    discovered: Option<Arc<Discovered>>,
    is_metadata: bool,
}

/// What follows after a response.
#[derive(Debug)]
#[must_use]
pub enum SourceStep {
    /// This is the response with the set, for [`FetchPermit::finish`](crate::FetchPermit::finish).
    Done(Result<Response, FetchError>),
    /// Send this request.
    Request(SourceRequest),
}

impl SourceRequest {
    /// Returns the URL to request.
    #[must_use]
    pub fn url(&self) -> &JwksUrl {
        &self.url
    }

    /// Continues with the response. Its body must have been limited to [`Limits::bytes`](crate::Limits::bytes).
    pub fn resume(self, response: Result<Response, FetchError>, now: Instant) -> SourceStep {
        let Some(discovered) = self.discovered else {
            return SourceStep::Done(response);
        };
        if !self.is_metadata {
            if !response.as_ref().is_ok_and(Response::has_set) {
                discovered.found.store(None);
            }
            return SourceStep::Done(response);
        }
        let url = match response.and_then(|response| discovered.read(&response)) {
            Ok(url) => url,
            Err(error) => return SourceStep::Done(Err(error)),
        };
        discovered.found.store(Some(Arc::new(Found {
            url: url.clone(),
            received_at: now,
        })));
        SourceStep::Request(Self {
            url,
            discovered: Some(discovered),
            is_metadata: false,
        })
    }
}

impl fmt::Debug for SourceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceRequest({})", self.url)
    }
}

/// How long the metadata is used.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
