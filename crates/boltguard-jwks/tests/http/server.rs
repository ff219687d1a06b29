//! A server that handles each connection as a test specifies.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use boltguard_jwks::{HttpFetch, JwksUrl};

use crate::clients::Clients;

pub(crate) trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// A server on a free port, which stops when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    headers: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Handles each request, given its number from zero on, once its header has been read.
    pub(crate) fn start(handle: impl Fn(usize, &mut dyn Stream) + Send + Sync + 'static) -> Self {
        Self::wrapped(|stream| Box::new(stream), handle)
    }

    pub(crate) fn wrapped(
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
        handle: impl Fn(usize, &mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            headers: Arc::default(),
            is_over: Arc::default(),
        };
        let (requests, is_over) = (Arc::clone(&server.requests), Arc::clone(&server.is_over));
        let headers = Arc::clone(&server.headers);
        let (wrap, handle) = (Arc::new(wrap), Arc::new(handle));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                let (requests, wrap, handle) = (
                    Arc::clone(&requests),
                    Arc::clone(&wrap),
                    Arc::clone(&handle),
                );
                let headers = Arc::clone(&headers);
                thread::spawn(move || {
                    let mut stream = wrap(stream);
                    if let Some(header) = read_header(&mut *stream) {
                        let header = String::from_utf8_lossy(&header).to_lowercase();
                        headers.lock().unwrap().push(header);
                        handle(requests.fetch_add(1, Ordering::SeqCst), &mut *stream);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The headers of all requests, in lower case.
    pub(crate) fn headers(&self) -> Vec<String> {
        self.headers.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, scheme: &str, host: &str) -> JwksUrl {
        let port = self.address.port();
        JwksUrl::allowing_http(format!("{scheme}://{host}:{port}/jwks.json")).unwrap()
    }

    pub(crate) fn fetch(&self) -> HttpFetch {
        HttpFetch::new(self.url("http", "127.0.0.1"))
            .without_proxy()
            .with_timeout(Duration::from_secs(60))
    }

    pub(crate) fn clients(&self) -> Clients {
        Clients::new(self.url("http", "127.0.0.1"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn read_header(stream: &mut dyn Stream) -> Option<Vec<u8>> {
    let (mut header, mut byte) = (Vec::new(), [0]);
    while !header.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => header.extend_from_slice(&byte),
            _ => return None,
        }
    }
    Some(header)
}

/// Sends a complete response.
pub(crate) fn respond(stream: &mut dyn Stream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
    let _ = stream.flush();
}

/// Reads until the client has disconnected.
pub(crate) fn hang(stream: &mut dyn Stream) {
    let mut bytes = [0; 64];
    while matches!(stream.read(&mut bytes), Ok(1..)) {}
}
