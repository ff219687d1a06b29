//! The headers of an issuer aren't sent to the host of another that its metadata names.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use boltguard_jwks::{AsyncFetch, AsyncHttpFetch, Fetch, HttpFetch, JwksSource, SourceStep};

use crate::clients::block_on;
use crate::server::{Server, respond};

const SECRET: &str = "x-key: the secret of the issuer";

const KEYS: &[u8] = br#"{"keys":[]}"#;

/// A server whose first response, and then every second one, is the metadata with the URL of the keys. The others are
/// the keys, or the metadata again if they are elsewhere.
fn issuer(keys: Option<&Server>) -> (Server, String) {
    let metadata = Arc::new(OnceLock::<String>::new());
    let (answer, has_keys) = (Arc::clone(&metadata), keys.is_none());
    let server = Server::start(move |number, stream| {
        let body = match has_keys && number % 2 == 1 {
            true => KEYS,
            false => answer.get().unwrap().as_bytes(),
        };
        respond(stream, "200 OK", "", body);
    });
    let own = server.url("http", "127.0.0.1").to_string();
    let issuer = own.strip_suffix("/jwks.json").unwrap().to_owned();
    let uri = keys.map_or(own, |keys| keys.url("http", "127.0.0.1").to_string());
    let text = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{uri}"}}"#);
    metadata.set(text).unwrap();
    (server, issuer)
}

/// Fetches the set with each of the clients.
#[expect(
    clippy::disallowed_methods,
    reason = "the metadata of the source is received now"
)]
fn fetch(issuer: &str) {
    let source = JwksSource::discover_allowing_http(issuer).unwrap();
    let fetch = HttpFetch::new(source).without_proxy();
    let fetch = fetch
        .with_header("X-Key", "the secret of the issuer")
        .unwrap();
    assert_eq!(fetch.fetch(1000).unwrap().status, 200);

    let client = AsyncHttpFetch::new();
    let client = client
        .with_header("X-Key", "the secret of the issuer")
        .unwrap();
    let source = JwksSource::discover_allowing_http(issuer).unwrap();
    let now = Instant::now();
    let mut request = source.begin(now);
    loop {
        let response = block_on(client.fetch(request.url(), 1000));
        match request.resume(response, now) {
            SourceStep::Request(next) => request = next,
            SourceStep::Done(result) => {
                assert_eq!(result.unwrap().status, 200);
                break;
            }
        }
    }
}

#[test]
fn headers_are_not_sent_to_another_origin() {
    let keys = Server::start(|_, stream| respond(stream, "200 OK", "", KEYS));
    let (server, issuer) = issuer(Some(&keys));
    fetch(&issuer);
    let (own, others) = (server.headers(), keys.headers());
    assert_eq!((own.len(), others.len()), (2, 2));
    assert!(own.iter().all(|header| header.contains(SECRET)));
    assert!(!others.iter().any(|header| header.contains("x-key")));
}

#[test]
fn headers_are_sent_to_the_keys_of_the_same_origin() {
    let (server, issuer) = issuer(None);
    fetch(&issuer);
    let headers = server.headers();
    assert_eq!(headers.len(), 4);
    assert!(headers.iter().all(|header| header.contains(SECRET)));
}
