//! Boltguard for [tower](https://docs.rs/tower): a layer that authenticates requests and checks a guard.
//!
//! [`GuardLayer`] evaluates each request with a [`Gate`](boltguard::Gate). The service is called if the guard allows
//! the request, and finds the [`AdmittedCaller`](boltguard::AdmittedCaller) in the extensions. Otherwise, the layer
//! responds itself: with 401, 403, or 503 if the credentials can't be checked. It never returns an error.
//!
//! ```
//! use boltguard::guard::Guard;
//! use boltguard::jwt::ClaimsPolicy;
//! use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
//! use boltguard::{AdmittedCaller, Gate, JwtBackend};
//! use boltguard_tower::GuardLayer;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! async fn hello(request: Request<()>) -> Result<Response<Full<Bytes>>, std::io::Error> {
//!     let caller: &AdmittedCaller = request.extensions().get().expect("GuardLayer adds it");
//!     assert!(caller.is_authenticated());
//!     Ok(Response::new("hello".into()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Once, at startup.
//! let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
//! let keys = KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]);
//! let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
//! let gate = Gate::new([backend.into()], &Guard::authenticated())?;
//! let service = GuardLayer::new(gate)?.layer(service_fn(hello));
//!
//! let response = service.oneshot(Request::new(())).await?;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
//! # Requests
//!
//! - The credentials are in the headers and cookies that the backends of the gate read, and nowhere else. A header
//!   counts as absent if it occurs more than once, or if its value isn't a string.
//! - An `AdmittedCaller` that is already in the extensions, such as that of an outer layer, is replaced.
//! - `OPTIONS` requests are evaluated like all others. Browsers send CORS preflight requests without credentials, so
//!   put a layer for CORS outside.
//! - Everything else is passed on unchanged: the method, the body, and an upgrade such as that to a WebSocket.
//!
//! # Responses
//!
//! A refusal has the status, `WWW-Authenticate`, `Retry-After` and a JSON body of the [`Refusal`](boltguard::Refusal).
//! The refusal itself, with the precise reason for a log, is in the extensions of the response, where an outer layer
//! finds it. A service that checks further guards returns `Response::<String>::from(refusal)`. With the feature
//! `tracing`, the layer logs all refusals itself, as events with the target `boltguard` and the level `INFO`.
//!
//! All responses have `Vary` with the headers that can contain credentials. They have `Cache-Control: private` if the
//! caller is authenticated and the service doesn't set this header. Bodies are passed on unchanged.
//!
//! # Stores and keys that must be waited for
//!
//! If the keys of an issuer are fetched, or revoked tokens are in a store that isn't in memory, create the layer with
//! the [`AsyncEdge`](boltguard::AsyncEdge) that does this: [`GuardLayer::with_edge`]. It is cloned for each request. If
//! the edge doesn't provide everything that the gate may need, the result is an error that names the backend or the
//! check. [`JwksEdge`](boltguard::JwksEdge) has an example for the tokens of an issuer, and
//! [`Services`](boltguard::Services) combines several edges.
//!
//! # gRPC
//!
//! With the feature `grpc`, the layer also guards the services of [tonic](https://docs.rs/tonic):
//! `GuardLayer::with_grpc` refuses calls with statuses of gRPC, and exempts services such as that of health checks.
//! Methods find the `AdmittedCaller` in the extensions of the `tonic::Request`. `Grpc::code` converts the refusal of a
//! method to a status; the layer doesn't log such refusals, because a `tonic::Status` doesn't contain them.

mod body;
#[cfg(feature = "grpc")]
mod grpc;
mod layer;
#[cfg(feature = "tracing")]
mod log;
mod response;
mod service;
mod websocket;

pub use body::GuardBody;
#[cfg(feature = "grpc")]
pub use grpc::{Grpc, ServiceNameError};
pub use layer::GuardLayer;
pub use service::{GuardFuture, GuardService};
