//! Whole services: requests over loopback to axum alone, and with authentication by several libraries.

use std::borrow::Cow;
use std::future::{self, IntoFuture};
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::{Router, routing::get};
use axum_jwt_auth::{Decoder, LocalDecoder};
use boltguard::keys::Algorithm;
use boltguard_axum::{Authenticated, GuardLayer};
use boltguard_testing::keys::{self, SECRET};
use jwt_authorizer::{IntoLayer, JwtAuthorizer, JwtClaims};
use tokio::net::TcpListener;

use crate::claims::{self, ISSUER, SUBJECT, Typed};
use crate::contest::{Contest, Plan};
use crate::loopback::{self, Loopback, Stop};
use crate::ours;
use crate::peers::{self, Backend};

pub(crate) fn plans() -> Vec<Plan> {
    vec![
        Plan::contest("axum/requests", current),
        Plan::contest("axum 0.7/requests", previous),
    ]
}

/// The path of the only route, which responds with the subject of the token.
const PATH: &str = "/me";

fn current() -> Contest {
    let plain = Router::new().route(PATH, get(async || SUBJECT.to_owned()));
    let contest = Contest::of_servers();
    let contest = with_service(contest, "axum", serve(plain), Access::Public);
    let contest = with_service(contest, ours::NAME, serve(guarded()), Access::Authenticated);
    let contest = with_service(
        contest,
        "axum-jwt-auth",
        serve(axum_jwt_auth()),
        Access::Authenticated,
    );
    with_service(
        contest,
        "jsonwebtoken",
        serve(jsonwebtoken()),
        Access::Authenticated,
    )
}

/// jwt-authorizer requires an earlier version of axum.
fn previous() -> Contest {
    let handler = async || SUBJECT.to_owned();
    let plain = axum_07::Router::new().route(PATH, axum_07::routing::get(handler));
    let contest = Contest::of_servers();
    let contest = with_service(contest, "axum 0.7", serve_07(plain), Access::Public);
    with_service(
        contest,
        "jwt-authorizer",
        serve_07(jwt_authorizer()),
        Access::Authenticated,
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Authenticated,
    Public,
}

/// Starts a service and adds it, if its responses are the expected ones.
fn with_service<F: Future<Output = io::Result<()>>>(
    contest: Contest,
    name: &str,
    serve: impl FnOnce(TcpListener, Stop) -> F + Send + 'static,
    access: Access,
) -> Contest {
    let token = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    let authorization = format!("Bearer {token}");
    let mut service = Loopback::start(serve, PATH, &authorization).expect("the service starts");
    let without = match access {
        Access::Authenticated => 401,
        Access::Public => 200,
    };
    let forged = format!("{}A", &authorization[..authorization.len() - 1]);
    for (value, expected) in [
        (Some(authorization.as_str()), 200),
        (Some(forged.as_str()), without),
        (None, without),
    ] {
        let status = service.status(PATH, value).expect("the service responds");
        assert_eq!(status, expected, "{name}");
    }
    contest.timed(
        name,
        Box::new(move |times| service.run(times).expect(RESPONDS)),
    )
}

const RESPONDS: &str = "the service responds to each request";

/// A server until it stops.
type Serving = Pin<Box<dyn Future<Output = io::Result<()>>>>;

fn serve(router: Router) -> impl FnOnce(TcpListener, Stop) -> Serving + Send {
    |listener, stop| {
        let serve = axum::serve(listener, router).with_graceful_shutdown(stop);
        Box::pin(serve.into_future())
    }
}

fn serve_07(router: axum_07::Router) -> impl FnOnce(TcpListener, Stop) -> Serving + Send {
    |listener, stop| {
        let serve = axum_07::serve(listener, router).with_graceful_shutdown(stop);
        Box::pin(serve.into_future())
    }
}

fn guarded() -> Router {
    let layer = GuardLayer::new(ours::gate(Algorithm::Hs256, 0)).expect("the gate is complete");
    let handler = async |caller: Authenticated| {
        let subject = caller.user_id().map(Cow::into_owned);
        subject.ok_or(StatusCode::FORBIDDEN)
    };
    Router::new().route(PATH, get(handler)).route_layer(layer)
}

fn axum_jwt_auth() -> Router {
    let mut validation = jsonwebtoken_10::Validation::new(jsonwebtoken_10::Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    // It requires an audience. No token matches an empty list, as if none was set.
    validation.aud.get_or_insert_default();
    let keys = vec![jsonwebtoken_10::DecodingKey::from_secret(SECRET.as_bytes())];
    let decoder = LocalDecoder::new(keys, validation).expect("the settings are complete");
    let decoder: Decoder<Typed> = Arc::new(decoder);
    let handler = async |caller: axum_jwt_auth::Claims<Typed>| caller.claims.sub;
    Router::new().route(PATH, get(handler)).with_state(decoder)
}

/// jsonwebtoken in a handler, with its backend in Rust, which axum-jwt-auth uses as well.
fn jsonwebtoken() -> Router {
    let decoder = peers::Decoder::new(Backend::RustCrypto, Algorithm::Hs256);
    let decoder = Arc::new(decoder.expect("the algorithm is supported"));
    let handler = move |headers: HeaderMap| {
        let claims = bearer(&headers).and_then(|token| decoder.decode(token));
        let subject = claims.map(|claims| claims.sub);
        future::ready(subject.ok_or(StatusCode::UNAUTHORIZED))
    };
    Router::new().route(PATH, get(handler))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

fn jwt_authorizer() -> axum_07::Router {
    let validation = jwt_authorizer::Validation::new().iss(&[ISSUER]);
    let builder = JwtAuthorizer::<Typed>::from_secret(SECRET).validation(validation);
    let authorizer = loopback::runtime()
        .block_on(builder.build())
        .expect("the settings are complete");
    let handler = async |JwtClaims(claims): JwtClaims<Typed>| claims.sub;
    axum_07::Router::new()
        .route(PATH, axum_07::routing::get(handler))
        .layer(authorizer.into_layer())
}
