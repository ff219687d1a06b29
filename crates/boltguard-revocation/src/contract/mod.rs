//! Tests for revocation stores.
//!
//! [`check_store`] runs them all, and [`check_async_store`] those of an asynchronous store. A store that supports only
//! some levels is tested with those, and must reject the others.
//!
//! ```
//! use boltguard_revocation::MemoryRevocation;
//! use boltguard_revocation::contract::{ManualClock, check_store};
//!
//! check_store(MemoryRevocation::new, &ManualClock::default());
//! ```

mod asynchronous;

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use boltguard_types::NumericDate;

pub use self::asynchronous::check_async_store;

use crate::{RevocationError, RevocationLevel, RevocationQuery, RevocationStore, Watermark};

/// The clock of a test.
pub trait Clock {
    /// Returns the current time.
    fn now(&self) -> NumericDate;

    /// Returns after this duration.
    fn wait(&self, duration: Duration);
}

/// A clock that only advances when a test waits.
#[derive(Debug)]
pub struct ManualClock(Mutex<NumericDate>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Mutex::new(NumericDate::from_secs(1_700_000_000)))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> NumericDate {
        *self.0.lock().expect("no thread panics with the lock")
    }

    fn wait(&self, duration: Duration) {
        let mut now = self.0.lock().expect("no thread panics with the lock");
        *now = *now + duration;
    }
}

/// Runs all tests with stores that this function creates, each of which must be empty and independent of the others.
///
/// With the clock of the system, this takes about two seconds.
///
/// # Panics
///
/// If the store violates the contract of [`RevocationStore`].
pub fn check_store<S: RevocationStore>(new_store: impl Fn() -> S, clock: &impl Clock) {
    let case = || Case {
        store: new_store(),
        now: clock.now(),
    };
    check_tokens(&case());
    check_similar_values(&case);
    for level in supported(&case()) {
        check_same_second(&case(), level);
        check_order_of_watermarks(&case, level);
        check_token_of_unknown_age(&case(), level);
        check_other_levels(&case(), level);
        check_concurrent_watermarks(&case(), level);
    }
    check_session(&case());
    check_retention(&case(), clock);
}

/// A store and the current time.
struct Case<S> {
    store: S,
    now: NumericDate,
}

/// The tests take far less time than this.
const HOUR: Duration = Duration::from_secs(3600);

impl<S: RevocationStore> Case<S> {
    fn is_revoked(&self, query: &RevocationQuery<'_>) -> bool {
        let is_revoked = self.store.check(query, self.now).expect("check");
        if is_revoked && self.store.is_revoked(query.token_id(), self.now) == Ok(false) {
            assert!(
                self.store.has_levels(),
                "has_levels() is false although a watermark revokes a token"
            );
        }
        is_revoked
    }

    fn revoke(&self, level: RevocationLevel<'_>, millis: u64) {
        self.try_revoke(level, millis).expect("revoke_level");
    }

    /// Revokes what was issued up to this many milliseconds after now.
    fn try_revoke(&self, level: RevocationLevel<'_>, millis: u64) -> Result<(), RevocationError> {
        let before = self.second() + Duration::from_millis(millis);
        let watermark = Watermark::new(before).with_retention(Some(self.now + HOUR));
        self.store.revoke_level(level, watermark, self.now)
    }

    /// The start of the current second.
    fn second(&self) -> NumericDate {
        NumericDate::from_secs(self.now.as_secs())
    }

    /// A token that belongs to all levels, with an `iat` in whole seconds.
    fn token(&self, iat: u64) -> RevocationQuery<'static> {
        token(Some(self.second() + Duration::from_secs(iat)))
    }

    /// A token with an ID that contains the time in milliseconds after the current second.
    fn precise_token(&self, millis: u64) -> RevocationQuery<'static> {
        let time = u64::try_from(self.now.as_secs()).expect("after 1970") * 1000 + millis;
        let (high, low) = (time >> 16, time & 0xffff);
        let id = format!("{high:08x}-{low:04x}-7000-8000-000000000000");
        with_levels(RevocationQuery::new(id), Some(self.second()))
    }
}

fn token(iat: Option<NumericDate>) -> RevocationQuery<'static> {
    with_levels(RevocationQuery::new("a token"), iat)
}

fn with_levels(
    query: RevocationQuery<'static>,
    iat: Option<NumericDate>,
) -> RevocationQuery<'static> {
    query
        .with_session_id(Some("a session"))
        .with_subject(Some("42"))
        .with_issuer(Some("https://issuer.example"))
        .with_key_id(Some("key 1"))
        .with_issued_at(iat)
}

