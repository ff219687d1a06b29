//! The replicated list, with servers that fail.
//!
//! The invariant: a revocation that was acknowledged more than `max_staleness` ago is never reported as "not revoked".
//! A slow machine can only make the list unavailable for longer.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

mod fleet;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use boltguard_revocation::contract::check_store;
use boltguard_revocation::replica::ReplicaError;
use boltguard_revocation::{
    RedisRevocation, ReplicatedRevocation, RevocationError, RevocationLevel, RevocationQuery,
    RevocationStore, StalePolicy, Watermark,
};

use self::fleet::{Fleet, MAX_STALENESS, Table, wait_until};
use crate::server::{Proxy, Server, SystemClock, now, unique_prefix};

#[test]
fn suspended_server() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    fleet.revoke();
    server.signal("STOP");
    assert_eq!(fleet.try_revoke("later"), Err(RevocationError::NotInForce));
    fleet.wait_until_stale();
    server.signal("CONT");
    fleet.recover();
    fleet.wait_until_revoked("later");
}

#[test]
fn server_that_is_restarted_without_data() {
    let Some(mut server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    for _ in 0..3 {
        fleet.revoke();
        server.restart();
        fleet.recover();
    }
}

#[test]
fn server_that_is_emptied_between_two_queries() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    for _ in 0..40 {
        // The stream is empty before and afterwards.
        fleet.revoke();
        server.run("FLUSHALL");
        thread::sleep(MAX_STALENESS / 10);
    }
    fleet.recover();
}

#[test]
fn stream_that_is_deleted_between_two_queries() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    for _ in 0..40 {
        // The stream is empty before and afterwards.
        fleet.revoke();
        server.run("DEL boltguard:revocations:stream");
        thread::sleep(MAX_STALENESS / 10);
    }
    fleet.recover();
}

#[test]
fn stream_that_is_trimmed() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    for _ in 0..40 {
        fleet.revoke();
        fleet.revoke();
        server.run("XTRIM boltguard:revocations:stream MAXLEN 1");
        thread::sleep(MAX_STALENESS / 20);
    }
    fleet.recover();
}

#[test]
fn follower_that_is_cut_off() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let proxy = Proxy::to(&server.host()).unwrap();
    let mut fleet = Fleet::new(&server.url, &proxy.url);
    for _ in 0..20 {
        proxy.disconnect();
        fleet.revoke();
        thread::sleep(MAX_STALENESS / 20);
    }
    fleet.recover();
}

#[test]
fn primary_that_is_demoted() {
    let (Some(one), Some(other)) = (Server::start_with(&[]), Server::start_with(&[])) else {
        return;
    };
    let mut fleet = Fleet::new(&one.url, &one.url);
    fleet.revoke();
    one.run(&format!("REPLICAOF 127.0.0.1 {}", other.port()));
    assert_eq!(fleet.try_revoke("later"), Err(RevocationError::NotInForce));
    fleet.wait_until_stale();
    one.run("REPLICAOF NO ONE");
    fleet.recover();
    fleet.wait_until_revoked("later");
}

#[test]
fn primary_that_is_cut_off_from_its_replicas() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    fleet.revoke();
    server.run("CONFIG SET min-replicas-to-write 1");
    fleet.wait_until_stale();
    assert_eq!(fleet.try_revoke("later"), Err(RevocationError::NotInForce));
    server.run("CONFIG SET min-replicas-to-write 0");
    fleet.recover();
    fleet.wait_until_revoked("later");
}

#[test]
fn follower_that_is_paused() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    fleet.revoke();
    for _ in 0..2 {
        let paused = fleet.clock.pause.lock().unwrap();
        fleet.acknowledge("meanwhile");
        thread::sleep(MAX_STALENESS * 2);
        drop(paused);
        fleet.recover();
    }
}

#[test]
fn system_clock_that_is_set() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let mut fleet = Fleet::new(&server.url, &server.url);
    fleet.revoke();
    for offset in [-3600, 90_000, 0, 90_000, -90_000, 0] {
        fleet.clock.offset.store(offset, Ordering::SeqCst);
        thread::sleep(MAX_STALENESS / 2);
    }
    fleet.revoke();
    fleet.recover();
}

#[test]
fn truth_that_is_polled() {
    let mut fleet = Fleet::polling();
    for _ in 0..10 {
        fleet.revoke();
        thread::sleep(MAX_STALENESS / 10);
    }
    fleet.truth.fails.store(true, Ordering::SeqCst);
    fleet.wait_until_stale();
    fleet.truth.fails.store(false, Ordering::SeqCst);
    fleet.recover();
}

