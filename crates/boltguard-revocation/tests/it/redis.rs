//! The list in a real Redis: the one at `BOLTGUARD_TEST_REDIS_URL`, else one on the standard port.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use boltguard_revocation::{RedisRevocation, RevocationError};
use boltguard_types::NumericDate;

/// Where Redis answers; `None`, said aloud, where there is none and none was asked for.
fn address() -> Option<String> {
    let asked = std::env::var("BOLTGUARD_TEST_REDIS_URL").ok();
    let url = asked
        .clone()
        .unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let answers = RedisRevocation::open(&url).and_then(|store| store.is_revoked("any"));
    match (answers, asked) {
        (Ok(_), _) => Some(url),
        (Err(error), Some(_)) => panic!("{url}: {error}"),
        (Err(_), None) => {
            eprintln!("SKIPPED: no Redis at {url}; set BOLTGUARD_TEST_REDIS_URL");
            None
        }
    }
}

/// Keys of one test, which lapse by themselves.
fn own_prefix() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_nanos();
    format!(
        "boltguard:test:{nanos}:{}:",
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

fn store(url: &str) -> RedisRevocation {
    RedisRevocation::open(url)
        .expect("an address")
        .with_prefix(&own_prefix())
}

fn now() -> NumericDate {
    NumericDate::from(SystemTime::now())
}

#[test]
fn a_revoked_token_stays_so_until_its_end() {
    let Some(url) = address() else { return };
    let (store, now) = (store(&url), now());
    store
        .revoke("short", Some(now + Duration::from_millis(900)), now)
        .unwrap();
    store
        .revoke("long", Some(now + Duration::from_secs(30)), now)
        .unwrap();
    store.revoke("past", Some(now), now).unwrap();
    assert_eq!(store.is_revoked("short"), Ok(true));
    assert_eq!(store.is_revoked("past"), Ok(false));
    assert_eq!(store.is_revoked("other"), Ok(false));
    thread::sleep(Duration::from_millis(1300));
    assert_eq!(store.is_revoked("short"), Ok(false));
    assert_eq!(store.is_revoked("long"), Ok(true));
}

#[test]
fn revoking_again_extends_and_never_shortens() {
    let Some(url) = address() else { return };
    let (store, now) = (store(&url), now());
    let [short, long] = [1, 30].map(|secs| Some(now + Duration::from_secs(secs)));
    for (id, ends) in [
        ("up", [short, long]),
        ("down", [long, short]),
        ("same", [short, short]),
    ] {
        ends.into_iter()
            .for_each(|end| store.revoke(id, end, now).unwrap());
    }
    thread::sleep(Duration::from_millis(1400));
    let left = ["up", "down", "same"].map(|id| store.is_revoked(id).unwrap());
    assert_eq!(left, [true, true, false]);
}

#[test]
fn an_entry_for_good_is_not_given_an_end() {
    let Some(url) = address() else { return };
    let prefix = own_prefix();
    let store = RedisRevocation::open(&url).unwrap().with_prefix(&prefix);
    let now = now();
    let far = NumericDate::from_f64(1e300);
    for (id, first, second) in [
        ("kept", None, Some(now + Duration::from_secs(1))),
        ("made so", Some(now + Duration::from_secs(1)), None),
        ("far", far, Some(now + Duration::from_secs(1))),
    ] {
        store.revoke(id, first, now).unwrap();
        store.revoke(id, second, now).unwrap();
    }
    thread::sleep(Duration::from_millis(1400));
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    for id in ["kept", "made so", "far"] {
        assert_eq!(store.is_revoked(id), Ok(true), "{id}");
        let removed: usize = redis::cmd("DEL")
            .arg(format!("{prefix}{id}"))
            .query(&mut connection)
            .unwrap();
        assert_eq!(removed, 1);
    }
}

#[test]
fn threads_share_a_list() {
    let Some(url) = address() else { return };
    let (store, now) = (store(&url), now());
    thread::scope(|scope| {
        for worker in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..50 {
                    let id = format!("{worker} {n}");
                    assert_eq!(store.is_revoked(&id), Ok(false));
                    store
                        .revoke(&id, Some(now + Duration::from_secs(20)), now)
                        .unwrap();
                    assert_eq!(store.is_revoked(&id), Ok(true));
                }
            });
        }
    });
}

