//! A MariaDB (or MySQL) for tests: a database of our own on a running server, or a server of our own.

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
    |_| Ok(borrow(3306)),
    |_| {
        Programs::find()
            .map(|programs| start(&programs))
            .transpose()
    },
    |_| Ok(None),
];

/// Makes a database on a running server that lets root in without a password.
fn borrow(port: u16) -> Option<Service> {
    let mut session = Session::connect(port, None).ok()?;
    let database = format!("boltguard_test_{}", std::process::id());
    session
        .execute(&format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"))
        .ok()?;
    Some(Service {
        url: format!("mysql://root@127.0.0.1:{port}/{database}"),
        origin: format!("the server on 127.0.0.1:{port}, a database of our own, {database}"),
        _lease: Some(Lease::new(move || {
            let _ = session.execute(&format!("DROP DATABASE IF EXISTS {database}"));
        })),
    })
}

/// A server, and the script that makes its directory; MySQL's server does that itself.
struct Programs {
    server: PathBuf,
    install: Option<PathBuf>,
}

impl Programs {
    fn find() -> Option<Self> {
        let of_either = |names: &[&str]| names.iter().find_map(|name| program(name));
        let install = of_either(&["mariadb-install-db", "mysql_install_db"]);
        let server = match &install {
            Some(_) => of_either(&["mariadbd", "mysqld"]),
            None => program("mysqld"),
        };
        server.map(|server| Self { server, install })
    }
}

/// Debian keeps servers off the PATH of ordinary users.
fn program(name: &str) -> Option<PathBuf> {
    let system = ["/usr/sbin", "/usr/libexec"].map(|directory| Path::new(directory).join(name));
    process::on_path(name).or_else(|| system.into_iter().find(|path| path.is_file()))
}

/// Starts a server in a new directory. It refuses to run as root, which then hands it to another user.
fn start(programs: &Programs) -> Result<Service> {
    let scratch = Scratch::new("mariadb")?;
    let user = User::for_server(&["mysql", "nobody"]);
    user.own(scratch.path())?;
    let data = format!("--datadir={}", scratch.path().join("data").display());
    let mut install = match &programs.install {
        Some(script) => process::command(script),
        None => process::command(&programs.server),
    };
    install.args(["--no-defaults", &data]);
    install.args(match &programs.install {
        Some(_) => ["--auth-root-authentication-method=normal", "--skip-test-db"].as_slice(),
        None => ["--initialize-insecure"].as_slice(),
    });
    user.dress(install.current_dir(scratch.path()));
    finish(&mut install)?;

    let port = free_port()?;
    let port_option = format!("--port={port}");
    let args = [
        "--no-defaults",
        &data,
        &port_option,
        "--bind-address=127.0.0.1",
        "--socket=socket",
        "--pid-file=pid",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=0",
    ];
    let server = Server::start(&programs.server, &args, scratch, |command| {
        user.dress(command)
    })?;
    let is_ready = || {
        Session::connect(port, None)
            .is_ok_and(|mut session| session.execute("CREATE DATABASE boltguard").is_ok())
    };
    Ok(Service {
        url: format!("mysql://root@127.0.0.1:{port}/boltguard"),
        origin: format!("{} on 127.0.0.1:{port}", programs.server.display()),
        _lease: Some(server.wait(is_ready)?.lease()),
    })
}

/// A connection of root's that needs no password, with the
/// [protocol](https://mariadb.com/kb/en/clientserver-protocol/) of MariaDB and MySQL.
struct Session {
    stream: TcpStream,
}

impl Session {
    fn connect(port: u16, database: Option<&str>) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut session = Self { stream };
        let (sequence, greeting) = session.receive()?;
        if greeting.first() != Some(&PROTOCOL) {
            return Err(refusal(&greeting));
        }
        session.send(sequence + 1, &login(database))?;
        session.until_ok()?;
        Ok(session)
    }

    fn execute(&mut self, sql: &str) -> io::Result<()> {
        self.send(0, &[&[QUERY], sql.as_bytes()].concat())?;
        self.until_ok()
    }

    fn until_ok(&mut self) -> io::Result<()> {
        loop {
            match self.receive()? {
                (_, body) if body.first() == Some(&OK) => return Ok(()),
                // Another way to log in, in which an empty password is an empty packet too.
                (sequence, body) if body.first() == Some(&OTHER_LOGIN) => {
                    self.send(sequence + 1, &[])?;
                }
                (_, body) => return Err(refusal(&body)),
            }
        }
    }

    fn send(&mut self, sequence: u8, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let [a, b, c, _] = length.to_le_bytes();
        self.stream
            .write_all(&[&[a, b, c, sequence], body].concat())
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, sequence] = head;
        let mut body = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
        self.stream.read_exact(&mut body)?;
        Ok((sequence, body))
    }
}

/// What a client says first: what it can do, its largest packet, its character set, and who it is.
fn login(database: Option<&str>) -> Vec<u8> {
    let in_database = if database.is_some() { WITH_DATABASE } else { 0 };
    let mut body = Vec::new();
    body.extend((PROTOCOL_41 | SECURE | PLUGIN | in_database).to_le_bytes());
    body.extend(0x0100_0000_u32.to_le_bytes());
    body.push(UTF8MB4);
    body.extend([0; 23]);
    // The name, and an empty password of which the first byte is the length.
    body.extend(b"root\0\0");
    body.extend(database.into_iter().flat_map(str::bytes));
    body.extend(database.map(|_| 0));
    body.extend(b"mysql_native_password\0");
    body
}

fn refusal(body: &[u8]) -> io::Error {
    io::Error::other(String::from_utf8_lossy(body).into_owned())
}

const PROTOCOL: u8 = 10;
const OK: u8 = 0;
const OTHER_LOGIN: u8 = 0xfe;
const QUERY: u8 = 3;
const UTF8MB4: u8 = 45;
const WITH_DATABASE: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const SECURE: u32 = 1 << 15;
const PLUGIN: u32 = 1 << 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_our_own_is_made_and_dropped() {
        let Some(programs) = Programs::find() else {
            return;
        };
        let server = start(&programs).unwrap();
        let port: u16 = server
            .url
            .split([':', '/', '@'])
            .rev()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let own = borrow(port).unwrap();
        let database = own.url.rsplit('/').next().unwrap().to_owned();
        assert!(Session::connect(port, Some(&database)).is_ok());
        drop(own);
        assert!(Session::connect(port, Some(&database)).is_err());
    }
}
