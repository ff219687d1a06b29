//! What the layer reads of a request, and what it passes on.

use std::sync::{Arc, Mutex};

use boltguard::guard::Guard;
use boltguard::{AdmittedCaller, Caller, Gate, TokenCookie};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    Body, CLAIMS, authenticated, bearer, jwt, layer, request, send, text, token, user_id,
};

#[tokio::test]
async fn handler_receives_the_caller() {
    let response = send(&layer(jwt(), "authenticated"), authenticated()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "private");
    assert_eq!(response.headers()["vary"], "Authorization");
    assert_eq!(text(response).await, "42");
}

#[tokio::test]
async fn caller_of_an_outer_layer_is_replaced() {
    let known = Arc::new(Mutex::new(None));
    let seen = known.clone();
    let handler = service_fn(move |request: Request<Body>| {
        *seen.lock().unwrap() = request.extensions().get::<AdmittedCaller>().cloned();
        user_id(request)
    });
    let layer = layer(jwt(), "allow_any");
    layer.layer(handler).oneshot(authenticated()).await.unwrap();
    let known = known.lock().unwrap().take().unwrap();
    assert!(known.is_authenticated());
    let mut request = request(&[]);
    request.extensions_mut().insert(known);
    assert_eq!(text(send(&layer, request).await).await, "anonymous");
}

#[tokio::test]
async fn extension_is_not_a_credential() {
    let layer = layer(jwt(), "authenticated");
    let mut forged = request(&[]);
    let gate = Gate::new([], &Guard::allow_any()).unwrap();
    let caller = AdmittedCaller::new(Caller::anonymous(), &gate);
    forged.extensions_mut().insert(caller);
    assert_eq!(send(&layer, forged).await.status(), 401);
}

#[tokio::test]
async fn repeated_authorization_headers_are_refused() {
    let layer = layer(jwt(), "authenticated");
    let value = bearer(CLAIMS);
    for other in [value.as_str(), "Bearer a.b.c"] {
        let twice = request(&[("authorization", &value), ("authorization", other)]);
        assert_eq!(send(&layer, twice).await.status(), 401);
    }
}

#[tokio::test]
async fn credentials_with_other_bytes_than_ascii_are_refused() {
    let mut request = authenticated();
    let value = HeaderValue::from_bytes(b"Bearer \xe9.\xff.c").unwrap();
    request.headers_mut().insert("authorization", value);
    assert_eq!(
        send(&layer(jwt(), "authenticated"), request).await.status(),
        401
    );
    let mut request = authenticated();
    let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
    request.headers_mut().insert("x-other", value);
    assert_eq!(
        send(&layer(jwt(), "authenticated"), request).await.status(),
        200
    );
}

#[tokio::test]
async fn every_method_is_guarded() {
    let layer = layer(jwt(), "authenticated");
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::CONNECT] {
        for (mut request, status) in [(request(&[]), 401), (authenticated(), 200)] {
            *request.method_mut() = method.clone();
            assert_eq!(send(&layer, request).await.status(), status, "{method}");
        }
    }
}

#[tokio::test]
async fn token_in_a_cookie_is_not_accepted_from_another_site() {
    let backend = jwt().with_cookie(TokenCookie::new("__Host-access").unwrap());
    let layer = layer(backend, "authenticated");
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
        let mut request = request(&headers);
        *request.method_mut() = method;
        let response = send(&layer, request).await;
        assert_eq!(response.status(), status);
        let csrf_failed = text(response).await.contains("csrf_failed");
        assert_eq!(csrf_failed, status == 403);
    }
}

#[tokio::test]
async fn request_is_passed_on_unchanged() {
    let handler = service_fn(async |request: Request<&'static str>| {
        assert_eq!(request.extensions().get(), Some(&7_u8));
        assert_eq!(request.headers()["authorization"], bearer(CLAIMS));
        let (path, body) = (request.uri().path().to_owned(), *request.body());
        assert_eq!(
            (request.method(), &*path, body),
            (&Method::PATCH, "/a", "body")
        );
        Ok::<_, std::convert::Infallible>(Response::new(()))
    });
    let mut request = Request::patch("/a").body("body").unwrap();
    let value = HeaderValue::try_from(bearer(CLAIMS)).unwrap();
    request.headers_mut().insert("authorization", value);
    request.extensions_mut().insert(7_u8);
    let service = layer(jwt(), "authenticated").layer(handler);
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn headers_of_the_handler_are_kept() {
    let handler = service_fn(async |_: Request<Body>| {
        let response = Response::builder()
            .header("cache-control", "max-age=60")
            .header("vary", "Accept");
        Ok::<_, std::convert::Infallible>(response.body(Body::default()).unwrap())
    });
    let service = layer(jwt(), "authenticated").layer(handler);
    let response = service.oneshot(authenticated()).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "max-age=60");
    assert_eq!(
        crate::support::header(&response, "vary"),
        "Accept, Authorization"
    );
}