#[test]
fn connections_that_were_cut_are_made_anew() {
    let Some(url) = address() else { return };
    let Some(host) = url
        .strip_prefix("redis://")
        .filter(|rest| !rest.contains(['@', '/']))
    else {
        return;
    };
    let line = Line::to(host).unwrap();
    let store = store(&line.url);
    for _ in 0..3 {
        assert_eq!(store.is_revoked("any"), Ok(false));
        line.cut();
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let store = RedisRevocation::open(&url)
        .unwrap()
        .with_timeout(Duration::from_millis(100));
    let start = Instant::now();
    assert_eq!(store.is_revoked("any"), Err(RevocationError::Unavailable));
    assert_eq!(
        store.revoke("any", None, now()),
        Err(RevocationError::Unavailable)
    );
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_is_not_there_is_unavailable_and_an_address_must_be_one() {
    let store = RedisRevocation::open("redis://127.0.0.1:1").unwrap();
    assert_eq!(store.is_revoked("any"), Err(RevocationError::Unavailable));
    for url in ["", "localhost", "http://localhost", "redis://"] {
        assert_eq!(
            RedisRevocation::open(url).unwrap_err(),
            RevocationError::Address,
            "{url}"
        );
    }
}

#[test]
fn a_server_without_a_limit_evicts_nothing() {
    let Some(url) = address() else { return };
    let mut connection = redis::Client::open(&*url)
        .unwrap()
        .get_connection()
        .unwrap();
    let info: String = redis::cmd("INFO")
        .arg("memory")
        .query(&mut connection)
        .unwrap();
    if info.contains("maxmemory:0\r\n") {
        assert_eq!(store(&url).may_evict(), Ok(false));
    }
}

#[test]
fn a_server_without_memory_is_full_and_one_that_evicts_is_told() {
    let Some(full) = Server::start("noeviction") else {
        return;
    };
    assert_eq!(
        full.store().revoke("any", None, now()),
        Err(RevocationError::Full)
    );
    let end = Some(now() + Duration::from_secs(9));
    assert_eq!(
        full.store().revoke("any", end, now()),
        Err(RevocationError::Full)
    );
    assert_eq!(full.store().may_evict(), Ok(false));

    let Some(evicting) = Server::start("allkeys-lru") else {
        return;
    };
    assert_eq!(evicting.store().may_evict(), Ok(true));
}

#[test]
fn a_server_that_was_emptied_is_unavailable_until_the_loss_is_accepted() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let url = &server.url;
    let [one, other] = [0, 1].map(|_| RedisRevocation::open(url).unwrap());
    one.revoke("a", None, now()).unwrap();
    assert_eq!(other.is_revoked("a"), Ok(true));
    assert_eq!(other.is_revoked("b"), Ok(false));
    server.run("FLUSHALL");
    for _ in 0..2 {
        for store in [&one, &other, &RedisRevocation::open(url).unwrap()] {
            assert_eq!(store.is_revoked("a"), Err(RevocationError::Unavailable));
        }
    }
    // A token can still be revoked, and one that is known to be is refused as such.
    one.revoke("c", None, now()).unwrap();
    assert_eq!(other.is_revoked("c"), Ok(true));
    other.accept_loss().unwrap();
    assert_eq!(one.is_revoked("a"), Ok(false));
    assert_eq!(one.is_revoked("c"), Ok(true));
}

#[test]
fn a_server_that_was_emptied_answers_again_when_the_lost_entries_have_ended() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let store = RedisRevocation::open(&server.url).unwrap();
    let end = now() + Duration::from_secs(1);
    store.revoke("a", Some(end), now()).unwrap();
    server.run("FLUSHALL");
    assert_eq!(store.is_revoked("a"), Err(RevocationError::Unavailable));
    let patience = Instant::now() + Duration::from_secs(20);
    while store.is_revoked("a") != Ok(false) {
        assert!(Instant::now() < patience, "it is unavailable for ever");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(now() >= end);
}

#[test]
fn a_server_on_which_nothing_was_revoked_loses_nothing() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let store = RedisRevocation::open(&server.url).unwrap();
    for _ in 0..2 {
        assert_eq!(store.is_revoked("a"), Ok(false));
        server.run("FLUSHALL");
    }
}