/// The levels of [`token`] that have watermarks.
const LEVELS: [RevocationLevel<'static>; 4] = [
    RevocationLevel::Issuer("https://issuer.example"),
    RevocationLevel::Key("key 1"),
    RevocationLevel::Subject {
        subject: "42",
        issuer: None,
    },
    RevocationLevel::Subject {
        subject: "42",
        issuer: Some("https://issuer.example"),
    },
];

fn supported<S: RevocationStore>(case: &Case<S>) -> Vec<RevocationLevel<'static>> {
    let is_supported = |level: &RevocationLevel<'_>| match case.try_revoke(*level, 0) {
        Ok(()) => true,
        Err(RevocationError::Unsupported) => false,
        Err(error) => panic!("{level:?}: {error}"),
    };
    LEVELS.into_iter().filter(is_supported).collect()
}

fn check_tokens<S: RevocationStore>(case: &Case<S>) {
    let later = Some(case.now + HOUR);
    case.store.revoke("a", later, case.now).expect("revoke");
    for (id, is_revoked) in [("a", true), ("A", false), ("", false), ("ab", false)] {
        assert_eq!(case.store.is_revoked(id, case.now), Ok(is_revoked), "{id}");
        assert_eq!(
            case.is_revoked(&RevocationQuery::new(id)),
            is_revoked,
            "{id}"
        );
    }
}

/// Revoking everything and then issuing a new token, and the reverse, within one second.
fn check_same_second<S: RevocationStore>(case: &Case<S>, level: RevocationLevel<'_>) {
    case.revoke(level, 500);
    for (millis, is_revoked) in [(0, true), (499, true), (500, true), (501, false)] {
        let token = case.precise_token(millis);
        assert_eq!(
            case.is_revoked(&token),
            is_revoked,
            "{level:?}, {millis} ms"
        );
    }
    let tokens = [case.token(0), case.token(1)].map(|token| case.is_revoked(&token));
    assert_eq!(
        tokens,
        [true, false],
        "{level:?}: `iat` in the second of the revocation, and in the next one"
    );
}

fn check_order_of_watermarks<S: RevocationStore>(
    new_case: &impl Fn() -> Case<S>,
    level: RevocationLevel<'_>,
) {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2]] {
        let case = new_case();
        for millis in order {
            case.revoke(level, millis);
        }
        let tokens = [3, 4].map(|millis| case.is_revoked(&case.precise_token(millis)));
        assert_eq!(tokens, [true, false], "{level:?}: {order:?}");
    }
}

fn check_token_of_unknown_age<S: RevocationStore>(case: &Case<S>, level: RevocationLevel<'_>) {
    assert!(!case.is_revoked(&token(None)), "nothing is revoked");
    case.revoke(level, 0);
    assert!(case.is_revoked(&token(None)), "{level:?}: no `iat`");
}

/// A watermark doesn't affect tokens of other levels with the same value.
fn check_other_levels<S: RevocationStore>(case: &Case<S>, level: RevocationLevel<'_>) {
    let (RevocationLevel::Issuer(value)
    | RevocationLevel::Key(value)
    | RevocationLevel::Session(value)
    | RevocationLevel::Subject { subject: value, .. }) = level;
    case.revoke(level, 0);
    let new = || RevocationQuery::new(value.to_owned());
    let queries = [
        new(),
        new().with_session_id(Some(value)),
        new().with_subject(Some(value)),
        new().with_issuer(Some(value)),
        new().with_subject(Some(value)).with_issuer(Some("another")),
        new().with_key_id(Some(value)),
    ];
    for query in queries {
        let belongs = query.levels().any(|other| other == level);
        let levels: Vec<_> = query.levels().collect();
        assert_eq!(case.is_revoked(&query), belongs, "{level:?}: {levels:?}");
    }
}