#[test]
fn missing_replica_server_is_reported() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let builder = ReplicatedRevocation::builder(&server.url, Table::default()).unwrap();
    let builder = builder.with_max_staleness(MAX_STALENESS);
    let store = builder.with_replica_servers(1).start().unwrap();
    assert_eq!(
        store.revoke("a", None, now()),
        Err(RevocationError::NotInForce)
    );
}

#[test]
fn row_that_a_replica_server_lacks_is_not_appended_again() {
    let (Some(primary), Some(replica)) = (Server::start_with(&[]), Server::start_with(&[])) else {
        return;
    };
    replica.run(&format!("REPLICAOF 127.0.0.1 {}", primary.port()));
    let builder = ReplicatedRevocation::builder(&primary.url, Table::default()).unwrap();
    let builder = builder.with_max_staleness(MAX_STALENESS);
    let store = builder.with_replica_servers(1).start().unwrap();
    let rows = || primary.query::<usize>("XLEN boltguard:revocations:stream");
    wait_until(|| store.revoke("a", None, now()).is_ok());
    replica.signal("STOP");
    wait_until(|| store.revoke("b", None, now()) == Err(RevocationError::NotInForce));
    let before = rows();
    // The stream is queried four times per `max_staleness`, and entries are appended afterwards.
    thread::sleep(MAX_STALENESS * 4);
    let added = rows() - before;
    assert!(added <= MOST_LATE_ROWS, "{added}");
    replica.signal("CONT");
    wait_until(|| store.revoke("c", None, now()).is_ok());
}

/// A row whose response a busy machine sends too late is appended again.
const MOST_LATE_ROWS: usize = 3;

#[test]
fn list_in_redis_is_read() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let prefix = "some*[prefix]:";
    let truth = || {
        RedisRevocation::open(&server.url)
            .unwrap()
            .with_prefix(prefix)
    };
    let (old, now) = (truth(), now());
    let until = Some(now + Duration::from_secs(60));
    for id in ["a", "two words", "boltguard:mark"] {
        old.revoke(id, until, now).unwrap();
    }
    old.revoke("permanent", None, now).unwrap();
    let subject = RevocationLevel::Subject {
        subject: "s",
        issuer: Some("i"),
    };
    old.revoke_level(subject, Watermark::new(now), now).unwrap();
    server.run("SET some-other-key 1");
    for n in 0..1_500 {
        old.revoke(&n.to_string(), until, now).unwrap();
    }
    let builder = ReplicatedRevocation::builder(&server.url, truth()).unwrap();
    let store = builder.start().unwrap();
    store.wait_until_current(Duration::from_secs(20)).unwrap();
    for id in ["a", "two words", "boltguard:mark", "permanent", "0", "1499"] {
        assert_eq!(store.is_revoked(id, now), Ok(true), "{id}");
    }
    assert_eq!(store.is_revoked("1500", now), Ok(false));
    assert_eq!(store.replica().len(), 1_506, "two words has a second key");
    let query = RevocationQuery::new("b").with_subject(Some("s"));
    assert_eq!(
        store.check(&query.clone().with_issuer(Some("i")), now),
        Ok(true)
    );
    assert_eq!(store.check(&query, now), Ok(false));
    // What is revoked here is found by a service that asks the server at each request.
    store.revoke("b", until, now).unwrap();
    assert_eq!(old.is_revoked("b"), Ok(true));
}

#[test]
fn loss_of_the_list_in_redis_is_detected() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let truth = RedisRevocation::open(&server.url).unwrap();
    let builder = ReplicatedRevocation::builder(&server.url, truth).unwrap();
    let builder = builder.with_max_staleness(MAX_STALENESS);
    let store = builder.start().unwrap();
    store.wait_until_current(Duration::from_secs(20)).unwrap();
    store.revoke("a", None, now()).unwrap();
    server.run("FLUSHALL");
    wait_until(|| store.state() == Err(ReplicaError::Stale));
    assert_eq!(store.is_revoked("a", now()), Ok(true));
    let operator = RedisRevocation::open(&server.url).unwrap();
    operator.accept_loss().unwrap();
    store.wait_until_current(Duration::from_secs(20)).unwrap();
}

