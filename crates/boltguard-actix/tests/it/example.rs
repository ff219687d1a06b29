//! The example service, on a real server.

use std::net::TcpListener;
use std::thread;

use boltguard_testing::service::{Credentials, Service};

#[path = "../../examples/actix_service.rs"]
mod service;

/// Checks the service with this list of revoked tokens.
fn check(redis_url: Option<String>) {
    let credentials = Credentials::generate();
    let settings = service::Settings {
        secret: credentials.secret.clone(),
        pepper: credentials.pepper.clone(),
        api_keys: [credentials.stored.clone()].into(),
        redis_url,
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener, settings));
    let running = Service {
        address,
        credentials: &credentials,
        unknown_path: 404,
    };
    running.check();
}

#[actix_web::main]
async fn serve(listener: TcpListener, settings: service::Settings) {
    let server = service::serve(listener, settings).unwrap();
    server.await.unwrap();
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
