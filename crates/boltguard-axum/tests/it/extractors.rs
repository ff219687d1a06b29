//! The caller in handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::routing;
use axum::{Extension, Router};
use boltguard::types::NumericDate;
use boltguard::{
    AdmittedCaller, AsyncEdge, PossibleNeed, Revocation, RevocationCheck, RevocationStatus,
};
use boltguard_axum::{Authenticated, ConnectionWatch, GuardLayer, Rejection};
use boltguard_testing::observe::Log;

use crate::support::{CLAIMS, bearer, gate, get, jwt, layer, router};

async fn required(caller: Authenticated) -> String {
    caller.user_id().unwrap().into_owned()
}

async fn optional(caller: Option<Authenticated>) -> String {
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

async fn typed_if_present(caller: Option<Authenticated<Tenant>>) -> String {
    caller.map_or("none".to_owned(), |caller| caller.claims.tenant.to_string())
}

#[tokio::test]
async fn caller_is_extracted() {
    let app = router("authenticated", routing::get(required));
    let response = get(&app, "/", Some(&bearer(CLAIMS))).await;
    assert_eq!(response, (200, "42".to_owned()));
}

#[tokio::test]
async fn anonymous_caller_is_challenged_by_the_extractor() {
    let app = router("allow_any", routing::get(required));
    for authorization in [None, Some("Bearer a.b.c"), Some("Basic YTpi")] {
        let (status, body) = get(&app, "/", authorization).await;
        assert_eq!(status, 401, "{body}");
    }
}

#[tokio::test]
async fn absent_credentials_are_none_and_rejected_ones_are_refused() {
    let app = router("allow_any", routing::get(optional));
    assert_eq!(get(&app, "/", None).await, (200, "none".to_owned()));
    assert_eq!(
        get(&app, "/", Some(&bearer(CLAIMS))).await,
        (200, "42".to_owned())
    );
    for (authorization, code) in [
        ("Bearer a.b.c", "invalid_token"),
        (&bearer(r#"{"sub":"42","exp":1300818999}"#), "token_expired"),
        ("Basic YTpi", "not_authenticated"),
    ] {
        let (status, body) = get(&app, "/", Some(authorization)).await;
        assert_eq!(status, 401);
        assert!(body.contains(code), "{body}");
    }
}

#[tokio::test]
async fn claims_have_their_type() {
    for handler in [routing::get(typed), routing::get(typed_if_present)] {
        let app = router("allow_any", handler);
        assert_eq!(
            get(&app, "/", Some(&bearer(CLAIMS))).await,
            (200, "7".to_owned())
        );
        for other in [
            r#"{"sub":"42","exp":1300819380}"#,
            r#"{"sub":"42","exp":1300819380,"tenant":"seven"}"#,
        ] {
            let (status, body) = get(&app, "/", Some(&bearer(other))).await;
            assert_eq!(status, 403);
            assert!(!body.contains("seven"), "{body}");
        }
    }
    let app = router("allow_any", routing::get(typed_if_present));
    assert_eq!(get(&app, "/", None).await, (200, "none".to_owned()));
}

#[tokio::test]
async fn extractor_without_a_layer_is_an_error_that_is_logged() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    for handler in [
        routing::get(required),
        routing::get(optional),
        routing::get(typed),
        routing::get(async |_: ConnectionWatch| "watched"),
    ] {
        let app = Router::new().route("/", handler);
        let response = get(&app, "/", Some(&bearer(CLAIMS))).await;
        assert_eq!(response, (500, String::new()));
        let logged = log.take();
        assert!(logged.starts_with("ERROR"), "{logged}");
        assert!(logged.contains("its route has no `GuardLayer`"), "{logged}");
    }
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

#[tokio::test]
async fn connection_is_checked_with_the_edge_of_the_layer() {
    let gate = gate(jwt().with_revocation(Revocation::External), "authenticated");
    let layer = GuardLayer::with_edge(gate, Store::default()).unwrap();
    let app = Router::new()
        .route("/", routing::get(ended))
        .route_layer(layer);
    let token = bearer(r#"{"sub":"42","jti":"t-1","exp":4102444800}"#);
    let response = get(&app, "/", Some(&token)).await;
    assert_eq!(response, (200, "4401 token_revoked".to_owned()));
}

#[tokio::test]
async fn connection_of_a_caller_without_an_edge_is_an_error() {
    let gate = gate(jwt(), "allow_any");
    let parts = http::HeaderMap::new();
    let now = || NumericDate::from_secs(1_300_819_000);
    let caller: AdmittedCaller = gate.admit(&parts, now, &mut ()).await.unwrap();
    let app = Router::new()
        .route("/", routing::get(ended))
        .layer(Extension(caller));
    assert_eq!(get(&app, "/", None).await, (500, String::new()));
}

#[tokio::test]
async fn each_refusal_is_logged_once_and_without_credentials() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let typed = router("allow_any", routing::get(typed));
    let nested = router("authenticated", routing::get(required)).layer(layer("allow_any"));
    let other = bearer(r#"{"sub":"42","exp":1300819380,"tenant":"seven"}"#);
    for (app, authorization, reason) in [
        (&typed, other.as_str(), "claim_mismatch"),
        (&nested, "Bearer secret", "token_malformed"),
    ] {
        get(app, "/", Some(authorization)).await;
        let logged = log.take();
        assert_eq!(logged.matches("INFO").count(), 1, "{logged}");
        assert!(logged.contains(&format!("{reason:?}")), "{logged}");
        assert!(!logged.contains("secret") && !logged.contains("seven"));
    }
    get(&typed, "/", Some(&bearer(CLAIMS))).await;
    assert_eq!(log.take(), "");
}

#[tokio::test]
async fn object_check_of_a_handler_is_a_rejection() {
    let gate = boltguard::Gate::for_callers(&r#"perm("blog.edit")"#.parse().unwrap()).unwrap();
    let handler = async move |caller: Authenticated| -> Result<&'static str, Rejection> {
        caller.check(&gate, &Default::default())?;
        Ok("saved")
    };
    let app = router("authenticated", routing::get(handler));
    let (status, body) = get(&app, "/", Some(&bearer(CLAIMS))).await;
    assert_eq!(status, 403);
    assert!(body.contains("permission_denied"));
    let editor = bearer(r#"{"sub":"42","exp":1300819380,"permissions":["blog.edit"]}"#);
    assert_eq!(get(&app, "/", Some(&editor)).await.0, 200);
}
