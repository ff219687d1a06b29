//! WebSockets on a real server: tokens among the subprotocols, and the end of connections.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use actix_web::web::{self, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use actix_ws::{CloseReason, Message, MessageStream, Session};
use boltguard::revocation::MemoryRevocation;
use boltguard::types::NumericDate;
use boltguard::{ConfigError, HeaderName, Revocation};
use boltguard_actix::{Authenticated, ConnectionWatch, GuardMiddleware};
use tokio_tungstenite::tungstenite;
use tungstenite::client::{IntoClientRequest, client};
use tungstenite::{Message as Received, WebSocket};

use crate::support::{gate, jwt, token};

/// Sends the subprotocols and the caller that the handler receives, and then what the client sends.
async fn chat(
    request: HttpRequest,
    caller: Authenticated,
    watch: ConnectionWatch,
    body: Payload,
) -> actix_web::Result<HttpResponse> {
    let offered = request.headers().get(PROTOCOL);
    let offered = offered.map_or("none", |value| value.to_str().unwrap());
    let first = format!("{offered}; {}", caller.user_id().unwrap());
    let (response, mut session, messages) = actix_ws::handle(&request, body)?;
    let watch = watch.with_interval(Duration::from_millis(50));
    actix_web::rt::spawn(async move {
        session.text(first).await.unwrap();
        let refusal = tokio::select! {
            () = echo(session.clone(), messages) => return,
            refusal = watch.ended() => refusal,
        };
        let reason = CloseReason {
            code: refusal.close_code().into(),
            description: Some(refusal.code().into()),
        };
        session.close(Some(reason)).await.unwrap();
    });
    Ok(response)
}

async fn echo(mut session: Session, mut messages: MessageStream) {
    while let Some(Ok(message)) = messages.recv().await {
        if let Message::Text(text) = message {
            session.text(text).await.unwrap();
        }
    }
}

fn start(middleware: GuardMiddleware) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener, middleware));
    address
}

#[actix_web::main]
async fn serve(listener: TcpListener, middleware: GuardMiddleware) {
    let app = move || {
        let resource = web::resource("/").wrap(middleware.clone());
        App::new().service(resource.route(web::get().to(chat)))
    };
    let server = HttpServer::new(app).workers(1).listen(listener).unwrap();
    server.run().await.unwrap();
}

/// A token that is valid for this many seconds.
fn valid_for(seconds: u32, id: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the server reads the clock")]
    let now = NumericDate::from(SystemTime::now()).as_f64();
    let exp = now + f64::from(seconds);
    token(&format!(r#"{{"sub":"42","jti":"{id}","exp":{exp}}}"#))
}

/// The chosen subprotocol and the open WebSocket, or the status of a refusal.
fn open(address: SocketAddr, offered: &str) -> Result<(String, WebSocket<TcpStream>), u16> {
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert(PROTOCOL, offered.parse().unwrap());
    headers.insert("authorization", "Bearer a.b.c".parse().unwrap());
    let stream = TcpStream::connect(address).unwrap();
    match client(request, stream) {
        Ok((socket, response)) => {
            let chosen = response.headers().get(PROTOCOL).unwrap();
            Ok((chosen.to_str().unwrap().to_owned(), socket))
        }
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            assert!(!response.headers().contains_key(PROTOCOL));
            Err(response.status().as_u16())
        }
        Err(other) => panic!("{other}"),
    }
}

fn accepting_subprotocol(list: Arc<MemoryRevocation>) -> GuardMiddleware {
    let backend = jwt().with_revocation(Revocation::InProcess(list));
    let middleware = GuardMiddleware::new(gate(backend, "authenticated")).unwrap();
    middleware.with_websocket_protocol("bearer").unwrap()
}

/// The code and the reason with which the server closes a WebSocket.
fn closed(socket: &mut WebSocket<TcpStream>) -> (u16, String) {
    loop {
        if let Received::Close(frame) = socket.read().unwrap() {
            let frame = frame.unwrap();
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

#[test]
fn token_after_the_subprotocol_authenticates_and_is_not_echoed() {
    let address = start(accepting_subprotocol(Arc::default()));
    let valid = valid_for(600, "t-1");
    for (others, received) in [
        ("", "none; 42"),
        (", chat.v2, chat.v1", "chat.v2, chat.v1; 42"),
    ] {
        let (chosen, mut socket) = open(address, &format!("bearer, {valid}{others}")).unwrap();
        assert_eq!(chosen, "bearer");
        assert_eq!(socket.read().unwrap(), Received::text(received));
    }
    for offered in ["bearer, a.b.c", "bearer", &format!("chat, bearer, {valid}")] {
        assert_eq!(open(address, offered).err(), Some(401), "{offered}");
    }
}

#[test]
fn subprotocols_are_not_credentials_without_the_option() {
    let address = start(GuardMiddleware::new(gate(jwt(), "authenticated")).unwrap());
    let offered = format!("bearer, {}", valid_for(600, "t-1"));
    assert_eq!(open(address, &offered).err(), Some(401));
}

#[test]
fn websocket_is_closed_when_its_token_expires() {
    let address = start(accepting_subprotocol(Arc::default()));
    let (_, mut socket) = open(address, &format!("bearer, {}", valid_for(2, "t-1"))).unwrap();
    assert_eq!(socket.read().unwrap(), Received::text("none; 42"));
    socket.send(Received::text("hello")).unwrap();
    assert_eq!(socket.read().unwrap(), Received::text("hello"));
    assert_eq!(closed(&mut socket), (4401, "token_expired".to_owned()));
}

#[test]
fn websocket_is_closed_when_its_token_is_revoked() {
    let list = Arc::new(MemoryRevocation::new());
    let address = start(accepting_subprotocol(list.clone()));
    let connect = |id| open(address, &format!("bearer, {}", valid_for(600, id))).unwrap();
    let ((_, mut socket), (_, mut other)) = (connect("t-1"), connect("t-2"));
    list.revoke("t-1", None, NumericDate::from_secs(1_300_819_000))
        .unwrap();
    assert_eq!(closed(&mut socket), (4401, "token_revoked".to_owned()));
    assert_eq!(other.read().unwrap(), Received::text("none; 42"));
    other.send(Received::text("hello")).unwrap();
    assert_eq!(other.read().unwrap(), Received::text("hello"));
}

#[test]
fn subprotocol_requires_a_backend_that_reads_the_token() {
    let elsewhere = jwt().with_header(HeaderName::new("x-token").unwrap());
    let middleware = GuardMiddleware::new(gate(elsewhere, "authenticated")).unwrap();
    let error = middleware.with_websocket_protocol("bearer").unwrap_err();
    assert_eq!(error, ConfigError::NoBearer);
}

const PROTOCOL: &str = "sec-websocket-protocol";
