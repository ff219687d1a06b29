//! A guarded service, with a clock and tokens.

use std::convert::Infallible;

use boltguard::guard::Guard;
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard::types::NumericDate;
use boltguard::{AdmittedCaller, AsyncEdge, Backend, Gate, JwtBackend};
use boltguard_tower::{GuardBody, GuardLayer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

pub(crate) const NOW: NumericDate = NumericDate::from_secs(1_300_819_000);
pub(crate) const CLAIMS: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380}"#;

pub(crate) type Body = Full<Bytes>;

fn secret() -> Key {
    Key::Secret(Secret::new(b"a secret that is thirty-two bytes").unwrap())
}

pub(crate) fn jwt() -> JwtBackend {
    let key = VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], ClaimsPolicy::new()).unwrap()
}

pub(crate) fn token(claims: &str) -> String {
    let signer = SigningKey::new(&secret(), Algorithm::Hs256).unwrap();
    sign(claims.as_bytes(), &HeaderFields::new(), &signer).unwrap()
}

pub(crate) fn bearer(claims: &str) -> String {
    format!("Bearer {}", token(claims))
}

pub(crate) fn gate(backend: impl Into<Backend>, guard: &str) -> Gate {
    Gate::new([backend.into()], &guard.parse::<Guard>().unwrap()).unwrap()
}

pub(crate) fn layer(backend: impl Into<Backend>, guard: &str) -> GuardLayer {
    with_edge(backend, guard, ())
}

pub(crate) fn with_edge<E: AsyncEdge + Clone + 'static>(
    backend: impl Into<Backend>,
    guard: &str,
    edge: E,
) -> GuardLayer<E> {
    let layer = GuardLayer::with_edge(gate(backend, guard), edge).unwrap();
    layer.with_clock(|| NOW)
}

pub(crate) fn request(headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

pub(crate) fn authenticated() -> Request<Body> {
    request(&[("authorization", &bearer(CLAIMS))])
}

/// Responds with the ID of the user.
pub(crate) async fn user_id(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let caller: &AdmittedCaller = request.extensions().get().unwrap();
    let user_id = caller.user_id().unwrap_or("anonymous".into()).into_owned();
    Ok(Response::new(user_id.into()))
}

/// The response of a service that responds with the ID of the user.
pub(crate) async fn send<E: AsyncEdge + Clone + 'static>(
    layer: &GuardLayer<E>,
    request: Request<Body>,
) -> Response<GuardBody<Body>> {
    let service = layer.layer(service_fn(user_id));
    service.oneshot(request).await.unwrap()
}

pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// The values of a header, joined by commas.
pub(crate) fn header<B>(response: &Response<B>, name: &str) -> String {
    let values = response.headers().get_all(name).iter();
    let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
    values.join(", ")
}
