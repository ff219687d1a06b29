//! The JWK Sets of other issuers: a refresh policy, and a client that fetches them.
//!
//! An issuer publishes its public keys at a URL and can change them at any time ([RFC 7517
//! §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)). Services that verify its tokens cache the keys. The refresh
//! policy limits both the number of fetches and how long keys are trusted:
//!
//! - A set is fresh for its TTL. After that, the first request that needs it fetches it again, and others continue to
//!   use the old set.
//! - A token whose key isn't in the set may be signed with a new key. The set is fetched again, at most once per
//!   cooldown, regardless of how many such tokens are received.
//! - Only one fetch runs at a time. If no keys are available, other requests wait for it. For an unknown key, up to two
//!   other requests wait, and the rest continue with the available keys, so that a slow issuer doesn't block every
//!   thread. The cooldown starts when the fetch ends.
//! - After a failed fetch, there is a delay, which doubles each time. The old set is used for at most one hour by
//!   default; after that, no token is accepted.
//! - The response is parsed by the strict parser of [`boltguard_keys`], with size limits. A set that is malformed,
//!   empty, or contains a private key is rejected, and the old set remains in use. Individual keys that can't be used,
//!   including secrets, are skipped and listed with the reasons: [`Fetched::skipped`], [`RemoteKeySet::skipped`].
//!
//! The URL of the set is configured, or read from the metadata of the issuer: [`JwksSource::discover`].
//!
//! [`RemoteKeySet`] implements this policy without reading a clock or opening a connection. [`JwksClient`] adds the
//! clock, and fetches the set with a [`Fetch`] implementation, such as `HttpFetch` (feature `http`). It is for threads
//! that can block. [`AsyncJwksClient`] does the same for asynchronous code on any runtime, with an [`AsyncFetch`]
//! implementation, such as `AsyncHttpFetch` (feature `async-http`). Other code calls [`RemoteKeySet::step`] directly.
//!
//! [`AsyncJwksClient::on_fetch_error`] calls a function for each failed fetch. With the feature `tracing`, the client
//! also logs them, as events with the target `boltguard` and the level `WARN`. With the feature `metrics`, each fetch
//! of a [`RemoteKeySet`] increments the counter `boltguard_jwks_fetches_total`. Its label `result` is `succeeded` or
//! `failed`, and `error` is [`FetchError::kind`] or `none`.

mod async_client;
#[cfg(feature = "async-http")]
mod async_http;
mod client;
mod error;
#[cfg(feature = "http")]
mod http;
#[cfg(any(feature = "async-http", feature = "http"))]
mod http_headers;
mod metadata;
mod permit;
mod policy;
mod remote;
mod report;
mod response;
mod schedule;
mod shared;
mod source;
mod url;

pub use async_client::{AsyncFetch, AsyncJwksClient};
#[cfg(feature = "async-http")]
pub use async_http::AsyncHttpFetch;
pub use client::{Fetch, JwksClient};
pub use error::{DiscoveryError, FetchError, JwksConfigError, Unavailable};
#[cfg(feature = "http")]
pub use http::HttpFetch;
pub use permit::{FetchPermit, FetchWait, Fetched};
pub use policy::RefreshPolicy;
pub use remote::{KeyObserver, Refresh, RefreshStep, RemoteKeySet};
pub use response::{Limits, Response};
pub use source::{JwksSource, SourceRequest, SourceStep};
pub use url::JwksUrl;
