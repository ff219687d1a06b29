//! Boltguard for [axum](https://docs.rs/axum): extractors for the caller of a request, and the end of WebSockets.
//!
//! [`GuardLayer`] authenticates requests and checks a guard. Add it with `route_layer`, so that the response to an
//! unknown path is still 404. Handlers receive the caller with the extractor [`Authenticated`].
//!
//! ```
//! use axum::{Router, routing::get};
//! use boltguard::guard::Guard;
//! use boltguard::jwt::ClaimsPolicy;
//! use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
//! use boltguard::{Gate, JwtBackend};
//! use boltguard_axum::{Authenticated, GuardLayer};
//!
//! fn app(secret: Secret) -> Result<Router, Box<dyn std::error::Error>> {
//!     let key = VerifyingKey::new(&Key::Secret(secret), Algorithm::Hs256)?;
//!     let policy = ClaimsPolicy::new().with_issuer(["https://id.example.com"]);
//!     let backend = JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], policy)?;
//!     let gate = Gate::new([backend.into()], &Guard::authenticated())?;
//!     Ok(Router::new().route("/me", get(me)).route_layer(GuardLayer::new(gate)?))
//! }
//!
//! async fn me(caller: Authenticated) -> String {
//!     format!("hello {}", caller.user_id().unwrap_or_default())
//! }
//! # use tower::ServiceExt;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let app = app(Secret::new(b"a secret that is thirty-two bytes")?)?;
//! # for (path, status) in [("/me", 401), ("/unknown", 404)] {
//! #     let request = http::Request::get(path).body(axum::body::Body::empty())?;
//! #     assert_eq!(app.clone().oneshot(request).await?.status(), status);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Guards
//!
//! Routes with different guards have different gates, with clones of the same backends: `Gate::new(backends.clone(),
//! &guard)`. Put each gate around its own `Router`, and merge the routers. With `layer` instead of `route_layer`, the
//! guard also applies to unknown paths, so that a client without credentials can't tell which paths exist.
//!
//! The handlers of WebSockets, of streams and of `OPTIONS` are guarded like all others. Put a layer for CORS outside,
//! because browsers send preflight requests without credentials. See [`boltguard_tower`] for the details.
//!
//! Refused requests are logged, also those that an extractor or a handler refuses: as events of `tracing` with the
//! target `boltguard`, the level `INFO` and the precise reason.
//!
//! # Tokens of an issuer
//!
//! With the feature `jwks-async-http` of `boltguard`, the keys of an issuer are found by its name, and refreshed in the
//! background:
//!
//! ```
//! use boltguard::jwks::{AsyncHttpFetch, AsyncJwksClient, JwksSource};
//! use boltguard::jwt::ClaimsPolicy;
//! use boltguard::keys::Algorithm;
//! use boltguard::{Gate, JwksEdge, JwtBackend};
//! use boltguard_axum::GuardLayer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # let _context = runtime.enter();
//! let source = JwksSource::discover("https://id.example.com")?;
//! let issuer = AsyncJwksClient::from_source(source, &[Algorithm::Rs256], AsyncHttpFetch::new())?;
//! let background = issuer.clone();
//! tokio::spawn(async move { background.run(tokio::time::sleep).await });
//!
//! let policy = ClaimsPolicy::new().with_audience(["shop"]);
//! let backend = JwtBackend::for_issuer(&issuer, policy)?;
//! let gate = Gate::new([backend.into()], &r#"perm("blog.add")"#.parse()?)?;
//! let layer = GuardLayer::with_edge(gate, JwksEdge::new([issuer]))?;
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! A gate with further needs, such as a revocation store in Redis, has an edge of [`Services`](boltguard::Services).
//!
//! # Callers
//!
//! | extractor | without credentials | rejected credentials |
//! | --- | --- | --- |
//! | `Authenticated` | 401 | 401 |
//! | `Option<Authenticated>` | `None` | 401 |
//! | `Authenticated<C>` | 401 | 401, and 403 if the claims don't have the type `C` |
//!
//! A request without credentials only reaches the handler if the guard allows it, such as
//! [`Guard::allow_any`](boltguard::guard::Guard::allow_any). An extractor in a handler without a `GuardLayer` responds
//! with 500 and logs an error: it never accepts a request that wasn't evaluated.
//!
//! # Checks of an object
//!
//! A handler that has loaded an object checks another gate, and returns the refusal as a [`Rejection`]:
//!
//! ```
//! use axum::extract::{Path, State};
//! use boltguard::Gate;
//! use boltguard::guard::CheckResults;
//! use boltguard_axum::{Authenticated, Rejection};
//!
//! #[derive(Clone)]
//! struct App {
//!     /// `Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?`
//!     edit_post: Gate,
//! }
//!
//! async fn edit(
//!     State(app): State<App>,
//!     Path(id): Path<u32>,
//!     caller: Authenticated,
//! ) -> Result<String, Rejection> {
//!     let author = "ada"; // of the post with this ID, from the database
//!     let is_author = caller.user_id().as_deref() == Some(author);
//!     caller.check(&app.edit_post, &CheckResults::new().with("author", is_author))?;
//!     Ok(format!("saved {id}"))
//! }
//! ```
//!
//! # WebSockets
//!
//! The guard is checked when a WebSocket is opened. [`ConnectionWatch`] waits until the credentials are no longer
//! valid, so that the handler can close it with the code 4401.
//!
//! [`GuardLayer::with_websocket_protocol`] also accepts tokens as a subprotocol, because browsers can't set
//! `Authorization`.

mod authenticated;
mod connection_watch;
mod rejection;

pub use authenticated::Authenticated;
pub use boltguard::{AnyClaims, FromCaller};
pub use boltguard_tower::{GuardBody, GuardLayer, GuardService};
pub use connection_watch::ConnectionWatch;
pub use rejection::Rejection;
