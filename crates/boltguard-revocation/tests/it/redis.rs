//! The store in a Redis server, at `BOLTGUARD_TEST_REDIS_URL`.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use boltguard_revocation::contract::check_store;
use boltguard_revocation::{
    RedisRevocation, RevocationError, RevocationLevel, RevocationQuery, RevocationStore, Watermark,
};
use boltguard_types::NumericDate;

use crate::server::{Proxy, Server, SystemClock, address, now, unique_prefix};

fn store(url: &str) -> RedisRevocation {
    RedisRevocation::open(url)
        .expect("the URL is valid")
        .with_prefix(unique_prefix())
}

#[test]
fn token_is_revoked_until_its_entry_expires() {
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
    for (id, dates) in [
        ("up", [short, long]),
        ("down", [long, short]),
        ("same", [short, short]),
    ] {
        dates
            .into_iter()
            .for_each(|until| store.revoke(id, until, now).unwrap());
    }
    thread::sleep(Duration::from_millis(1400));
    let revoked = ["up", "down", "same"].map(|id| store.is_revoked(id).unwrap());
    assert_eq!(revoked, [true, true, false]);
}

#[test]
fn permanent_entry_stays_permanent() {
    let Some(url) = address() else { return };
    let prefix = unique_prefix();
    let store = RedisRevocation::open(&url).unwrap().with_prefix(&prefix);
    let now = now();
    let far = NumericDate::from_f64(1e300);
    for (id, first, second) in [
        ("kept", None, Some(now + Duration::from_secs(1))),
        ("extended", Some(now + Duration::from_secs(1)), None),
        ("far", far, Some(now + Duration::from_secs(1))),
    ] {
        store.revoke(id, first, now).unwrap();
        store.revoke(id, second, now).unwrap();
    }
    thread::sleep(Duration::from_millis(1400));
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    for id in ["kept", "extended", "far"] {
        assert_eq!(store.is_revoked(id), Ok(true), "{id}");
        let removed: usize = redis::cmd("DEL")
            .arg(format!("{prefix}{id}"))
            .query(&mut connection)
            .unwrap();
        assert_eq!(removed, 1);
    }
}

