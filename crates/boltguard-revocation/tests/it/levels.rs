//! The levels of the in-memory store, compared with a list of all revocations.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use boltguard_revocation::{
    MemoryRevocation, RevocationError, RevocationLevel, RevocationQuery, RevocationStore,
    UnixMillis, Watermark,
};
use boltguard_types::NumericDate;
use proptest::prelude::*;

const START: i64 = 1_700_000_000;

/// The parts of a token. Values of different parts are equal on purpose.
#[derive(Clone, Debug)]
struct Token {
    id: &'static str,
    session: Option<&'static str>,
    subject: Option<&'static str>,
    issuer: Option<&'static str>,
    key: Option<&'static str>,
    /// Quarters of a second after the start.
    iat: Option<u32>,
    /// Milliseconds after the start, in an ID of version 7.
    minted: Option<u32>,
}

#[derive(Clone, Debug)]
enum Operation {
    Revoke(&'static str, Option<i64>),
    RevokeLevel(RevocationLevel<'static>, u32, Option<i64>),
    RevokeSession(&'static str, Option<i64>),
    Check(Token),
    Purge,
    Wait(i64),
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn level() -> impl Strategy<Value = RevocationLevel<'static>> {
    prop_oneof![
        value().prop_map(RevocationLevel::Issuer),
        value().prop_map(RevocationLevel::Key),
        (value(), prop::option::of(value()))
            .prop_map(|(subject, issuer)| RevocationLevel::Subject { subject, issuer }),
    ]
}

fn token() -> impl Strategy<Value = Token> {
    let part = || prop::option::of(value());
    let dates = (prop::option::of(0..40_u32), prop::option::of(0..10_000_u32));
    (value(), part(), part(), part(), part(), dates).prop_map(
        |(id, session, subject, issuer, key, (iat, minted))| Token {
            id,
            session,
            subject,
            issuer,
            key,
            iat,
            minted,
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    let ttl = || prop::option::weighted(0.8, 0..20_i64);
    prop_oneof![
        1 => (value(), ttl()).prop_map(|(id, ttl)| Operation::Revoke(id, ttl)),
        3 => (level(), 0..10_000_u32, ttl())
            .prop_map(|(level, before, ttl)| Operation::RevokeLevel(level, before, ttl)),
        1 => (value(), ttl()).prop_map(|(id, ttl)| Operation::RevokeSession(id, ttl)),
        8 => token().prop_map(Operation::Check),
        1 => Just(Operation::Purge),
        1 => (0..10_i64).prop_map(Operation::Wait),
    ]
}

/// All revocations: the level or the ID of a token, the time in milliseconds, and when the entry was made and expires.
#[derive(Default)]
struct Model(Vec<(Revoked, i64, i64)>);

#[derive(Clone, Copy, PartialEq)]
enum Revoked {
    Token(&'static str),
    Level(RevocationLevel<'static>),
}

impl Model {
    /// Adds a revocation to a valid one of the same tokens: the later time is kept until the later end.
    fn revoke(&mut self, revoked: Revoked, before: i64, until: i64, now: i64) {
        self.0.retain(|(_, _, until)| *until > now);
        if until <= now {
            return;
        }
        match self.0.iter_mut().find(|(other, ..)| *other == revoked) {
            Some(entry) => *entry = (revoked, entry.1.max(before), entry.2.max(until)),
            None => self.0.push((revoked, before, until)),
        }
    }

    fn is_revoked(&self, token: &Token, now: i64) -> bool {
        let valid = self.0.iter().filter(|(_, _, until)| *until > now);
        valid.into_iter().any(|(revoked, before, _)| match revoked {
            Revoked::Token(id) => token.minted.is_none() && token.id == *id,
            Revoked::Level(level) => token.belongs_to(*level) && token.is_at_or_before(*before),
        })
    }
}

impl Token {
    fn belongs_to(&self, level: RevocationLevel<'_>) -> bool {
        match level {
            RevocationLevel::Issuer(issuer) => self.issuer == Some(issuer),
            RevocationLevel::Key(key) => self.key == Some(key),
            RevocationLevel::Session(session) => self.session == Some(session),
            RevocationLevel::Subject { subject, issuer } => {
                self.subject == Some(subject) && (issuer.is_none() || self.issuer == issuer)
            }
            _ => false,
        }
    }

    fn is_at_or_before(&self, millis: i64) -> bool {
        match (self.minted, self.iat) {
            (Some(minted), _) => START * 1000 + i64::from(minted) <= millis,
            (None, Some(iat)) => START * 1000 + i64::from(iat) * 250 <= millis,
            (None, None) => true,
        }
    }

    fn query(&self) -> RevocationQuery<'static> {
        let id = match self.minted {
            Some(minted) => {
                let time = START * 1000 + i64::from(minted);
                format!(
                    "{:08x}-{:04x}-7abc-8def-0123456789ab",
                    time >> 16,
                    time & 0xffff
                )
            }
            None => self.id.to_owned(),
        };
        let start = NumericDate::from_secs(START);
        RevocationQuery::new(id)
            .with_session_id(self.session)
            .with_subject(self.subject)
            .with_issuer(self.issuer)
            .with_key_id(self.key)
            .with_issued_at(self.iat.map(|iat| start + Duration::from_millis(250) * iat))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn store_agrees_with_list_of_revocations(operations in prop::collection::vec(operation(), 1..80)) {
        let (store, mut model, mut seconds) = (MemoryRevocation::new(), Model::default(), START);
        for operation in operations {
            let now = NumericDate::from_secs(seconds);
            let date = |ttl: Option<i64>| ttl.map(|ttl| NumericDate::from_secs(seconds + ttl));
            let end = |ttl: Option<i64>| ttl.map_or(i64::MAX, |ttl| seconds + ttl);
            match operation {
                Operation::Revoke(id, ttl) => {
                    store.revoke(id, date(ttl), now).unwrap();
                    model.revoke(Revoked::Token(id), 0, end(ttl), seconds);
                }
                Operation::RevokeLevel(level, millis, ttl) => {
                    let before = START * 1000 + i64::from(millis);
                    let watermark = Watermark::new(UnixMillis::new(before)).with_retention(date(ttl));
                    store.revoke_level(level, watermark, now).unwrap();
                    model.revoke(Revoked::Level(level), before, end(ttl), seconds);
                }
                Operation::RevokeSession(id, ttl) => {
                    store.revoke_session(id, date(ttl), now).unwrap();
                    let session = Revoked::Level(RevocationLevel::Session(id));
                    model.revoke(session, i64::MAX, end(ttl), seconds);
                }
                Operation::Check(token) => {
                    let is_revoked = store.check(&token.query(), now);
                    prop_assert_eq!(is_revoked, Ok(model.is_revoked(&token, seconds)));
                }
                Operation::Purge => {
                    store.purge(now);
                    prop_assert_eq!(store.len(), model.0.iter().filter(|(_, _, until)| *until > seconds).count());
                }
                Operation::Wait(secs) => seconds += secs,
            }
        }
    }
}

#[test]
fn watermarks_count_towards_the_limit() {
    let (store, now) = (
        MemoryRevocation::with_capacity_limit(3),
        NumericDate::from_secs(START),
    );
    let soon = Some(now + Duration::from_secs(1));
    let watermark = Watermark::new(now).with_retention(soon);
    store.revoke("a", soon, now).unwrap();
    store.revoke_subject("a", None, watermark, now).unwrap();
    store.revoke_session("a", soon, now).unwrap();
    for full in [
        store.revoke("b", None, now),
        store.revoke_key("a", watermark, now),
    ] {
        assert_eq!(full, Err(RevocationError::Full));
    }
    store.revoke_subject("a", None, watermark, now).unwrap();
    assert_eq!(store.len(), 3);
    let later = now + Duration::from_secs(2);
    for n in 0..3 {
        store.revoke(&n.to_string(), None, later).unwrap();
    }
    assert_eq!((store.len(), store.has_levels()), (3, false));
}

#[test]
fn store_without_watermarks_has_no_levels() {
    let (store, now) = (MemoryRevocation::new(), NumericDate::from_secs(START));
    store.revoke("a", None, now).unwrap();
    assert!(!store.has_levels());
    let soon = Some(now + Duration::from_secs(1));
    store.revoke_session("a", soon, now).unwrap();
    assert!(store.has_levels());
    assert_eq!(store.purge(now + Duration::from_secs(1)), 1);
    assert!(!store.has_levels() && store.len() == 1);
}

#[test]
fn watermarks_are_kept_for_the_largest_leeway() {
    let (store, now) = (MemoryRevocation::new(), NumericDate::from_secs(START));
    let soon = Some(now + Duration::from_secs(1));
    store.revoke_session("a", soon, now).unwrap();
    store.bind_leeway(Duration::from_secs(60));
    let query = RevocationQuery::new("b").with_session_id(Some("a"));
    for (after, is_revoked) in [(60, true), (61, false)] {
        let later = now + Duration::from_secs(after);
        assert_eq!(store.check(&query, later), Ok(is_revoked), "{after}");
    }
}

#[test]
fn revocation_is_effective_when_the_call_returns() {
    let (store, now) = (MemoryRevocation::new(), NumericDate::from_secs(START));
    for round in 0..200 {
        let (id, barrier) = (round.to_string(), Barrier::new(2));
        let soon = Some(now + Duration::from_secs(1));
        thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                store.purge(now);
            });
            barrier.wait();
            store.revoke_session(&id, soon, now).unwrap();
            let query = RevocationQuery::new("b").with_session_id(Some(&*id));
            assert_eq!(store.check(&query, now), Ok(true), "{round}");
        });
        store.purge(now + Duration::from_secs(1));
        assert!(store.is_empty() && !store.has_levels(), "{round}");
    }
}
