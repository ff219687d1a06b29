//! A small HTTP client, for tests with a real server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A response, with the names of its headers in lower case.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Response {
    /// Returns the value of a header, several values joined by commas.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().filter(|(found, _)| found == name);
        let values: Vec<_> = found.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// Sends a request without a body, and reads the response until the server closes the connection.
///
/// # Panics
///
/// If the server doesn't send an HTTP response.
#[must_use]
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let timeout = Some(Duration::from_secs(60));
    stream.set_read_timeout(timeout).expect("it isn't zero");
    let head = format!("{head}Content-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the server reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it is UTF-8");
    parse(&response).expect("it is a response of HTTP/1.1")
}

fn parse(response: &str) -> Option<Response> {
    let (head, body) = response.split_once("\r\n\r\n")?;
    let (status_line, headers) = head.split_once("\r\n")?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Response {
        status: status_line.split(' ').nth(1)?.parse().ok()?,
        headers: headers.lines().map(header).collect::<Option<_>>()?,
        body: body.to_owned(),
    })
}