#[test]
fn an_entry_lives_through_the_leeway_of_the_store() {
    let Some(url) = address() else { return };
    let store = store(&url).with_leeway(Duration::from_secs(30));
    let now = now();
    store.revoke("a", Some(now), now).unwrap();
    assert_eq!(store.is_revoked("a"), Ok(true));
}

#[test]
fn ids_of_any_length_and_characters_are_exact() {
    let Some(url) = address() else { return };
    let store = store(&url);
    let long = "x".repeat(5_000);
    for id in [
        &*long,
        "a\0b",
        "Ünï",
        "two  words",
        "ABC",
        "abc ",
        "boltguard:mark",
        "",
    ] {
        assert_eq!(store.is_revoked(id), Ok(false), "{id}");
        store.revoke(id, None, now()).unwrap();
        assert_eq!(store.is_revoked(id), Ok(true), "{id}");
    }
    let others = [
        &long[1..],
        "a",
        "Uni",
        "two words",
        "abc",
        "boltguard:mark2",
    ];
    for id in others {
        assert_eq!(store.is_revoked(id), Ok(false), "{id}");
    }
}

#[test]
fn an_entry_that_django_hashed_is_found() {
    let Some(url) = address() else { return };
    let prefix = own_prefix();
    let store = RedisRevocation::open(&url).unwrap().with_prefix(&prefix);
    // echo -n 'two words' | sha256sum
    let key = "sha256:a03f1d611645eb53ad16c1af546ca0792dc884505bab57ede80f4dad6b911d3a";
    let _: () = redis::cmd("SET")
        .arg(format!("{prefix}{key}"))
        .arg(0)
        .query(&mut redis::Client::open(url).unwrap().get_connection().unwrap())
        .unwrap();
    assert_eq!(store.is_revoked("two words"), Ok(true));
}

#[test]
fn debug_shows_no_password() {
    let store = RedisRevocation::open("redis://:hunter2@localhost").unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
}

/// A line to a server that can be cut.
struct Line {
    url: String,
    ends: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    fn to(host: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("redis://{}", listener.local_addr()?);
        let ends = Arc::new(Mutex::new(Vec::new()));
        let (host, known) = (host.to_owned(), Arc::clone(&ends));
        thread::spawn(move || -> io::Result<()> {
            for near in listener.incoming() {
                let (near, far) = (near?, TcpStream::connect(&host)?);
                for (from, to) in [
                    (near.try_clone()?, far.try_clone()?),
                    (far.try_clone()?, near.try_clone()?),
                ] {
                    thread::spawn(move || io::copy(&mut &from, &mut &to));
                }
                known.lock().expect("no panic").extend([near, far]);
            }
            Ok(())
        });
        Ok(Self { url, ends })
    }

    fn cut(&self) {
        for end in self.ends.lock().expect("no panic").drain(..) {
            // One end may be closed already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

/// A server of our own.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// One with hardly any memory.
    fn start(policy: &str) -> Option<Self> {
        Self::start_with(&["--maxmemory", "1", "--maxmemory-policy", policy])
    }

    /// `None`, said aloud, where the program is not there.
    fn start_with(options: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .ok()?
            .local_addr()
            .ok()?
            .port();
        let started = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(options)
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            eprintln!("SKIPPED: no redis-server on the PATH");
            return None;
        };
        let server = Self {
            child,
            url: format!("redis://127.0.0.1:{port}"),
        };
        for _ in 0..100 {
            if server.store().is_revoked("any").is_ok() {
                return Some(server);
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server does not start");
    }

    fn store(&self) -> RedisRevocation {
        store(&self.url)
    }

    fn run(&self, command: &str) {
        let client = redis::Client::open(&*self.url).expect("an address");
        let mut connection = client.get_connection().expect("a server");
        redis::cmd(command)
            .exec(&mut connection)
            .expect("a command");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have stopped by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
