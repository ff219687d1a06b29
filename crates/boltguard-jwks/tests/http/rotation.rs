//! A client and a server with rotating keys.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use boltguard_jwks::{
    AsyncHttpFetch, AsyncJwksClient, FetchError, HttpFetch, JwksClient, JwksSource, Refresh,
};

use crate::clients::block_on;
use crate::server::{Server, hang, respond};
use crate::support::{jwks, names, remote, seconds};

fn client(server: &Server) -> JwksClient<HttpFetch> {
    JwksClient::new(remote(), server.fetch())
}

/// A server whose first responses are these sets, and whose later ones are errors.
fn serving(sets: &'static [&'static [&'static str]]) -> Server {
    Server::start(move |number, stream| match sets.get(number) {
        Some(names) => respond(stream, "200 OK", "", jwks(names).as_bytes()),
        None => respond(stream, "500 Oops", "", b""),
    })
}

/// The `kid` of each key after this many seconds.
fn after(client: &JwksClient<HttpFetch>, start: Instant, need: Refresh, time: u64) -> Vec<String> {
    let keys = client.refresh(need, start + seconds(time)).unwrap();
    names(&keys).into_iter().map(str::to_owned).collect()
}

#[test]
fn keys_rotate_fail_and_end() {
    let server = serving(&[&["a"], &["b"]]);
    let (client, start) = (client(&server), Instant::now());
    let after = |need, time| after(&client, start, need, time);
    assert_eq!(after(Refresh::IfStale, 0), ["a"]);
    assert_eq!(after(Refresh::IfStale, 200), ["a"]);
    assert_eq!(server.requests(), 1);
    assert_eq!(after(Refresh::UnknownKid, 200), ["b"]);
    assert_eq!(server.requests(), 2);
    // From now on, the server fails.
    assert_eq!(after(Refresh::IfStale, 2000), ["b"]);
    assert_eq!(server.requests(), 3);
    let refused = client
        .refresh(Refresh::IfStale, start + seconds(9000))
        .unwrap_err();
    assert_eq!(refused.cause(), Some(FetchError::Status(500)));
    assert_eq!(server.requests(), 4);
}

#[test]
fn a_server_that_recovers_is_trusted_again() {
    let server = Server::start(|number, stream| match number {
        0..2 => respond(stream, "500 Oops", "", b""),
        _ => respond(stream, "200 OK", "", jwks(&["a"]).as_bytes()),
    });
    let (client, start) = (client(&server), Instant::now());
    assert!(client.refresh(Refresh::IfStale, start).is_err());
    assert!(client.refresh(Refresh::IfStale, start).is_err());
    assert_eq!(server.requests(), 1);
    assert!(
        client
            .refresh(Refresh::IfStale, start + seconds(100))
            .is_err()
    );
    assert_eq!(after(&client, start, Refresh::IfStale, 200), ["a"]);
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_flood_of_unknown_keys_is_one_request() {
    let server = serving(&[&["a"], &["a"]]);
    let (client, start) = (client(&server), Instant::now());
    assert_eq!(after(&client, start, Refresh::IfStale, 0), ["a"]);
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..100 {
                    assert_eq!(after(&client, start, Refresh::UnknownKid, 60), ["a"]);
                }
            });
        }
    });
    assert_eq!(server.requests(), 2);
}

#[test]
fn many_threads_at_the_start_are_one_request() {
    let server = serving(&[&["a"]]);
    let client = client(&server);
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(names(&client.keys().unwrap()), ["a"]);
            });
        }
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn one_thread_queries_a_server_that_hangs() {
    let server = Server::start(|number, stream| match number {
        0 => respond(stream, "200 OK", "", jwks(&["a"]).as_bytes()),
        _ => hang(stream),
    });
    let fetch = server.fetch().with_timeout(Duration::from_millis(200));
    let client = JwksClient::new(remote(), fetch);
    let start = Instant::now();
    assert_eq!(after(&client, start, Refresh::IfStale, 0), ["a"]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(after(&client, start, Refresh::IfStale, 400), ["a"]));
        }
    });
    assert_eq!(server.requests(), 2);
}

#[test]
fn responses_without_a_set_are_failures() {
    let server = Server::start(|number, stream| match number {
        0 => respond(stream, "200 OK", "", b"<html>not yet</html>"),
        1 => respond(stream, "200 OK", "", &vec![b' '; 600 * 1024]),
        _ => respond(stream, "302 Found", "Location: /elsewhere\r\n", b""),
    });
    let (client, start) = (client(&server), Instant::now());
    let cause = |time| {
        client
            .refresh(Refresh::IfStale, start + seconds(time))
            .unwrap_err()
            .cause()
    };
    assert!(matches!(cause(0), Some(FetchError::Keys(_))));
    assert_eq!(cause(100), Some(FetchError::TooLarge));
    assert_eq!(cause(200), Some(FetchError::Redirect));
}

#[test]
fn keys_are_found_through_the_metadata_of_the_issuer() {
    let keys = serving(&[&["a"], &["a"]]);
    let jwks_uri = keys.url("http", "127.0.0.1");
    let issuer = Arc::new(OnceLock::<String>::new());
    let own = Arc::clone(&issuer);
    let server = Server::start(move |_, stream| {
        let (issuer, jwks_uri) = (own.get().unwrap(), jwks_uri.as_str());
        let body = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#);
        respond(stream, "200 OK", "", body.as_bytes());
    });
    let url = server.url("http", "127.0.0.1");
    let url = url.as_str().trim_end_matches("/jwks.json").to_owned();
    issuer.set(url.clone()).unwrap();
    let source = || JwksSource::discover_allowing_http(&url).unwrap();

    let blocking = JwksClient::new(remote(), HttpFetch::new(source()).without_proxy());
    assert_eq!(names(&blocking.keys().unwrap()), ["a"]);
    let asynchronous = AsyncJwksClient::new(remote(), source(), AsyncHttpFetch::new());
    assert_eq!(names(&block_on(asynchronous.keys()).unwrap()), ["a"]);
    assert_eq!((server.requests(), keys.requests()), (2, 2));
}
