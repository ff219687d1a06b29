//! The cost of the longest tokens in the worst case, relative to an ordinary token.
//!
//! Times are compared with each other, in one run and several times over, and the limits are far above what is
//! measured: they detect work that grows with the square of a token's length. How the work grows with the
//! requirements of a service is counted in `work.rs`.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::time::{Duration, Instant};

use boltguard_grants::{ClaimTest, Requirements};
use boltguard_jws::{MAX_TOKEN_LEN, Verifier};
use boltguard_jwt::{AdmittedClaims, Claims};
use boltguard_keys::Algorithm::{Hs256, Hs384};
use boltguard_keys::KeySet;
use boltguard_testing::{forge, keys};
use boltguard_types::{NumericDate, Permission};

use crate::{NOW, lenient};

/// A worst case costs at most this many times what an ordinary token of the same length costs.
const MULTIPLE: u32 = 60;

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// The maximum length of the claims in a token.
const ROOM: usize = (MAX_TOKEN_LEN - 20 - 43 - 2) / 4 * 3;

/// Repeats `member` of each number until the claims are as long as a token can hold.
fn fill(before: &str, member: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = before.to_owned();
    for index in 0.. {
        let next = member(index);
        if text.len() + next.len() + after.len() > ROOM {
            break;
        }
        text.push_str(&next);
    }
    // The rest is filled with white space, which takes as long to read.
    let left = ROOM - text.len() - after.len();
    format!("{text}{}{after}", " ".repeat(left))
}

/// A list of the results of `item` for consecutive numbers.
fn list(name: &str, item: impl Fn(usize) -> String) -> String {
    let comma = |index: usize| if index == 0 { "" } else { "," };
    fill(
        &format!("{{\"{name}\":["),
        |index| format!("{}{}", comma(index), item(index)),
        "]}",
    )
}

/// A short name for each number.
fn short(index: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut rest = index;
    let mut name = String::new();
    loop {
        name.push(char::from(LETTERS[rest % LETTERS.len()]));
        rest /= LETTERS.len();
        if rest == 0 {
            return name;
        }
    }
}

fn ordinary() -> String {
    list("permissions", |index| {
        format!("\"inventory.change_warehouse_item_{index:04}\"")
    })
}

fn worst_cases() -> Vec<(&'static str, String)> {
    vec![
        (
            "many members",
            fill("{\"x\":0", |index| format!(",\"{}_\":0", short(index)), "}"),
        ),
        (
            "many members that differ in the middle",
            fill("{\"x\":0", |index| format!(",\"a{index:05}z\":0"), "}"),
        ),
        (
            "many members with escaped names",
            fill(
                "{\"x\":0",
                |index| format!(",\"\\u0061{}\":0", short(index)),
                "}",
            ),
        ),
        (
            "a name twice, at the end",
            fill(
                "{\"a0_\":0",
                |index| format!(",\"{}_\":0", short(index + 36)),
                ",\"a0_\":0}",
            ),
        ),
        (
            "many permissions",
            list("permissions", |index| format!("\"{}\"", short(index))),
        ),
        (
            "one permission many times",
            list("permissions", |_| "\"a\"".into()),
        ),
        (
            "many patterns",
            list("permissions", |index| format!("\"{}*\"", short(index))),
        ),
        (
            "escaped permissions",
            list("permissions", |_| "\"\\u0061\"".into()),
        ),
        (
            "many scopes",
            fill("{\"scope\":\"", |index| format!("{} ", short(index)), "\"}"),
        ),
        (
            "a scope of spaces",
            fill("{\"scope\":\"", |_| " ".into(), "\"}"),
        ),
        (
            "escaped scopes",
            fill("{\"scope\":\"", |_| "\\u0020a".into(), "\"}"),
        ),
        (
            "many audiences",
            list("aud", |index| format!("\"{}\"", short(index))),
        ),
        ("escaped audiences", list("aud", |_| "\"\\u0061\"".into())),
        (
            "deep lists",
            list("x", |_| format!("{}{}", "[".repeat(62), "]".repeat(62))),
        ),
        (
            "deep objects",
            list("x", |_| {
                format!("{}0{}", "{\"\":".repeat(61), "}".repeat(61))
            }),
        ),
        ("too deep", format!("{{\"x\":{}", "[".repeat(ROOM - 5))),
        ("empty lists", list("x", |_| "[]".into())),
        (
            "escapes",
            fill("{\"sub\":\"", |_| "\\ud83d\\ude00".into(), "\"}"),
        ),
        (
            "short escapes",
            fill("{\"sub\":\"", |_| "\\n".into(), "\"}"),
        ),
        (
            "a long integer",
            fill("{\"x\":0.", |_| "1".into(), "}").replace(' ', "1"),
        ),
        (
            "a long date",
            fill("{\"exp\":1.8", |_| "7".into(), "e9}").replace(' ', "7"),
        ),
        ("many numbers with exponents", list("x", |_| "1e9".into())),
        ("many numbers", list("x", |_| "0".into())),
        ("many small numbers", list("x", |_| "4.9e-324".into())),
        ("white space", fill("{", |_| " ".into(), "}")),
        ("one long text", fill("{\"x\":\"", |_| "x".into(), "\"}")),
        (
            "letters of four bytes",
            fill("{\"x\":\"", |_| "😀".into(), "\"}"),
        ),
        (
            "a tested claim",
            list("amr", |index| format!("\"{}\"", short(index))),
        ),
    ]
}

