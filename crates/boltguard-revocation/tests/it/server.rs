//! Servers for tests, and a proxy.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use boltguard_revocation::RedisRevocation;
use boltguard_revocation::contract::Clock;
use boltguard_types::NumericDate;

/// Returns the URL of a server. If the variable isn't set, reports this and returns `None`.
pub(crate) fn address() -> Option<String> {
    let Ok(url) = std::env::var("BOLTGUARD_TEST_REDIS_URL") else {
        eprintln!("SKIPPED: BOLTGUARD_TEST_REDIS_URL isn't set");
        return None;
    };
    let result = RedisRevocation::open(&url).and_then(|store| store.is_revoked("any"));
    result.unwrap_or_else(|error| panic!("{url}: {error}"));
    Some(url)
}

/// Returns a unique prefix for the keys of a test.
pub(crate) fn unique_prefix() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("the clock is after 1970")
        .as_nanos();
    format!(
        "boltguard:test:{nanos}:{}:",
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

pub(crate) fn now() -> NumericDate {
    NumericDate::from(SystemTime::now())
}

/// A proxy for a server, which can close all connections.
pub(crate) struct Proxy {
    pub(crate) url: String,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    pub(crate) fn to(host: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("redis://{}", listener.local_addr()?);
        let streams = Arc::new(Mutex::new(Vec::new()));
        let (host, opened) = (host.to_owned(), Arc::clone(&streams));
        thread::spawn(move || -> io::Result<()> {
            for client in listener.incoming() {
                let (client, server) = (client?, TcpStream::connect(&host)?);
                for (from, to) in [
                    (client.try_clone()?, server.try_clone()?),
                    (server.try_clone()?, client.try_clone()?),
                ] {
                    thread::spawn(move || io::copy(&mut &from, &mut &to));
                }
                opened
                    .lock()
                    .expect("the lock is not poisoned")
                    .extend([client, server]);
            }
            Ok(())
        });
        Ok(Self { url, streams })
    }

    pub(crate) fn disconnect(&self) {
        let mut streams = self.streams.lock().expect("the lock is not poisoned");
        for stream in streams.drain(..) {
            // The stream can already be closed.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A private server.
pub(crate) struct Server {
    child: Child,
    port: u16,
    pub(crate) url: String,
}

impl Server {
    /// Starts a server with hardly any memory.
    pub(crate) fn start(policy: &str) -> Option<Self> {
        Self::start_with(&["--maxmemory", "1", "--maxmemory-policy", policy])
    }

    /// Starts a server. If the program isn't installed, reports this and returns `None`.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = listener.local_addr().ok()?.port();
        drop(listener);
        let Ok(child) = spawn(port, options) else {
            eprintln!("SKIPPED: no redis-server on the PATH");
            return None;
        };
        let server = Self {
            child,
            port,
            url: format!("redis://127.0.0.1:{port}"),
        };
        server.wait_until_started();
        Some(server)
    }

    /// Kills the server, and starts it without data.
    pub(crate) fn restart(&mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server ends");
        self.child = spawn(self.port, &[]).expect("the program is installed");
        self.wait_until_started();
    }

    /// Sends a signal to the server.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(status.expect("the command runs").success());
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn run(&self, command: &str) {
        self.query::<redis::Value>(command);
    }

    pub(crate) fn query<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let name = words.next().expect("the command isn't empty");
        let mut connection = self.connect().expect("the server accepts connections");
        redis::cmd(name)
            .arg(words.collect::<Vec<_>>())
            .query(&mut connection)
            .expect("the command succeeds")
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(&*self.url)?.get_connection()
    }

    fn wait_until_started(&self) {
        for _ in 0..200 {
            if self.connect().is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server does not start");
    }
}

fn spawn(port: u16, options: &[&str]) -> io::Result<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        // A replica writes no file.
        .args(["--repl-diskless-load", "swapdb"])
        .args(options)
        .stdout(Stdio::null())
        .spawn()
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server can already have stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The clock of the system.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> NumericDate {
        now()
    }

    fn wait(&self, duration: Duration) {
        thread::sleep(duration);
    }
}
