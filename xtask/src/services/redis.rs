//! A Redis for tests: an empty database of a running server, or a server of our own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::lease::{Lease, Scratch, Server};
use super::{Service, Way};
use crate::demo::free_port;
use crate::process;

pub(super) const WAYS: [Way; 3] = [
    |_| Ok(borrow(6379)),
    |_| {
        ["redis-server", "valkey-server"]
            .iter()
            .find_map(|name| process::on_path(name))
            .map(|path| start(&path))
            .transpose()
    },
    |pip| {
        pip.file("valkey-server")?
            .map(|path| start(&path))
            .transpose()
    },
];

/// Marks a database as taken by a run of tests; it lapses by itself if that run dies.
const MARK: &str = "boltguard-tests-run-here";

/// Takes an empty database of a running server, from the last one down.
fn borrow(port: u16) -> Option<Service> {
    let mut session = Session::connect(port).ok()?;
    let number = (1..16)
        .rev()
        .find(|number| session.take(*number).unwrap_or(false))?;
    let give_back = Lease::new(move || {
        let _ = session.ask("FLUSHDB");
    });
    Some(Service {
        url: format!("redis://127.0.0.1:{port}/{number}"),
        origin: format!("the server on 127.0.0.1:{port}, its empty database {number}"),
        _lease: Some(give_back),
    })
}

fn start(program: &Path) -> Result<Service> {
    let port = free_port()?;
    let text = port.to_string();
    let args = [
        "--port",
        &text,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ];
    let server = Server::start(program, &args, Scratch::new("redis")?, |_| ())?;
    let is_ready = || {
        Session::connect(port)
            .is_ok_and(|mut session| session.ask("PING").is_ok_and(|answer| answer == "+PONG"))
    };
    Ok(Service {
        url: format!("redis://127.0.0.1:{port}/0"),
        origin: format!("{} on 127.0.0.1:{port}", program.display()),
        _lease: Some(server.wait(is_ready)?.lease()),
    })
}

/// A connection that sends inline commands and reads answers of one line.
struct Session {
    stream: BufReader<TcpStream>,
}

impl Session {
    fn connect(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        self.stream
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    /// Whether the database was empty and is ours now.
    fn take(&mut self, number: u32) -> io::Result<bool> {
        let is_empty =
            self.ask(&format!("SELECT {number}"))? == "+OK" && self.ask("DBSIZE")? == ":0";
        Ok(is_empty && self.ask(&format!("SET {MARK} yes NX EX 7200"))? == "+OK")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_on_one_server_get_databases_of_their_own() {
        let Some(program) = process::on_path("redis-server") else {
            return;
        };
        let server = start(&program).unwrap();
        let port: u16 = server
            .url
            .split([':', '/'])
            .rev()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let (one, other) = (borrow(port).unwrap(), borrow(port).unwrap());
        assert_eq!(
            (one.url, other.url),
            (
                format!("redis://127.0.0.1:{port}/15"),
                format!("redis://127.0.0.1:{port}/14")
            )
        );
        drop(one._lease);
        assert!(borrow(port).unwrap().url.ends_with("/15"));
    }
}