#[test]
fn stale_list_asks_the_truth() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let truth = Arc::new(Table::default());
    let builder = ReplicatedRevocation::builder(&server.url, Arc::clone(&truth)).unwrap();
    let builder = builder.with_max_staleness(MAX_STALENESS);
    let store = builder
        .with_stale_policy(StalePolicy::LookUp)
        .start()
        .unwrap();
    store.wait_until_current(Duration::from_secs(20)).unwrap();
    drop(server);
    wait_until(|| store.state().is_err());
    truth.add("a");
    // A busy machine can take longer than the deadline.
    wait_until(|| store.is_revoked("a", now()) == Ok(true));
    wait_until(|| store.is_revoked("b", now()) == Ok(false));
    truth.is_slow.store(true, Ordering::SeqCst);
    let start = Instant::now();
    assert_eq!(
        store.is_revoked("a", now()),
        Err(RevocationError::Unavailable)
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn list_that_was_never_read_is_unavailable() {
    let builder = ReplicatedRevocation::builder("redis://127.0.0.1:1", Table::default()).unwrap();
    let store = builder
        .with_stale_policy(StalePolicy::LookUp)
        .start()
        .unwrap();
    let result = store.wait_until_current(Duration::from_millis(50));
    assert_eq!(result, Err(ReplicaError::NeverSynced));
    assert_eq!(
        store.is_revoked("a", now()),
        Err(RevocationError::Unavailable)
    );
    assert_eq!(
        store.revoke("a", None, now()),
        Err(RevocationError::NotInForce)
    );
    assert_eq!(store.is_revoked("a", now()), Ok(true), "in this process");
}

#[test]
fn follower_of_another_service_is_read_only() {
    let store = ReplicatedRevocation::polling(fleet::ReadOnly)
        .start()
        .unwrap();
    store.wait_until_current(Duration::from_secs(20)).unwrap();
    let now = now();
    assert_eq!(store.revoke("a", None, now), Err(RevocationError::ReadOnly));
    assert_eq!(
        store.revoke_session("a", None, now),
        Err(RevocationError::ReadOnly)
    );
    assert_eq!(store.is_revoked("a", now), Ok(false));
    assert_eq!(store.is_revoked("revoked", now), Ok(true));
}

#[test]
fn truth_that_panics_makes_the_list_unavailable() {
    let store = ReplicatedRevocation::polling(fleet::Panics)
        .start()
        .unwrap();
    let result = store.wait_until_current(Duration::from_millis(300));
    assert_eq!(result, Err(ReplicaError::NeverSynced));
}

#[test]
fn threads_end_when_the_store_is_dropped() {
    let truth = Arc::new(Table::default());
    let builder = ReplicatedRevocation::polling(Arc::clone(&truth));
    let store = builder
        .with_stale_policy(StalePolicy::LookUp)
        .start()
        .unwrap();
    store.wait_until_current(Duration::from_secs(20)).unwrap();
    assert!(Arc::strong_count(&truth) > 1);
    drop(store);
    wait_until(|| Arc::strong_count(&truth) == 1);
}

#[test]
fn entries_are_kept_for_the_leeway() {
    let truth = Arc::new(Table::default());
    let store = ReplicatedRevocation::polling(Arc::clone(&truth))
        .start()
        .unwrap();
    store.bind_leeway(Duration::from_secs(100));
    let end = now() + Duration::from_secs(60);
    store.revoke("a", Some(end), now()).unwrap();
    let kept = truth.entries()[0].until().unwrap();
    assert!(kept >= end + Duration::from_secs(100));
    assert_eq!(
        store.is_revoked("a", end + Duration::from_secs(99)),
        Ok(true)
    );
}

#[test]
fn replicated_list_fulfils_the_contract() {
    let Some(server) = Server::start_with(&[]) else {
        return;
    };
    let new_store = || {
        let truth = RedisRevocation::open(&server.url).unwrap();
        let truth = truth.with_prefix(unique_prefix());
        let builder = ReplicatedRevocation::builder(&server.url, truth).unwrap();
        let store = builder.with_prefix(unique_prefix()).start().unwrap();
        store.wait_until_current(Duration::from_secs(20)).unwrap();
        store
    };
    check_store(new_store, &SystemClock);
}

#[test]
fn invalid_settings_are_rejected() {
    let url = "redis://127.0.0.1:1";
    let builder = || ReplicatedRevocation::builder(url, Table::default()).unwrap();
    let polling = || ReplicatedRevocation::polling(Table::default());
    for invalid in [
        builder().with_max_staleness(Duration::ZERO),
        builder().with_limit(0),
        builder().with_stream_length(0),
        polling().with_max_staleness(Duration::ZERO),
        polling().with_limit(0),
        polling().with_prefix("a"),
        polling().with_stream_length(5),
        polling().with_replica_servers(1),
    ] {
        let settings = format!("{invalid:?}");
        let error = invalid.start().unwrap_err();
        assert_eq!(error, RevocationError::Settings, "{settings}");
    }
}

#[test]
fn debug_hides_the_password() {
    let url = "redis://:hunter2@127.0.0.1:1";
    let builder = ReplicatedRevocation::builder(url, Table::default()).unwrap();
    assert!(!format!("{builder:?}").contains("hunter2"));
    let store = builder.start().unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
    assert_eq!(
        ReplicatedRevocation::builder("http://a", Table::default()).unwrap_err(),
        RevocationError::Url
    );
}
