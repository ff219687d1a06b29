//! What the middleware reads of a request, and its responses.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::test::{call_service, init_service};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, web};
use boltguard::revocation::{RevocationError, RevocationStore};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    AdmittedCaller, AsyncEdge, Caller, Gate, PossibleNeed, Refusal, Revocation, RevocationCheck,
    RevocationStatus, TokenCookie,
};

use boltguard_actix::GuardMiddleware;

use crate::support::{
    CLAIMS, authenticated, bearer, gate, guard, header, jwt, middleware, request, send, text,
    token, with_edge,
};

async fn user_id(request: HttpRequest) -> String {
    let caller = request.extensions().get::<AdmittedCaller>().cloned();
    let caller = caller.unwrap();
    caller.user_id().unwrap_or("anonymous".into()).into_owned()
}

#[actix_web::test]
async fn request_without_credentials_is_challenged() {
    let route = web::get().to(user_id);
    let response = send(&guard("authenticated"), route, request(&[])).await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        header(&response, "www-authenticate"),
        r#"Bearer realm="api""#
    );
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "vary"), "Authorization");
    assert_eq!(header(&response, "cache-control"), "");
    let body = r#"{"detail":"No credentials were provided.","code":"not_authenticated"}"#;
    assert_eq!(text(response).await, body);
}

#[actix_web::test]
async fn caller_without_the_permission_is_forbidden() {
    let route = web::get().to(user_id);
    let response = send(&guard(r#"perm("blog.add")"#), route, authenticated()).await;
    assert_eq!(response.status(), 403);
    let challenge = r#"Bearer realm="api", error="insufficient_scope""#;
    assert_eq!(header(&response, "www-authenticate"), challenge);
    assert_eq!(header(&response, "cache-control"), "private");
    let refusal = response.response().extensions().get::<Refusal>().cloned();
    assert_eq!(refusal.unwrap().reason(), ReasonCode::PermissionMissing);
}

#[actix_web::test]
async fn response_to_an_authenticated_caller_is_private() {
    let response = send(
        &guard("authenticated"),
        web::get().to(user_id),
        authenticated(),
    )
    .await;
    assert_eq!(header(&response, "cache-control"), "private");
    assert_eq!(header(&response, "vary"), "Authorization");
    let own = web::get().to(async || {
        HttpResponse::Ok()
            .insert_header(("cache-control", "max-age=60"))
            .insert_header(("vary", "Accept"))
            .finish()
    });
    let response = send(&guard("authenticated"), own, authenticated()).await;
    assert_eq!(header(&response, "cache-control"), "max-age=60");
    assert_eq!(header(&response, "vary"), "Accept, Authorization");
}

#[actix_web::test]
async fn caller_in_the_extensions_is_replaced() {
    let gate = Gate::new([], &boltguard::guard::Guard::allow_any()).unwrap();
    let forged = AdmittedCaller::new(Caller::anonymous(), &gate);
    let resource = web::resource("/")
        .wrap(guard("authenticated"))
        .route(web::get().to(user_id));
    let app = init_service(App::new().service(resource)).await;
    for (request, status) in [(request(&[]), 401), (authenticated(), 200)] {
        let request = request.to_request();
        request.extensions_mut().insert(forged.clone());
        let response = call_service(&app, request).await;
        assert_eq!(response.status(), status);
        assert_eq!(text(response).await == "42", status == 200);
    }
}

#[actix_web::test]
async fn repeated_authorization_headers_are_refused() {
    let value = bearer(CLAIMS);
    for other in [value.as_str(), "Bearer a.b.c"] {
        let twice = request(&[("authorization", &value), ("authorization", other)]);
        let response = send(&guard("authenticated"), web::get().to(user_id), twice).await;
        assert_eq!(response.status(), 401);
    }
}

#[actix_web::test]
async fn credentials_with_other_bytes_than_ascii_are_refused() {
    let value = HeaderValue::from_bytes(b"Bearer \xe9.\xff.c").unwrap();
    let request = request(&[]).insert_header((AUTHORIZATION, value));
    let response = send(&guard("authenticated"), web::get().to(user_id), request).await;
    assert_eq!(response.status(), 401);
}

#[actix_web::test]
async fn every_method_is_guarded() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT] {
        for (request, status) in [(request(&[]), 401), (authenticated(), 200)] {
            let request = request.method(method.clone());
            let response = send(&guard("authenticated"), web::to(user_id), request).await;
            assert_eq!(response.status(), status, "{method}");
        }
    }
}

