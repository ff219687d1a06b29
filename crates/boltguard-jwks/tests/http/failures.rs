use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use boltguard_jwks::{FetchError, JwksUrl};

use crate::clients::Clients;
use crate::server::{Server, Stream, hang, respond};
use crate::support::jwks;

const LIMIT: usize = 1024;

/// The result of a fetch from a server with this behaviour.
fn fetch(handle: impl Fn(&mut dyn Stream) + Send + Sync + 'static) -> Result<usize, FetchError> {
    let server = Server::start(move |_, stream| handle(stream));
    server
        .clients()
        .fetch(LIMIT)
        .map(|response| response.body.len())
}

/// A timeout for fetches that would never end otherwise.
fn fetch_for_a_moment(handle: impl Fn(&mut dyn Stream) + Send + Sync + 'static) -> FetchError {
    let server = Server::start(move |_, stream| handle(stream));
    let fetch = server.clients().with_timeout(Duration::from_millis(200));
    fetch.fetch(LIMIT).unwrap_err()
}

#[test]
fn response_is_passed_on() {
    let server = Server::start(|_, stream| {
        let headers = "Cache-Control: public\r\nCache-Control: max-age=60\r\n";
        respond(stream, "200 OK", headers, jwks(&["a"]).as_bytes());
    });
    let response = server.clients().fetch(LIMIT).unwrap();
    assert_eq!(
        (response.status, response.body),
        (200, jwks(&["a"]).into_bytes())
    );
    assert_eq!(response.cache_control.as_deref(), Some("public,max-age=60"));
}

#[test]
fn no_timeout_is_too_long() {
    let server = Server::start(|_, stream| {
        respond(stream, "200 OK", "", jwks(&["a"]).as_bytes());
    });
    let fetch = server.clients().with_timeout(Duration::MAX);
    assert_eq!(fetch.fetch(LIMIT).unwrap().status, 200);
}

#[test]
fn response_with_another_status_is_not_read() {
    for status in ["404 Not Found", "500 Oops", "503 Later"] {
        let server =
            Server::start(move |_, stream| respond(stream, status, "", &[b'x'; 2 * LIMIT]));
        let response = server.clients().fetch(LIMIT).unwrap();
        assert_eq!(response.status.to_string(), status[..3]);
        assert!(response.body.is_empty());
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        let target =
            Server::start(|_, stream| respond(stream, "200 OK", "", jwks(&["a"]).as_bytes()));
        let location = format!("Location: {}\r\n", target.url("http", "127.0.0.1").as_str());
        let server = Server::start(move |_, stream| respond(stream, status, &location, b""));
        let response = server.clients().fetch(LIMIT).unwrap();
        assert_eq!(response.status.to_string(), status[..3]);
        assert_eq!((server.requests(), target.requests()), (2, 0));
    }
}

#[test]
fn a_body_is_read_up_to_the_limit() {
    assert_eq!(
        fetch(|stream| respond(stream, "200 OK", "", &[b'x'; LIMIT])),
        Ok(LIMIT)
    );
    let longer = |stream: &mut dyn Stream| respond(stream, "200 OK", "", &[b'x'; LIMIT + 1]);
    assert_eq!(fetch(longer), Err(FetchError::TooLarge));
}

#[test]
fn a_body_without_an_end_is_left() {
    let endless = |stream: &mut dyn Stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    };
    assert_eq!(fetch(endless), Err(FetchError::TooLarge));
    let chunked = |stream: &mut dyn Stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while stream.write_all(b"4\r\nxxxx\r\n").is_ok() {}
    };
    assert_eq!(fetch(chunked), Err(FetchError::TooLarge));
}

#[test]
fn headers_without_an_end_are_left() {
    let endless = |stream: &mut dyn Stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream
            .write_all(b"X-More: and more and more and more\r\n")
            .is_ok()
        {}
    };
    let server = Server::start(move |_, stream| endless(stream));
    let results = server.clients().fetch_each(LIMIT);
    assert!(results.iter().all(Result::is_err), "{results:?}");
}

#[test]
fn invalid_response_is_a_connection_failure() {
    assert_eq!(fetch(|_| ()), Err(FetchError::Connection));
    for text in [
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    ] {
        let found = fetch(move |stream| {
            let _ = stream.write_all(text.as_bytes());
        });
        assert_eq!(found, Err(FetchError::Connection), "{text}");
    }
}

#[test]
fn unreachable_address_is_a_connection_failure() {
    let port = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = JwksUrl::allowing_http(format!("http://127.0.0.1:{port}/")).unwrap();
    assert_eq!(Clients::new(url).fetch(LIMIT), Err(FetchError::Connection));
}

#[test]
fn compressed_response_is_rejected() {
    let compressed =
        |stream: &mut dyn Stream| respond(stream, "200 OK", "Content-Encoding: gzip\r\n", b"x");
    assert_eq!(fetch(compressed), Err(FetchError::Encoded));
}

#[test]
fn a_server_that_hangs_is_left() {
    assert_eq!(
        fetch_for_a_moment(|stream| hang(stream)),
        FetchError::Timeout
    );
    let half = |stream: &mut dyn Stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        hang(stream);
    };
    assert_eq!(fetch_for_a_moment(half), FetchError::Timeout);
}

#[test]
fn a_server_that_drips_is_left() {
    let drip = |head: &'static str| {
        move |stream: &mut dyn Stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(b"x").is_ok() && stream.flush().is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    };
    assert_eq!(
        fetch_for_a_moment(drip("HTTP/1.1 200 OK\r\n\r\n")),
        FetchError::Timeout
    );
    assert_eq!(
        fetch_for_a_moment(drip("HTTP/1.1 200 OK\r\nX: ")),
        FetchError::Timeout
    );
}

#[test]
fn headers_are_sent_and_not_shown() {
    let server = Server::start(|_, stream| respond(stream, "200 OK", "", b"{}"));
    let fetch = server
        .clients()
        .with_header("Authorization", "Bearer hunter2")
        .unwrap();
    assert!(fetch.fetch(LIMIT).is_ok());
    assert!(!format!("{fetch:?}").contains("hunter2"));
    for (name, value) in [("a b", "x"), ("", "x"), ("a", "x\r\nb: c"), ("a", "\n")] {
        assert!(
            server.clients().with_header(name, value).is_err(),
            "{name:?} {value:?}"
        );
    }
}