#[test]
fn concurrent_threads_share_a_store() {
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
fn closed_connections_are_reopened() {
    let Some(url) = address() else { return };
    let Some(host) = url
        .strip_prefix("redis://")
        .filter(|rest| !rest.contains(['@', '/']))
    else {
        return;
    };
    let proxy = Proxy::to(host).unwrap();
    let store = store(&proxy.url);
    for _ in 0..3 {
        assert_eq!(store.is_revoked("any"), Ok(false));
        proxy.disconnect();
    }
}

#[test]
fn unresponsive_server_times_out() {
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
fn rejects_invalid_urls_and_missing_servers() {
    let store = RedisRevocation::open("redis://127.0.0.1:1").unwrap();
    assert_eq!(store.is_revoked("any"), Err(RevocationError::Unavailable));
    for url in ["", "localhost", "http://localhost", "redis://"] {
        assert_eq!(
            RedisRevocation::open(url).unwrap_err(),
            RevocationError::Url,
            "{url}"
        );
    }
}

#[test]
fn server_without_memory_limit_evicts_nothing() {
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
fn memory_limit_and_eviction_policy_are_detected() {
    let Some(full) = Server::start("noeviction") else {
        return;
    };
    assert_eq!(
        store(&full.url).revoke("any", None, now()),
        Err(RevocationError::Full)
    );
    let end = Some(now() + Duration::from_secs(9));
    assert_eq!(
        store(&full.url).revoke("any", end, now()),
        Err(RevocationError::Full)
    );
    assert_eq!(store(&full.url).may_evict(), Ok(false));

    let Some(evicting) = Server::start("allkeys-lru") else {
        return;
    };
    assert_eq!(store(&evicting.url).may_evict(), Ok(true));
}

#[test]
fn emptied_server_is_unavailable_until_loss_is_accepted() {
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
    // Tokens can still be revoked, and their entries are found.
    one.revoke("c", None, now()).unwrap();
    assert_eq!(other.is_revoked("c"), Ok(true));
    other.accept_loss().unwrap();
    assert_eq!(one.is_revoked("a"), Ok(false));
    assert_eq!(one.is_revoked("c"), Ok(true));
}

#[test]
fn emptied_server_is_available_after_lost_entries_expire() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let store = RedisRevocation::open(&server.url).unwrap();
    let end = now() + Duration::from_secs(1);
    store.revoke("a", Some(end), now()).unwrap();
    server.run("FLUSHALL");
    assert_eq!(store.is_revoked("a"), Err(RevocationError::Unavailable));
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.is_revoked("a") != Ok(false) {
        assert!(Instant::now() < deadline, "the store stays unavailable");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(now() >= end);
}

#[test]
fn server_without_entries_loses_nothing() {
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
fn entry_is_kept_for_the_leeway() {
    let Some(url) = address() else { return };
    let store = store(&url).with_leeway(Duration::from_secs(30));
    let now = now();
    store.revoke("a", Some(now), now).unwrap();
    assert_eq!(store.is_revoked("a"), Ok(true));
}

#[test]
fn ids_of_any_characters_are_exact() {
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
fn entry_with_digest_of_django_is_found() {
    let Some(url) = address() else { return };
    let prefix = unique_prefix();
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
fn debug_hides_the_password() {
    let store = RedisRevocation::open("redis://:hunter2@localhost").unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
}

/// The store of a server, behind the interface of stores in memory.
struct Blocking(RedisRevocation);

impl RevocationStore for Blocking {
    fn is_revoked(&self, token_id: &str, _now: NumericDate) -> Result<bool, RevocationError> {
        self.0.is_revoked(token_id)
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.0.revoke(token_id, until, now)
    }

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        _now: NumericDate,
    ) -> Result<bool, RevocationError> {
        self.0.check(query)
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.0.revoke_level(level, watermark, now)
    }

    fn bind_leeway(&self, _: std::time::Duration) {}
}

#[test]
fn redis_fulfils_the_contract() {
    let Some(url) = address() else { return };
    check_store(|| Blocking(store(&url)), &SystemClock);
}

#[test]
fn token_ids_are_no_keys_of_levels() {
    let Some(url) = address() else { return };
    let prefix = unique_prefix();
    let store = RedisRevocation::open(&url).unwrap().with_prefix(&prefix);
    let now = now();
    let until = Some(now + Duration::from_secs(30));
    let watermark = Watermark::new(now).with_retention(until);
    store
        .revoke_level(RevocationLevel::Key("a"), watermark, now)
        .unwrap();
    let client = redis::Client::open(&*url).unwrap();
    let mut connection = client.get_connection().unwrap();
    let mut keys = |pattern: &str| -> Vec<String> {
        let command = redis::cmd("KEYS")
            .arg(format!("{prefix}{pattern}"))
            .to_owned();
        command.query(&mut connection).unwrap()
    };
    let found = keys("boltguard:level:*");
    let digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    assert_eq!(found, [format!("{prefix}boltguard:level:key:{digest}")]);
    let id = found[0].strip_prefix(&prefix).unwrap();
    assert_eq!(store.is_revoked(id), Ok(false));
    store.revoke(id, until, now).unwrap();
    assert_eq!(store.is_revoked(id), Ok(true));
    assert_eq!(keys("boltguard:level:*").len(), 1);
    let query = RevocationQuery::new("b").with_key_id(Some("a"));
    assert_eq!(store.check(&query), Ok(true));
}

#[test]
fn invalid_watermark_makes_the_store_unavailable() {
    let Some(url) = address() else { return };
    let prefix = unique_prefix();
    let store = RedisRevocation::open(&url).unwrap().with_prefix(&prefix);
    let now = now();
    let watermark = Watermark::new(now).with_retention(Some(now + Duration::from_secs(30)));
    let level = RevocationLevel::Key("a");
    store.revoke_level(level, watermark, now).unwrap();
    let client = redis::Client::open(&*url).unwrap();
    let mut connection = client.get_connection().unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{prefix}boltguard:level:*"))
        .query(&mut connection)
        .unwrap();
    redis::cmd("SET")
        .arg(&keys)
        .arg("soon")
        .arg("KEEPTTL")
        .exec(&mut connection)
        .unwrap();
    let query = RevocationQuery::new("b").with_key_id(Some("a"));
    assert_eq!(store.check(&query), Err(RevocationError::Unavailable));
    store.revoke_level(level, watermark, now).unwrap();
    let query = query.with_issued_at(Some(now));
    assert_eq!(store.check(&query), Ok(true));
}
