//! Routers with a guard, a clock and tokens.

use axum::Router;
use axum::body::Body;
use axum::routing::MethodRouter;
use boltguard::guard::Guard;
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard::types::NumericDate;
use boltguard::{Gate, JwtBackend};
use boltguard_axum::GuardLayer;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub(crate) const CLAIMS: &str = r#"{"sub":"42","exp":1300819380,"tenant":7}"#;

fn secret() -> Key {
    Key::Secret(Secret::new(b"a secret that is thirty-two bytes").unwrap())
}

pub(crate) fn jwt() -> JwtBackend {
    let key = VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    let keys = KeySet::new([key]);
    JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new()).unwrap()
}

pub(crate) fn gate(backend: JwtBackend, guard: &str) -> Gate {
    Gate::new([backend.into()], &guard.parse::<Guard>().unwrap()).unwrap()
}

pub(crate) fn layer(guard: &str) -> GuardLayer {
    GuardLayer::new(gate(jwt(), guard))
        .unwrap()
        .with_clock(|| NumericDate::from_secs(1_300_819_000))
}

pub(crate) fn bearer(claims: &str) -> String {
    let signer = SigningKey::new(&secret(), Algorithm::Hs256).unwrap();
    let token = sign(claims.as_bytes(), &HeaderFields::new(), &signer).unwrap();
    format!("Bearer {token}")
}

/// The router with a guarded handler at `/`.
pub(crate) fn router(guard: &str, handler: MethodRouter) -> Router {
    Router::new().route("/", handler).route_layer(layer(guard))
}

/// The status and the body of the response to a request with this `Authorization`.
pub(crate) async fn get(app: &Router, path: &str, authorization: Option<&str>) -> (u16, String) {
    let mut request = Request::get(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = send(app, request.body(Body::empty()).unwrap()).await;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.into()).unwrap())
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}
