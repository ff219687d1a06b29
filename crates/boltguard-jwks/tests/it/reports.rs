//! Reports of fetches.

use std::future::pending;
use std::sync::{Arc, Mutex};

use boltguard_jwks::{AsyncJwksClient, FetchError, JwksUrl, Refresh};
use boltguard_testing::observe::{Counters, Log};

use crate::support::{Scene, body, ready, remote, response};

const URL: &str = "https://id.example.com/jwks?key=hunter2";

/// Polls `run` of a client with a failing issuer once, and returns the errors that its hook received.
fn run_with_failing_issuer() -> Vec<FetchError> {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let url = JwksUrl::new(URL).unwrap();
    let client = AsyncJwksClient::new(remote(), url, |_, _| async { Err(FetchError::Timeout) });
    let collected = Arc::clone(&errors);
    let clone = client.clone();
    let client = client.on_fetch_error(|_| panic!("this hook is replaced"));
    let _client = client.on_fetch_error(move |error| collected.lock().unwrap().push(*error));
    let mut background = std::pin::pin!(clone.run(|_| pending()));
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    assert!(background.as_mut().poll(&mut context).is_pending());
    std::mem::take(&mut *errors.lock().unwrap())
}

#[test]
fn hook_receives_the_failures_of_the_background_task() {
    assert_eq!(run_with_failing_issuer(), [FetchError::Timeout]);
}

#[test]
fn hook_is_not_called_for_a_successful_fetch() {
    let url = JwksUrl::new(URL).unwrap();
    let client = AsyncJwksClient::new(remote(), url, |_, _| async { Ok(response(&["a"])) });
    let client = client.on_fetch_error(|error| panic!("{error}"));
    assert!(ready(client.keys()).is_ok());
}

#[cfg(feature = "tracing")]
#[test]
fn failure_is_logged_without_the_query_of_the_url() {
    let log = Log::default();
    log.collecting(run_with_failing_issuer);
    let logged = log.take();
    assert!(logged.starts_with("WARN"), "{logged}");
    assert!(logged.contains("https://id.example.com/jwks"), "{logged}");
    assert!(logged.contains("the server takes too long"), "{logged}");
    assert!(!logged.contains("hunter2"), "{logged}");
}

#[cfg(not(feature = "tracing"))]
#[test]
fn nothing_is_logged_without_the_feature() {
    let log = Log::default();
    log.collecting(run_with_failing_issuer);
    assert_eq!(log.take(), "");
}

/// Fetches with these results, and drops the permit of a last one.
fn fetch_and_drop() {
    let later = |scene: &Scene| scene.fetch(Refresh::Force);
    let scene = Scene::with_keys(&["a"]);
    for result in [
        Ok(response(&["b"])),
        Ok(body("{}")),
        Err(FetchError::Status(503)),
        Err(FetchError::Status(500)),
    ] {
        let _ = later(&scene).finish(result, scene.now);
    }
    drop(later(&scene));
}

#[cfg(feature = "metrics")]
#[test]
fn fetches_are_counted_by_result_and_kind_of_error() {
    let counters = Counters::default();
    counters.counting(fetch_and_drop);
    assert_eq!(
        counters.series(),
        [
            "boltguard_jwks_fetches_total{result=failed,error=keys} 1",
            "boltguard_jwks_fetches_total{result=failed,error=lost} 1",
            "boltguard_jwks_fetches_total{result=failed,error=status} 2",
            "boltguard_jwks_fetches_total{result=succeeded,error=none} 2",
        ]
    );
}

#[cfg(not(feature = "metrics"))]
#[test]
fn nothing_is_counted_without_the_feature() {
    let counters = Counters::default();
    counters.counting(fetch_and_drop);
    assert!(counters.series().is_empty());
}
