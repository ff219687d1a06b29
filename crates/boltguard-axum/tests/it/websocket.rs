//! Tokens among the subprotocols of WebSockets, on a real server.

use std::net::{SocketAddr, TcpStream};
use std::thread;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing;
use boltguard::{ConfigError, HeaderName};
use boltguard_axum::{Authenticated, GuardLayer};
use http::HeaderMap;
use tokio_tungstenite::tungstenite;
use tungstenite::client::{IntoClientRequest, client};

use crate::support::{CLAIMS, bearer, gate, jwt, layer};

/// Responds with the subprotocols and the caller that the handler receives.
async fn chat(headers: HeaderMap, caller: Authenticated, upgrade: WebSocketUpgrade) -> Response {
    let offered = headers.get("sec-websocket-protocol");
    let offered = offered.map_or("none", |value| value.to_str().unwrap());
    let text = format!("{offered}; {}", caller.user_id().unwrap());
    let upgrade = upgrade.protocols(["chat.v2"]);
    upgrade.on_upgrade(async move |mut socket| {
        socket.send(Message::Text(text.into())).await.unwrap();
    })
}

fn start(layer: GuardLayer) -> SocketAddr {
    let app = Router::new()
        .route("/", routing::any(chat))
        .route_layer(layer);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener, app));
    address
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, app: Router) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    axum::serve(listener, app).await.unwrap();
}

/// The chosen subprotocol and the first message, or the status of a refusal.
fn open(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<(String, String), u16> {
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).unwrap();
    match client(request, stream) {
        Ok((mut socket, response)) => {
            let chosen = response.headers().get("sec-websocket-protocol");
            let chosen = chosen.map_or("none", |value| value.to_str().unwrap());
            Ok((chosen.to_owned(), socket.read().unwrap().to_string()))
        }
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            let headers = format!("{:?}", response.headers());
            assert!(!headers.contains("sec-websocket-protocol"), "{headers}");
            Err(response.status().as_u16())
        }
        Err(other) => panic!("{other}"),
    }
}

fn token() -> String {
    bearer(CLAIMS).replace("Bearer ", "")
}

fn opened(chosen: &str, received: &str) -> Result<(String, String), u16> {
    Ok((chosen.to_owned(), received.to_owned()))
}

const PROTOCOL: &str = "sec-websocket-protocol";

#[test]
fn token_after_the_subprotocol_authenticates_and_is_not_echoed() {
    let layer = layer("authenticated").with_websocket_protocol("bearer");
    let address = start(layer.unwrap());
    let only = format!("bearer, {}", token());
    let with_others = format!("bearer, {}, chat.v2, chat.v1", token());
    let invalid = "Bearer a.b.c";
    for (headers, expected) in [
        (
            &[(PROTOCOL, only.as_str())][..],
            opened("bearer", "none; 42"),
        ),
        (
            &[(PROTOCOL, &with_others)],
            opened("chat.v2", "chat.v2, chat.v1; 42"),
        ),
        // It takes precedence over a token in a header.
        (
            &[(PROTOCOL, &only), ("authorization", invalid)],
            opened("bearer", "none; 42"),
        ),
        (
            &[
                (PROTOCOL, "bearer, a.b.c"),
                ("authorization", &bearer(CLAIMS)),
            ],
            Err(401),
        ),
        (&[(PROTOCOL, "bearer, a.b.c")], Err(401)),
        (&[(PROTOCOL, "chat.v2, bearer, a.b.c")], Err(401)),
        (
            &[(PROTOCOL, "chat.v2"), ("authorization", &bearer(CLAIMS))],
            opened("chat.v2", "chat.v2; 42"),
        ),
    ] {
        assert_eq!(open(address, headers), expected, "{headers:?}");
    }
}

#[test]
fn subprotocols_are_not_credentials_without_the_option() {
    let address = start(layer("authenticated"));
    let offered = format!("bearer, {}", token());
    assert_eq!(open(address, &[(PROTOCOL, &offered)]), Err(401));
}

#[tokio::test]
async fn subprotocols_of_other_requests_are_not_credentials() {
    let layer = layer("authenticated").with_websocket_protocol("bearer");
    let app = Router::new()
        .route("/", routing::get(async || "found"))
        .route_layer(layer.unwrap());
    let request = http::Request::get("/").header(PROTOCOL, format!("bearer, {}", token()));
    let request = request.body(axum::body::Body::empty()).unwrap();
    assert_eq!(crate::support::send(&app, request).await.status(), 401);
}

#[test]
fn invalid_subprotocol_is_an_error_that_names_it() {
    for name in ["", "be arer", "bearer,"] {
        let error = layer("authenticated").with_websocket_protocol(name);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("{name:?}")), "{error}");
    }
}

#[test]
fn subprotocol_requires_a_backend_that_reads_the_token() {
    let elsewhere = jwt().with_header(HeaderName::new("x-token").unwrap());
    let layer = GuardLayer::new(gate(elsewhere, "authenticated")).unwrap();
    let error = layer.with_websocket_protocol("bearer").unwrap_err();
    assert_eq!(error, ConfigError::NoBearer);
}