/// Values that look like the keys of other levels.
fn check_similar_values<S: RevocationStore>(new_case: &impl Fn() -> Case<S>) {
    let subject = |subject| RevocationLevel::Subject {
        subject,
        issuer: None,
    };
    let of_issuer = |subject, issuer| RevocationLevel::Subject {
        subject,
        issuer: Some(issuer),
    };
    let ids = ["sub:42", "subject:42", "sid:42", "iss:42", "kid:42", "42"];
    for revoked in [subject("42"), RevocationLevel::Session("42")] {
        let case = new_case();
        if case.try_revoke(revoked, 0).is_ok() {
            for id in ids {
                let is_revoked = case.is_revoked(&RevocationQuery::new(id));
                assert!(!is_revoked, "{revoked:?} revokes the token {id}");
            }
        }
    }
    let case = new_case();
    for id in ids {
        let later = Some(case.now + HOUR);
        case.store.revoke(id, later, case.now).expect("revoke");
    }
    let query = RevocationQuery::new("other").with_subject(Some("42"));
    let query = query.with_session_id(Some("42")).with_issuer(Some("42"));
    assert!(!case.is_revoked(&query), "a token ID revokes other levels");
    for (revoked, others) in [
        (of_issuer("a", "b"), [("b", "a"), ("ab", ""), ("a:b", "")]),
        (subject("a:b"), [("a", "b"), ("b", "a"), ("a:", "b")]),
    ] {
        let case = new_case();
        for (subject, issuer) in others {
            let query = RevocationQuery::new("id")
                .with_subject(Some(subject))
                .with_issuer(Some(issuer));
            let levels: Vec<_> = query.levels().filter(|level| *level == revoked).collect();
            if levels.is_empty() && case.try_revoke(revoked, 0).is_ok() {
                let is_revoked = case.is_revoked(&query);
                assert!(!is_revoked, "{revoked:?} revokes {subject} of {issuer}");
            }
        }
    }
}

fn check_concurrent_watermarks<S: RevocationStore>(case: &Case<S>, level: RevocationLevel<'_>) {
    let (store, now, second) = (&case.store, case.now, case.second());
    thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                for n in 0..25 {
                    let before = second + Duration::from_millis(n * 4 + worker);
                    let watermark = Watermark::new(before).with_retention(Some(now + HOUR));
                    let revoked = store.revoke_level(level, watermark, now);
                    revoked.expect("revoke_level");
                }
            });
        }
    });
    let tokens = [99, 100].map(|millis| case.is_revoked(&case.precise_token(millis)));
    assert_eq!(tokens, [true, false], "{level:?}: concurrent revocations");
}

/// All tokens of a session are revoked, regardless of when they were issued.
fn check_session<S: RevocationStore>(case: &Case<S>) {
    let later = Some(case.now + HOUR);
    match case.store.revoke_session("a session", later, case.now) {
        Err(RevocationError::Unsupported) => return,
        result => result.expect("revoke_session"),
    }
    for query in [
        case.token(0),
        case.token(1000),
        token(None),
        case.precise_token(1),
    ] {
        assert!(case.is_revoked(&query), "a token of a revoked session");
    }
    let other = case.token(0).with_session_id(Some("another session"));
    assert!(!case.is_revoked(&other), "a token of another session");
}

/// Revoking again with a shorter retention doesn't shorten an entry.
fn check_retention<S: RevocationStore>(case: &Case<S>, clock: &impl Clock) {
    let [short, long] = [Duration::from_secs(1), HOUR].map(|time| Some(case.now + time));
    let mut expected = Vec::new();
    for (id, dates) in [
        ("shortened", [long, short]),
        ("extended", [short, long]),
        ("permanent", [None, short]),
    ] {
        for until in dates {
            case.store.revoke(id, until, case.now).expect("revoke");
        }
        expected.push((id, RevocationQuery::new(id)));
        for (level, query) in levels_with(id) {
            let results = dates.map(|until| {
                let watermark = Watermark::new(case.now).with_retention(until);
                case.store.revoke_level(level, watermark, case.now)
            });
            if !results.contains(&Err(RevocationError::Unsupported)) {
                assert_eq!(results, [Ok(()), Ok(())], "{id}: {level:?}");
                expected.push((id, query));
            }
        }
    }
    clock.wait(Duration::from_millis(1500));
    for (id, query) in expected {
        let is_revoked = case.store.check(&query, clock.now());
        let levels: Vec<_> = query.levels().collect();
        assert_eq!(is_revoked, Ok(true), "{id}: {levels:?}");
    }
}

/// Levels with this value, each with a token of the level.
fn levels_with(value: &str) -> [(RevocationLevel<'_>, RevocationQuery<'_>); 4] {
    let new = || RevocationQuery::new("a token");
    let subject = RevocationLevel::Subject {
        subject: value,
        issuer: None,
    };
    [
        (
            RevocationLevel::Issuer(value),
            new().with_issuer(Some(value)),
        ),
        (RevocationLevel::Key(value), new().with_key_id(Some(value))),
        (
            RevocationLevel::Session(value),
            new().with_session_id(Some(value)),
        ),
        (subject, new().with_subject(Some(value))),
    ]
}
