//! The example service, on a real server.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::SystemTime;

use boltguard::types::NumericDate;
use boltguard_testing::service::{Credentials, Service};
use boltguard_testing::{forge, http};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

#[path = "../../examples/axum_service.rs"]
mod service;

/// The running example.
struct Running {
    address: SocketAddr,
    credentials: Credentials,
}

impl Running {
    /// Starts the example with this list of revoked tokens.
    fn start(redis_url: Option<String>) -> Self {
        let credentials = Credentials::generate();
        let settings = service::Settings {
            secret: credentials.secret.clone(),
            pepper: credentials.pepper.clone(),
            api_keys: [credentials.stored.clone()].into(),
            redis_url,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(listener, settings));
        Self {
            address,
            credentials,
        }
    }

    /// A token that is valid for this many seconds.
    fn bearer(&self, seconds: u32) -> String {
        #[expect(clippy::disallowed_methods, reason = "the example reads the clock")]
        let now = NumericDate::from(SystemTime::now()).as_f64();
        let exp = now + f64::from(seconds);
        let claims = format!(r#"{{"sub":"ada","jti":"{now}","exp":{exp}}}"#);
        let token = forge::signed(r#"{"alg":"HS256"}"#, claims, &self.credentials.key);
        format!("Bearer {token}")
    }

    fn open(&self, authorization: &str) -> Result<WebSocket<TcpStream>, u16> {
        let url = format!("ws://{}/chat", self.address);
        let mut request = url.into_client_request().unwrap();
        let value = authorization.parse().unwrap();
        request.headers_mut().insert("authorization", value);
        let stream = TcpStream::connect(self.address).unwrap();
        match client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(error) => match error {
                tokio_tungstenite::tungstenite::HandshakeError::Failure(Error::Http(response)) => {
                    Err(response.status().as_u16())
                }
                other => panic!("{other}"),
            },
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, settings: service::Settings) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let app = service::app(settings).unwrap();
    axum::serve(listener, app).await.unwrap();
}

fn check(redis_url: Option<String>) {
    let running = Running::start(redis_url);
    let service = Service {
        address: running.address,
        credentials: &running.credentials,
        unknown_path: 404,
    };
    service.check();
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

/// The code and the reason with which the server closes a WebSocket.
fn closed(socket: &mut WebSocket<TcpStream>) -> (u16, String) {
    loop {
        if let Message::Close(frame) = socket.read().unwrap() {
            let frame = frame.unwrap();
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

#[test]
fn websocket_is_refused_without_valid_credentials() {
    let running = Running::start(None);
    assert_eq!(running.open("Bearer a.b.c").err(), Some(401));
    assert_eq!(running.open(&running.bearer(0)).err(), Some(401));
}

#[test]
fn websocket_is_closed_when_its_token_expires() {
    let running = Running::start(None);
    let mut socket = running.open(&running.bearer(2)).unwrap();
    socket.send(Message::text("hello")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("hello"));
    assert_eq!(closed(&mut socket), (4401, "token_expired".to_owned()));
}

#[test]
fn websocket_is_closed_when_its_token_is_revoked() {
    let running = Running::start(None);
    let token = running.bearer(600);
    let mut socket = running.open(&token).unwrap();
    let other = running.bearer(600);
    let mut open = running.open(&other).unwrap();
    let headers = [("authorization", token.as_str())];
    let logged_out = http::send(running.address, "POST", "/logout", &headers);
    assert_eq!(logged_out.status, 204);
    assert_eq!(closed(&mut socket), (4401, "token_revoked".to_owned()));
    open.send(Message::text("hello")).unwrap();
    assert_eq!(open.read().unwrap(), Message::text("hello"));
}
