//! Applications with a guard, a clock and tokens.

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, Route, web};
use boltguard::guard::Guard;
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard::types::NumericDate;
use boltguard::{AsyncEdge, Backend, Gate, JwtBackend};
use boltguard_actix::GuardMiddleware;

pub(crate) const CLAIMS: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380,"tenant":7}"#;

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

pub(crate) fn middleware(backend: impl Into<Backend>, guard: &str) -> GuardMiddleware {
    with_edge(backend, guard, ())
}

pub(crate) fn with_edge<E: AsyncEdge + Clone + 'static>(
    backend: impl Into<Backend>,
    guard: &str,
    edge: E,
) -> GuardMiddleware<E> {
    let middleware = GuardMiddleware::with_edge(gate(backend, guard), edge).unwrap();
    middleware.with_clock(|| NumericDate::from_secs(1_300_819_000))
}

pub(crate) fn guard(guard: &str) -> GuardMiddleware {
    middleware(jwt(), guard)
}

pub(crate) fn request(headers: &[(&str, &str)]) -> TestRequest {
    let mut request = TestRequest::get().uri("/");
    for (name, value) in headers {
        request = request.append_header((*name, *value));
    }
    request
}

pub(crate) fn authenticated() -> TestRequest {
    request(&[("authorization", &bearer(CLAIMS))])
}

/// The response of a guarded route at `/`.
pub(crate) async fn send<E: AsyncEdge + Clone + 'static>(
    middleware: &GuardMiddleware<E>,
    route: Route,
    request: TestRequest,
) -> ServiceResponse<impl MessageBody + use<E>> {
    let resource = web::resource("/").wrap(middleware.clone()).route(route);
    let app = init_service(App::new().service(resource)).await;
    call_service(&app, request.to_request()).await
}

pub(crate) async fn text(response: ServiceResponse<impl MessageBody>) -> String {
    String::from_utf8(read_body(response).await.into()).unwrap()
}

/// The values of a header, joined by commas.
pub(crate) fn header<B>(response: &ServiceResponse<B>, name: &str) -> String {
    let values = response.headers().get_all(name);
    let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
    values.join(", ")
}
