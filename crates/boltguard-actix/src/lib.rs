//! Boltguard for [actix-web](https://docs.rs/actix-web): a middleware that checks a guard, and extractors for the
//! caller of a request.
//!
//! [`GuardMiddleware`] authenticates requests and checks a guard. Handlers receive the caller with the extractor
//! [`Authenticated`].
//!
//! ```
//! use actix_web::web::{self, ServiceConfig};
//! use boltguard::guard::Guard;
//! use boltguard::jwt::ClaimsPolicy;
//! use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
//! use boltguard::{Gate, JwtBackend};
//! use boltguard_actix::{Authenticated, GuardMiddleware};
//!
//! fn guard(secret: Secret) -> Result<GuardMiddleware, Box<dyn std::error::Error>> {
//!     let key = VerifyingKey::new(&Key::Secret(secret), Algorithm::Hs256)?;
//!     let policy = ClaimsPolicy::new().with_issuer(["https://id.example.com"]);
//!     let backend = JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], policy)?;
//!     let gate = Gate::new([backend.into()], &Guard::authenticated())?;
//!     Ok(GuardMiddleware::new(gate)?)
//! }
//!
//! fn routes(config: &mut ServiceConfig, guard: &GuardMiddleware) {
//!     config.service(web::resource("/me").wrap(guard.clone()).route(web::get().to(me)));
//! }
//!
//! async fn me(caller: Authenticated) -> String {
//!     format!("hello {}", caller.user_id().unwrap_or_default())
//! }
//! # use actix_web::{App, test};
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let guard = guard(Secret::new(b"a secret that is thirty-two bytes")?)?;
//! # let app = App::new().configure(|config| routes(config, &guard));
//! # let app = test::init_service(app).await;
//! # for (path, status) in [("/me", 401), ("/unknown", 404)] {
//! #     let request = test::TestRequest::get().uri(path).to_request();
//! #     assert_eq!(test::call_service(&app, request).await.status().as_u16(), status);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # The middleware
//!
//! - Around a resource, as above, the response to an unknown path is still 404. Around a scope or the application, the
//!   guard also applies to unknown paths.
//! - The credentials are in the headers and cookies that the backends of the gate read, and nowhere else. A header
//!   counts as absent if it occurs more than once, or if its value isn't a string.
//! - All methods are guarded. Put a middleware for CORS outside, because browsers send preflight requests without
//!   credentials.
//! - A refusal has the status (401, 403 or 503), `WWW-Authenticate`, `Retry-After` and a JSON body of the
//!   [`Refusal`](boltguard::Refusal). It isn't an error, so other middlewares treat it as a response. The refusal
//!   itself, with the precise reason for a log, is in the extensions of the response.
//! - All responses have `Vary` with the headers that can contain credentials. They have `Cache-Control: private` if the
//!   caller is authenticated and the handler doesn't set this header. Bodies are passed on unchanged.
//! - If the keys of an issuer are fetched, or revoked tokens are in a store that isn't in memory, create the middleware
//!   with the [`AsyncEdge`](boltguard::AsyncEdge) that does this: [`GuardMiddleware::with_edge`]. If the edge doesn't
//!   provide everything that the gate may need, the result is an error that names the backend or the check.
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
//! use boltguard_actix::GuardMiddleware;
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = JwksSource::discover("https://id.example.com")?;
//! let issuer = AsyncJwksClient::from_source(source, &[Algorithm::Rs256], AsyncHttpFetch::new())?;
//! let background = issuer.clone();
//! actix_web::rt::spawn(async move { background.run(actix_web::rt::time::sleep).await });
//!
//! let policy = ClaimsPolicy::new().with_audience(["shop"]);
//! let backend = JwtBackend::for_issuer(&issuer, policy)?;
//! let gate = Gate::new([backend.into()], &r#"perm("blog.add")"#.parse()?)?;
//! let guard = GuardMiddleware::with_edge(gate, JwksEdge::new([issuer]))?;
//! # let _ = guard;
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
//! | `OptionallyAuthenticated` | `None` | 401 |
//! | `Authenticated<C>` | 401 | 401, and 403 if the claims don't have the type `C` |
//! | `Option<Authenticated>` | `None` | `None`, because actix-web ignores all errors of an optional extractor |
//!
//! A request without credentials only reaches the handler if the guard allows it, such as
//! [`Guard::allow_any`](boltguard::guard::Guard::allow_any). An extractor in a handler without a `GuardMiddleware`
//! responds with 500 and logs an error: it never accepts a request that wasn't evaluated.
//!
//! # Checks of an object
//!
//! A handler that has loaded an object checks another gate, and returns the refusal as a [`Rejection`]:
//!
//! ```
//! use actix_web::web::{Data, Path};
//! use boltguard::Gate;
//! use boltguard::guard::CheckResults;
//! use boltguard_actix::{Authenticated, Rejection};
//!
//! struct App {
//!     /// `Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?`
//!     edit_post: Gate,
//! }
//!
//! async fn edit(app: Data<App>, id: Path<u32>, caller: Authenticated) -> Result<String, Rejection> {
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
//! [`GuardMiddleware::with_websocket_protocol`] also accepts tokens as a subprotocol, because browsers can't set
//! `Authorization`.

mod authenticated;
mod connection_watch;
mod middleware;
mod rejection;
mod request;
mod websocket;

pub use authenticated::{Authenticated, OptionallyAuthenticated};
pub use boltguard::{AnyClaims, FromCaller};
pub use connection_watch::ConnectionWatch;
pub use middleware::{GuardMiddleware, GuardedService};
pub use rejection::Rejection;