/// The shortest of several durations.
fn cost(mut work: impl FnMut()) -> Duration {
    let once = |work: &mut dyn FnMut()| {
        let begin = Instant::now();
        work();
        begin.elapsed()
    };
    work();
    (0..7).map(|_| once(&mut work)).min().unwrap_or_default()
}

/// On a busy machine, some measurements take too long, but not all of twenty.
fn assert_bounded(name: &str, mut worst: impl FnMut(), mut ordinary: impl FnMut()) {
    let mut measured = (Duration::MAX, Duration::ZERO);
    for _ in 0..20 {
        measured = (cost(&mut worst), cost(&mut ordinary));
        eprintln!(
            "{:>6.2} x  {:>10.1?}  {name}",
            ratio(measured.0, measured.1),
            measured.0
        );
        if measured.0 < measured.1 * MULTIPLE {
            return;
        }
    }
    let (worst, ordinary) = measured;
    panic!("{name}: {worst:?}, where an ordinary token takes {ordinary:?}");
}

/// The requirements of a guard with ten permissions, a scope and a claim.
fn requirements() -> Requirements {
    let mut requirements = Requirements::new();
    for index in 0..10 {
        requirements.permission(&Permission::new(format!("{}.add", short(index))).unwrap());
        requirements.permission(&Permission::new(short(index)).unwrap());
    }
    requirements.scope("zz");
    requirements.claim(&ClaimTest::new("amr").any_of(["zz"]));
    requirements
}

/// Verifies, reads and admits a token, and reads all its claims.
struct Service {
    verifier: Verifier,
    requirements: Requirements,
}

impl Service {
    fn new() -> Self {
        Self {
            verifier: Verifier::new(KeySet::new([keys::verifying_key(Hs256)])),
            requirements: requirements(),
        }
    }

    fn admit(&self, token: &str) -> Option<AdmittedClaims> {
        let now = NumericDate::from_secs(NOW);
        let claims = Claims::read(self.verifier.verify(token).ok()?, &self.requirements).ok()?;
        // With ten expected audiences that the token doesn't contain, and without.
        let elsewhere = ["z0", "z1", "z2", "z3", "z4", "z5", "z6", "z7", "z8", "z9"]
            .map(|name| format!("{name}_"));
        let strict = lenient().with_audience(elsewhere.iter().map(String::as_str));
        assert!(strict.admit(claims.clone(), now).is_err());
        lenient().ignoring_audience().admit(claims, now).ok()
    }
}

fn token(payload: &str) -> String {
    forge::signed(HEADER, payload, &keys::signing_key(Hs256))
}

#[test]
fn hostile_claims_cost_a_small_multiple() {
    let service = Service::new();
    let ordinary = token(&ordinary());
    assert!(ordinary.len() > MAX_TOKEN_LEN - 8 && service.admit(&ordinary).is_some());
    for (name, payload) in worst_cases() {
        let token = token(&payload);
        assert!(
            token.len() > MAX_TOKEN_LEN - 8 && token.len() <= MAX_TOKEN_LEN,
            "{name}: {}",
            token.len()
        );
        let refused = ["a name twice, at the end", "too deep"].contains(&name);
        assert_eq!(service.admit(&token).is_none(), refused, "{name}");
        assert_bounded(
            name,
            || drop(service.admit(&token)),
            || drop(service.admit(&ordinary)),
        );
    }
}

