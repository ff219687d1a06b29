//! A server in a thread, and a client that keeps it busy.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// The number of requests that the server has at a time.
const CONNECTIONS: usize = 16;

/// A future that completes when the server has to stop.
pub(crate) type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server on a free port, with the connections of a client.
///
/// The client sends one request on each connection, and then reads the responses, so that it does little more than to
/// keep the server busy.
pub(crate) struct Loopback {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    /// A response to `request`. All of them have the same length.
    response: Vec<u8>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    /// Starts a server. All requests are for `path`, with this `Authorization` header.
    pub(crate) fn start<F: Future<Output = io::Result<()>>>(
        serve: impl FnOnce(TcpListener, Stop) -> F + Send + 'static,
        path: &str,
        authorization: &str,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || run_server(listener, serve, stopped));
        let mut loopback = Self {
            connections: Vec::new(),
            request: request(path, Some(authorization)),
            response: Vec::new(),
            stop: Some(stop),
            thread: Some(thread),
        };
        loopback.connections = (0..CONNECTIONS)
            .map(|_| connect(address))
            .collect::<io::Result<_>>()?;
        loopback.response = exchange(&mut loopback.connections[0], &loopback.request)?;
        Ok(loopback)
    }

    /// Returns the status of a request with this `Authorization` header.
    pub(crate) fn status(&mut self, path: &str, authorization: Option<&str>) -> io::Result<u16> {
        let response = exchange(&mut self.connections[0], &request(path, authorization))?;
        status(&response).ok_or_else(|| io::Error::other("the response has no status"))
    }

    /// Sends a number of requests, and returns the duration until all of them have responses.
    pub(crate) fn run(&mut self, times: u64) -> io::Result<Duration> {
        let mut buffer = vec![0; self.response.len()];
        let start = Instant::now();
        let mut left = usize::try_from(times).unwrap_or(usize::MAX);
        while left > 0 {
            let count = left.min(CONNECTIONS);
            for connection in &mut self.connections[..count] {
                connection.write_all(&self.request)?;
            }
            for connection in &mut self.connections[..count] {
                connection.read_exact(&mut buffer)?;
                if status(&buffer) != Some(200) {
                    return Err(io::Error::other("a request was refused"));
                }
            }
            left -= count;
        }
        Ok(start.elapsed())
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        // The server waits for open connections.
        self.connections.clear();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs a server until the sender of `stopped` is dropped.
fn run_server<F: Future<Output = io::Result<()>>>(
    listener: std::net::TcpListener,
    serve: impl FnOnce(TcpListener, Stop) -> F,
    stopped: oneshot::Receiver<()>,
) {
    runtime().block_on(async {
        listener.set_nonblocking(true).expect("the socket is valid");
        let listener = TcpListener::from_std(listener).expect("the socket is valid");
        let stop = Box::pin(async {
            let _ = stopped.await;
        });
        serve(listener, stop).await.expect("the server runs");
    });
}

pub(crate) fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime is available")
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(connection)
}

fn request(path: &str, authorization: Option<&str>) -> Vec<u8> {
    let header = authorization.map(|value| format!("authorization: {value}\r\n"));
    let header = header.unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}\r\n").into_bytes()
}

/// Sends a request, and returns the response, which must have a `content-length`.
fn exchange(connection: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    connection.write_all(request)?;
    let (mut response, mut byte) = (Vec::new(), [0]);
    while !response.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte)?;
        response.extend(byte);
    }
    let mut body = vec![0; content_length(&response)?];
    connection.read_exact(&mut body)?;
    response.extend(body);
    Ok(response)
}

fn content_length(head: &[u8]) -> io::Result<usize> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    length.ok_or_else(|| io::Error::other("the response has no content-length"))
}

fn status(response: &[u8]) -> Option<u16> {
    let digits = response.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
