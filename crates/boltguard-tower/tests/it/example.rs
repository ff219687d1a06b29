//! The example service, on a real server.

use std::sync::Arc;
use std::thread;

use boltguard::apikey::MemoryKeyStore;
use boltguard_testing::service::{Credentials, Service};
use tokio::net::TcpListener;

#[path = "../../examples/tower_service.rs"]
mod service;

/// Checks the service with this list of revoked tokens.
fn check(redis_url: Option<String>) {
    let credentials = Credentials::generate();
    let settings = service::Settings {
        secret: credentials.secret.clone(),
        api_keys: Arc::new(MemoryKeyStore::from_iter([credentials.stored.clone()])),
        pepper: credentials.pepper.clone(),
        redis_url,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener, settings));
    let running = Service {
        address,
        credentials: &credentials,
        unknown_path: 401,
    };
    running.check();
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, settings: service::Settings) {
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    service::serve(listener, settings).await.unwrap();
}

#[test]
fn example_revokes_tokens_in_memory() {
    check(None);
}

#[test]
fn example_revokes_tokens_in_redis() {
    match std::env::var("BOLTGUARD_TEST_REDIS_URL") {
        Ok(url) => check(Some(url)),
        Err(_) => eprintln!("SKIPPED: BOLTGUARD_TEST_REDIS_URL isn't set"),
    }
}
