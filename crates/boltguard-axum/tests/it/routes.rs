//! Layers around routes.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing;
use http::{Method, Request};
use http_body_util::BodyExt;

use crate::support::{CLAIMS, bearer, get, layer, router, send};

#[tokio::test]
async fn unknown_path_is_not_found_outside_of_route_layer() {
    let app = router("authenticated", routing::get(async || "found"));
    assert_eq!(get(&app, "/", None).await.0, 401);
    assert_eq!(get(&app, "/unknown", None).await.0, 404);
}

#[tokio::test]
async fn unknown_path_is_guarded_inside_of_layer() {
    let app = Router::new()
        .route("/", routing::get(async || "found"))
        .layer(layer("authenticated"));
    assert_eq!(get(&app, "/unknown", None).await.0, 401);
    assert_eq!(get(&app, "/unknown", Some(&bearer(CLAIMS))).await.0, 404);
}

#[tokio::test]
async fn merged_routers_have_their_own_guards() {
    let reports = Router::new()
        .route("/reports", routing::get(async || "reports"))
        .route_layer(layer(r#"perm("reports.view")"#));
    let app = router("authenticated", routing::get(async || "found")).merge(reports);
    let token = bearer(CLAIMS);
    assert_eq!(get(&app, "/", Some(&token)).await.0, 200);
    assert_eq!(get(&app, "/reports", Some(&token)).await.0, 403);
}

#[tokio::test]
async fn other_methods_are_guarded() {
    let app = router("authenticated", routing::get(async || "found"));
    for (method, status) in [
        (Method::GET, 200),
        (Method::HEAD, 200),
        (Method::OPTIONS, 405),
        (Method::POST, 405),
    ] {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        assert_eq!(send(&app, request).await.status(), 401, "{method}");
        let request = Request::builder().header("authorization", bearer(CLAIMS));
        let request = request.method(method.clone()).body(Body::empty());
        assert_eq!(
            send(&app, request.unwrap()).await.status(),
            status,
            "{method}"
        );
    }
}

#[tokio::test]
async fn bodies_are_passed_on() {
    let app = router("authenticated", routing::post(async |body: Bytes| body));
    let request = Request::post("/").header("authorization", bearer(CLAIMS));
    let response = send(&app, request.body("body".into()).unwrap()).await;
    assert_eq!(response.headers()["cache-control"], "private");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, "body");
}
