//! The caller in handlers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::test::{call_service, init_service};
use actix_web::{App, web};
use boltguard::{AsyncEdge, Gate, PossibleNeed, Revocation, RevocationCheck, RevocationStatus};
use boltguard_actix::{Authenticated, ConnectionWatch, OptionallyAuthenticated, Rejection};
use log::{LevelFilter, Log, Metadata, Record};

use crate::support::{authenticated, bearer, guard, header, jwt, request, send, text, with_edge};

async fn required(caller: Authenticated) -> String {
    caller.user_id().unwrap().into_owned()
}

async fn optional(OptionallyAuthenticated(caller): OptionallyAuthenticated) -> String {
    caller.map_or("none".to_owned(), |caller| {
        caller.user_id().unwrap().into_owned()
    })
}

#[derive(serde::Deserialize)]
struct Tenant {
    tenant: u32,
}

async fn typed(caller: Authenticated<Tenant>) -> String {
    caller.claims.tenant.to_string()
}

#[actix_web::test]
async fn caller_is_extracted() {
    let response = send(
        &guard("authenticated"),
        web::get().to(required),
        authenticated(),
    )
    .await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, "42");
}

#[actix_web::test]
async fn anonymous_caller_is_challenged_by_the_extractor() {
    for headers in [&[][..], &[("authorization", "Bearer a.b.c")]] {
        let route = web::get().to(required);
        let response = send(&guard("allow_any"), route, request(headers)).await;
        assert_eq!(response.status(), 401);
        let challenge = header(&response, "www-authenticate");
        assert!(
            challenge.starts_with(r#"Bearer realm="api""#),
            "{challenge}"
        );
    }
}

#[actix_web::test]
async fn absent_credentials_are_none_and_rejected_ones_are_refused() {
    for (request, status, body) in [
        (request(&[]), 200, "none"),
        (authenticated(), 200, "42"),
        (
            request(&[("authorization", "Bearer a.b.c")]),
            401,
            "invalid_token",
        ),
        (
            request(&[("authorization", "Basic YTpi")]),
            401,
            "not_authenticated",
        ),
    ] {
        let response = send(&guard("allow_any"), web::get().to(optional), request).await;
        assert_eq!(response.status(), status);
        assert!(text(response).await.contains(body));
    }
}

#[actix_web::test]
async fn claims_have_their_type() {
    let other = bearer(r#"{"sub":"42","exp":1300819380,"tenant":"seven"}"#);
    for (request, status, body) in [
        (authenticated(), 200, "7"),
        (
            request(&[("authorization", &other)]),
            403,
            "permission_denied",
        ),
    ] {
        let response = send(&guard("authenticated"), web::get().to(typed), request).await;
        assert_eq!(response.status(), status);
        assert!(text(response).await.contains(body));
    }
}

/// Collects log messages.
struct Messages(Mutex<String>);

impl Log for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("boltguard_actix")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            *self.0.lock().unwrap() += &format!("{} {}\n", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

static MESSAGES: Messages = Messages(Mutex::new(String::new()));

#[actix_web::test]
async fn extractor_without_a_middleware_is_an_error_that_is_logged() {
    log::set_logger(&MESSAGES).unwrap();
    log::set_max_level(LevelFilter::Error);
    for route in [
        web::get().to(required),
        web::get().to(optional),
        web::get().to(typed),
        web::get().to(async |_: ConnectionWatch| "watched"),
    ] {
        let app = init_service(App::new().route("/", route)).await;
        let response = call_service(&app, authenticated().to_request()).await;
        assert_eq!(response.status(), 500);
        assert_eq!(text(response).await, "");
        let logged = std::mem::take(&mut *MESSAGES.0.lock().unwrap());
        assert!(logged.starts_with("ERROR"), "{logged}");
        assert!(
            logged.contains("its route has no `GuardMiddleware`"),
            "{logged}"
        );
    }
}

#[actix_web::test]
async fn object_check_of_a_handler_is_a_rejection() {
    let gate = Gate::for_callers(&r#"perm("blog.edit")"#.parse().unwrap()).unwrap();
    let handler = move |caller: Authenticated| {
        let result = caller.check(&gate, &Default::default());
        async { result.map(|()| "saved").map_err(Rejection::from) }
    };
    let editor = bearer(r#"{"sub":"42","exp":1300819380,"permissions":["blog.edit"]}"#);
    for (request, status) in [
        (authenticated(), 403),
        (request(&[("authorization", &editor)]), 200),
    ] {
        let route = web::get().to(handler.clone());
        let response = send(&guard("authenticated"), route, request).await;
        assert_eq!(response.status(), status);
    }
}

#[actix_web::test]
async fn connection_ends_when_its_token_is_no_longer_valid() {
    // The middleware has the clock of the tests, in which the token is valid; it expired long ago.
    let route = web::get().to(ended);
    let response = send(&guard("authenticated"), route, authenticated()).await;
    assert_eq!(text(response).await, "4401 token_expired");
}

async fn ended(watch: ConnectionWatch) -> String {
    let refusal = watch.with_interval(Duration::from_millis(1)).ended().await;
    format!("{} {}", refusal.close_code(), refusal.code())
}

/// A store in which the token is revoked after the request.
#[derive(Clone, Default)]
struct Store(Arc<AtomicBool>);

impl AsyncEdge for Store {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    async fn check_revocation(&mut self, _: &RevocationCheck) -> RevocationStatus {
        match self.0.swap(true, Ordering::SeqCst) {
            true => RevocationStatus::Revoked,
            false => RevocationStatus::NotRevoked,
        }
    }
}

#[actix_web::test]
async fn connection_is_checked_with_the_edge_of_the_middleware() {
    let external = jwt().with_revocation(Revocation::External);
    let middleware = with_edge(external, "authenticated", Store::default());
    let token = bearer(r#"{"sub":"42","jti":"t-1","exp":4102444800}"#);
    let request = request(&[("authorization", &token)]);
    let response = send(&middleware, web::get().to(ended), request).await;
    assert_eq!(text(response).await, "4401 token_revoked");
}
