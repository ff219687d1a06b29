//! How the layer calls the inner service.

use std::future::{Ready, poll_fn, ready};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Body, authenticated, jwt, layer, request, text, user_id};

/// A service that must be ready before each call. A clone isn't ready.
struct Limited {
    is_ready: bool,
    calls: Arc<AtomicU32>,
}

impl Clone for Limited {
    fn clone(&self) -> Self {
        let calls = self.calls.clone();
        Self {
            is_ready: false,
            calls,
        }
    }
}

impl Service<Request<Body>> for Limited {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Ready<Result<Response<Body>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(self.is_ready, "it was called before it was ready");
        self.is_ready = false;
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn instance_that_is_ready_is_called() {
    let calls = Arc::new(AtomicU32::new(0));
    let limited = Limited {
        is_ready: false,
        calls: calls.clone(),
    };
    let mut service = layer(jwt(), "authenticated").layer(limited);
    for _ in 0..3 {
        service
            .ready()
            .await
            .unwrap()
            .call(authenticated())
            .await
            .unwrap();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn refused_request_does_not_reach_the_service() {
    let calls = Arc::new(AtomicU32::new(0));
    let limited = Limited {
        is_ready: false,
        calls: calls.clone(),
    };
    let service = layer(jwt(), "authenticated").layer(limited);
    assert_eq!(service.oneshot(request(&[])).await.unwrap().status(), 401);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// A service that is never ready.
#[derive(Clone)]
struct Busy;

impl Service<Request<Body>> for Busy {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Ready<Result<Response<Body>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        panic!("it was called before it was ready")
    }
}

#[tokio::test]
async fn layer_is_ready_when_the_service_is() {
    let mut service = layer(jwt(), "authenticated").layer(Busy);
    let ready = poll_fn(|context| Poll::Ready(service.poll_ready(context))).await;
    assert!(ready.is_pending());
}

#[tokio::test]
async fn error_of_the_service_is_passed_on() {
    let failing = service_fn(async |_: Request<Body>| {
        Err::<Response<Body>, _>(io::Error::other("the handler failed"))
    });
    let service = layer(jwt(), "authenticated").layer(failing);
    let error: io::Error = service.oneshot(authenticated()).await.unwrap_err();
    assert_eq!(error.to_string(), "the handler failed");
}

#[tokio::test]
async fn concurrent_requests_have_their_own_callers() {
    let service = layer(jwt(), "allow_any").layer(service_fn(user_id));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let service = service.clone();
        tasks.spawn(async move {
            let is_known = number % 2 == 0;
            let request = if is_known {
                authenticated()
            } else {
                request(&[])
            };
            let user = text(service.oneshot(request).await.unwrap()).await;
            assert_eq!(user, if is_known { "42" } else { "anonymous" });
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
}

#[test]
fn service_hides_the_credentials() {
    let service = layer(jwt(), "authenticated").layer(Busy);
    let shown = format!("{service:?}");
    assert!(
        shown.starts_with("GuardService { layer: GuardLayer { gate: "),
        "{shown}"
    );
}