#[test]
fn reading_hostile_claims_costs_a_small_multiple() {
    fn look(claims: &AdmittedClaims) -> usize {
        let counts = [
            claims.permissions().len(),
            claims.scopes().len(),
            claims.get("no such claim").map_or(0, str::len),
        ];
        counts.iter().sum()
    }
    let service = Service::new();
    let ordinary = service.admit(&token(&ordinary())).unwrap();
    for (name, payload) in worst_cases() {
        let Some(claims) = service.admit(&token(&payload)) else {
            continue;
        };
        assert_bounded(
            name,
            || assert_ne!(look(&claims), usize::MAX),
            || assert_ne!(look(&ordinary), usize::MAX),
        );
    }
}

#[test]
fn hostile_headers_cost_a_small_multiple() {
    let service = Service::new();
    let ordinary = token(&ordinary());
    for (name, members) in worst_cases() {
        let header = format!("{{\"alg\":\"HS256\",{}", &members[1..]);
        // The payload is `{}`; the header takes the space of both.
        let token = forge::sign_input(
            &format!("{}.e30", forge::segment(&header)),
            &keys::signing_key(Hs256),
        );
        let token = if token.len() > MAX_TOKEN_LEN {
            shortened(&token)
        } else {
            token
        };
        assert_bounded(
            name,
            || drop(service.verifier.verify(&token)),
            || drop(service.admit(&ordinary)),
        );
    }
}

/// A token of the maximum length whose header is truncated, so that it isn't JSON.
fn shortened(token: &str) -> String {
    token[token.len() - MAX_TOKEN_LEN..].to_owned()
}

#[test]
fn no_text_costs_more_than_ordinary_claims() {
    let service = Service::new();
    let ordinary = token(&ordinary());
    for (name, text) in [
        ("dots", ".".repeat(MAX_TOKEN_LEN)),
        ("no dot", "A".repeat(MAX_TOKEN_LEN)),
        (
            "a long signature",
            format!("{}.e30.{}", forge::segment(HEADER), "A".repeat(16_000)),
        ),
        ("a megabyte", "A.".repeat(1 << 19)),
        ("a megabyte of another alphabet", "é".repeat(1 << 19)),
    ] {
        assert!(service.admit(&text).is_none(), "{name}");
        assert_bounded(
            name,
            || drop(service.admit(&text)),
            || drop(service.admit(&ordinary)),
        );
    }
}

#[test]
fn a_long_token_is_rejected_unread() {
    let service = Service::new();
    let begin = |length: usize| {
        let text = "A.".repeat(length / 2);
        cost(|| assert!(service.admit(&text).is_none()))
    };
    let (short, long) = (begin(MAX_TOKEN_LEN + 2), begin(64 << 20));
    assert!(
        long < short * 100 + Duration::from_micros(50),
        "{long:?}, where 16 KiB take {short:?}"
    );
}

#[test]
fn at_most_sixteen_signatures_are_verified() {
    let trusting = |count: usize| {
        let others =
            (0..count).map(|index| keys::other_verifying_key(Hs256).with_key_id(index.to_string()));
        // A thousand keys of another algorithm are skipped.
        let unrelated =
            (0..1000).map(|index| keys::verifying_key(Hs384).with_key_id(format!("x{index}")));
        Verifier::new(KeySet::new(others.chain(unrelated)))
    };
    let token = token(&ordinary());
    let [one, sixteen, hundred] = [1, KeySet::MAX_TRIED, 100].map(|count| {
        let verifier = trusting(count);
        cost(|| assert!(verifier.verify(&token).is_err()))
    });
    eprintln!(
        "{:.2} x  sixteen keys, {:.2} x a hundred",
        ratio(sixteen, one),
        ratio(hundred, one)
    );
    assert!(
        sixteen < one * 40 && hundred < one * 40,
        "{one:?} {sixteen:?} {hundred:?}"
    );
}

fn ratio(longer: Duration, shorter: Duration) -> f64 {
    longer.as_secs_f64() / shorter.as_secs_f64()
}
