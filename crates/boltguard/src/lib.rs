//! Authentication and authorisation for HTTP services: credentials, tokens, keys, guards and revocation in one call.
//!
//! A [`Gate`] is created once per route, from authentication backends and a guard. For each request, it takes the
//! headers and the current time, and returns a [`Step`]: an [`Outcome`], or a [`Need`] of something from outside.
//! Invalid configuration is an error, there are no fallbacks, and unverified data isn't used.
//!
//! ```
//! use boltguard::guard::Guard;
//! use boltguard::jwt::ClaimsPolicy;
//! use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
//! use boltguard::types::{NumericDate, Permission};
//! use boltguard::{Gate, JwtBackend, Outcome, Step};
//!
//! // Once, at startup.
//! let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
//! let keys = KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]);
//! let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
//! let guard = Guard::permission(Permission::new("blog.add")?) | Guard::staff();
//! let gate = Gate::new([backend.into()], &guard)?;
//!
//! // For each request.
//! let signer = SigningKey::new(&secret, Algorithm::Hs256)?;
//! let claims = br#"{"sub":"42","exp":1300819380,"permissions":["blog.*"]}"#;
//! let value = format!("Bearer {}", boltguard::jws::sign(claims, &Default::default(), &signer)?);
//! match gate.evaluate(&[("authorization", value.as_str())], NumericDate::from_secs(1_300_819_000)) {
//!     Step::Done(Outcome::Admitted(caller)) => assert_eq!(caller.user_id().as_deref(), Some("42")),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The following crates are re-exported, and each can be used on its own.
//!
//! With the feature `redis`, [`revocation`] contains `RedisRevocation`, a list of revoked tokens in Redis, and
//! `ReplicatedRevocation`, a copy of a shared list in memory, which takes effect on all machines within a guaranteed
//! time. With the feature `jwks-http`, [`jwks`] contains `HttpFetch`, which fetches the keys of other issuers over
//! HTTP, and with `jwks-async-http`, it contains `AsyncHttpFetch`, which does so on the runtime of tokio.
//!
//! An asynchronous service drives its gates with [`Gate::check`]. [`Services`] combines what they need from outside:
//! the keys of other issuers, a revocation store and stored API keys.

mod admitted_caller;
mod api_key_edge;
mod api_key_table;
mod backend;
mod caller;
pub mod config;
mod cookie;
mod credential_watch;
mod credentials;
#[cfg(feature = "metrics")]
mod decision_metrics;
mod edge;
mod edge_error;
mod error;
mod evaluation;
mod failure;
mod freshness;
mod gate;
mod header_name;
mod ignored_grants;
mod issuers;
mod jwks_edge;
mod key_generation;
mod need;
mod now;
mod origin;
mod possible_need;
mod public_error;
mod refusal;
mod request;
mod response_headers;
mod revocation_edge;
mod revocation_query;
mod schemes;
mod services;
mod shared_edge;
mod step_up;
mod token_cache;
mod websocket_protocol;

pub use boltguard_apikey as apikey;
pub use boltguard_grants as grants;
pub use boltguard_guard as guard;
pub use boltguard_jwks as jwks;
pub use boltguard_jws as jws;
pub use boltguard_jwt as jwt;
pub use boltguard_keys as keys;
pub use boltguard_mint as mint;
pub use boltguard_revocation as revocation;
pub use boltguard_session as session;
pub use boltguard_types as types;

pub use admitted_caller::{AdmittedCaller, AnyClaims, FromCaller};
pub use api_key_edge::ApiKeyEdge;
pub use api_key_table::ApiKeyTable;
pub use backend::{
    API_KEY_BACKEND, ApiKeyBackend, ApiKeySource, Authenticate, Authentication, Backend,
    CERTIFICATE_BACKEND, ClientCertificates, CustomBackend, EdgeBackend, Fingerprint, JWT_BACKEND,
    JwtBackend, MAX_CERTIFICATE, Revocation, StoreFailurePolicy, certificate_der,
};
pub use caller::{Anonymous, ApiKeyCaller, Caller, Credential, CredentialSource, CustomCaller};
pub use cookie::{DuplicateCookie, TokenCookie, find_cookie};
pub use credential_watch::{CHECK_TIMEOUT, CredentialWatch};
pub use credentials::Scheme;
#[cfg(feature = "metrics")]
pub use decision_metrics::count_decision;
pub use edge::{AsyncEdge, Edge};
pub use edge_error::EdgeError;
pub use error::ConfigError;
pub use evaluation::{Outcome, Step};
pub use failure::Failure;
pub use freshness::{Freshness, SnapshotRead};
pub use gate::Gate;
pub use header_name::HeaderName;
pub use jwks_edge::JwksEdge;
pub use need::{
    ApiKeyRefresh, EdgeAuthentication, KeyRefresh, Need, Refreshed, RevocationCheck,
    RevocationStatus, RunChecks,
};
pub use now::Now;
pub use origin::{OriginPolicy, RequestOrigin};
pub use possible_need::PossibleNeed;
pub use refusal::Refusal;
pub use request::{Headers, RequestParts, headers};
pub use revocation_edge::RevocationEdge;
pub use schemes::Schemes;
pub use services::Services;
pub use shared_edge::SharedEdge;
pub use token_cache::MAX_CACHED_TOKENS;
pub use websocket_protocol::{OfferedToken, WebSocketProtocol};
