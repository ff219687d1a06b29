//! A PostgreSQL for tests: a database of our own on a running server, or a server of our own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::lease::{Lease, Scratch, Server};
use super::user::User;
use super::{Service, Way, finish};
use crate::demo::free_port;
use crate::process;

pub(super) const WAYS: [Way; 3] = [
    |_| Ok(users().into_iter().find_map(|user| borrow(5432, &user))),
    |_| programs().map(|directory| start(&directory)).transpose(),
    |pip| {
        pip.file("pginstall18/bin/initdb")?
            .and_then(|initdb| initdb.parent().map(start))
            .transpose()
    },
];

const OWN_USER: &str = "boltguard";

fn users() -> Vec<String> {
    let current = ["USER", "LOGNAME"]
        .iter()
        .filter_map(|name| std::env::var(name).ok());
    ["postgres".to_owned(), "root".to_owned()]
        .into_iter()
        .chain(current)
        .collect()
}

/// Makes a database on a running server that lets this user in without a password.
fn borrow(port: u16, user: &str) -> Option<Service> {
    let mut session = Session::connect(port, user, "postgres").ok()?;
    let database = format!("boltguard_test_{}", std::process::id());
    session
        .execute(&format!("CREATE DATABASE {database}"))
        .ok()?;
    Some(Service {
        url: format!("postgres://{user}@127.0.0.1:{port}/{database}"),
        origin: format!("the server on 127.0.0.1:{port}, a database of our own, {database}"),
        _lease: Some(Lease::new(move || {
            let _ = session.execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        })),
    })
}

/// Where `initdb` and `postgres` are; Debian keeps them off the PATH.
fn programs() -> Option<PathBuf> {
    let on_path = process::on_path("initdb").and_then(|path| path.parent().map(Path::to_owned));
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    installed.sort();
    on_path
        .into_iter()
        .chain(installed)
        .find(|directory| directory.join("initdb").exists() && directory.join("postgres").exists())
}

/// Starts a server in a new directory. PostgreSQL refuses to run as root, which then hands it to another user.
fn start(programs: &Path) -> Result<Service> {
    let scratch = Scratch::new("postgres")?;
    let user = User::for_server(&["postgres", "nobody"]);
    let data = scratch.path().join("data");
    user.own(scratch.path())?;
    let mut initdb = process::command(programs.join("initdb"));
    initdb
        .args([
            "-A",
            "trust",
            "-U",
            OWN_USER,
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ])
        .arg(&data);
    user.dress(initdb.current_dir(scratch.path()));
    finish(&mut initdb)?;

    let port = free_port()?;
    let (text, place) = (
        port.to_string(),
        scratch.path().to_string_lossy().into_owned(),
    );
    let args = [
        "-D",
        "data",
        "-h",
        "127.0.0.1",
        "-p",
        &text,
        "-k",
        &place,
        "-F",
    ];
    let server = Server::start(&programs.join("postgres"), &args, scratch, |command| {
        user.dress(command)
    })?;
    let server = server.wait(|| Session::connect(port, OWN_USER, "postgres").is_ok())?;
    Ok(Service {
        url: format!("postgres://{OWN_USER}@127.0.0.1:{port}/postgres"),
        origin: format!(
            "{} on 127.0.0.1:{port}",
            programs.join("postgres").display()
        ),
        _lease: Some(server.lease()),
    })
}

/// A connection that needs no password, [protocol 3.0](https://www.postgresql.org/docs/current/protocol-flow.html).
struct Session {
    stream: TcpStream,
}

impl Session {
    fn connect(port: u16, user: &str, database: &str) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut session = Self { stream };
        session.send(
            &[],
            format!("\0\x03\0\0user\0{user}\0database\0{database}\0\0").as_bytes(),
        )?;
        session.until_ready()?;
        Ok(session)
    }

    fn execute(&mut self, sql: &str) -> io::Result<()> {
        self.send(b"Q", format!("{sql}\0").as_bytes())?;
        self.until_ready()
    }

    fn send(&mut self, kind: &[u8], body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        self.stream
            .write_all(&[kind, &length.to_be_bytes(), body].concat())
    }

    /// Reads answers until the server waits for the next command; the first error among them is ours.
    fn until_ready(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        loop {
            match self.receive()? {
                (b'Z', _) => return outcome,
                (b'E', body) => {
                    outcome = outcome.and(Err(io::Error::other(
                        String::from_utf8_lossy(&body).into_owned(),
                    )))
                }
                (b'R', body) if body != [0; 4] => {
                    return Err(io::Error::other("the server asks for a password"));
                }
                _ => (),
            }
        }
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
        self.stream.read_exact(&mut body)?;
        Ok((kind, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_our_own_is_made_and_dropped() {
        let Some(programs) = programs() else { return };
        let server = start(&programs).unwrap();
        let port: u16 = server
            .url
            .split([':', '/', '@'])
            .rev()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let own = borrow(port, OWN_USER).unwrap();
        let database = own.url.rsplit('/').next().unwrap().to_owned();
        assert!(Session::connect(port, OWN_USER, &database).is_ok());
        drop(own);
        assert!(Session::connect(port, OWN_USER, &database).is_err());
        assert!(borrow(port, "stranger").is_none());
    }
}