#[actix_web::test]
async fn token_in_a_cookie_is_not_accepted_from_another_site() {
    let cookie = TokenCookie::new("__Host-access").unwrap();
    let middleware = middleware(jwt().with_cookie(cookie), "authenticated");
    let cookie = format!("__Host-access={}", token(CLAIMS));
    for (method, site, upgrade, status) in [
        (Method::POST, "cross-site", None, 403),
        (Method::POST, "same-origin", None, 200),
        (Method::GET, "cross-site", None, 200),
        (Method::GET, "cross-site", Some("websocket"), 403),
        (Method::GET, "same-origin", Some("websocket"), 200),
    ] {
        let mut headers = vec![("cookie", &*cookie), ("sec-fetch-site", site)];
        headers.extend(upgrade.map(|protocol| ("upgrade", protocol)));
        let request = request(&headers).method(method);
        let response = send(&middleware, web::to(user_id), request).await;
        assert_eq!(response.status(), status);
    }
}

#[actix_web::test]
async fn unknown_path_is_not_found_outside_of_a_resource() {
    let resource = web::resource("/")
        .wrap(guard("authenticated"))
        .route(web::get().to(user_id));
    let app = init_service(App::new().service(resource)).await;
    let request = request(&[]).uri("/unknown").to_request();
    assert_eq!(call_service(&app, request).await.status(), 404);
}

#[actix_web::test]
async fn unknown_path_is_guarded_in_a_scope() {
    let scope = web::scope("/api")
        .wrap(guard("authenticated"))
        .route("/", web::get().to(user_id));
    let app = init_service(App::new().service(scope)).await;
    for (request, status) in [(request(&[]), 401), (authenticated(), 404)] {
        let request = request.uri("/api/unknown").to_request();
        assert_eq!(call_service(&app, request).await.status(), status);
    }
}

/// A store with a fixed result, after waiting.
#[derive(Clone)]
struct Store(RevocationStatus);

impl AsyncEdge for Store {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    async fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        assert_eq!(need.token_id(), "t-1");
        self.0
    }
}

#[actix_web::test]
async fn edge_decides_about_a_token() {
    for (status, expected) in [
        (RevocationStatus::NotRevoked, 200),
        (RevocationStatus::Revoked, 401),
        (RevocationStatus::Unavailable, 503),
    ] {
        let external = jwt().with_revocation(Revocation::External);
        let middleware = with_edge(external, "authenticated", Store(status));
        let response = send(&middleware, web::get().to(user_id), authenticated()).await;
        assert_eq!(response.status(), expected);
    }
}

#[test]
fn gate_that_needs_an_edge_is_an_error_without_one() {
    let external = jwt().with_revocation(Revocation::External);
    let error = GuardMiddleware::new(gate(external, "allow_any")).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"backend "jwt" checks revocation in an external store, but the edge has none; add Services::with_revocation(...)"#
    );
}

/// A list that is unavailable for the next seven seconds.
struct Unavailable;

impl RevocationStore for Unavailable {
    fn is_revoked(&self, _: &str, _: NumericDate) -> Result<bool, RevocationError> {
        Err(RevocationError::Unavailable)
    }

    fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::Unavailable)
    }

    fn bind_leeway(&self, _: Duration) {}

    fn retry_in(&self) -> Option<Duration> {
        Some(Duration::from_secs(7))
    }
}

#[actix_web::test]
async fn client_learns_when_to_retry() {
    let backend = jwt().with_revocation(Revocation::InProcess(Arc::new(Unavailable)));
    let middleware = middleware(backend, "allow_any");
    let response = send(&middleware, web::get().to(user_id), authenticated()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(&response, "retry-after"), "7");
}

#[actix_web::test]
async fn bodies_are_passed_on() {
    let route = web::post().to(async |body: web::Bytes| body);
    let request = authenticated().method(Method::POST).set_payload("body");
    let response = send(&guard("authenticated"), route, request).await;
    assert_eq!(text(response).await, "body");
}
