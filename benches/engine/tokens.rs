//! Tokens: verification, rejection, issuing, and the same with two threads.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use boltguard::keys::Algorithm;
use boltguard_encoding::base64url;
use boltguard_testing::{forge, keys};

use crate::claims::{self, SIZES};
use crate::contest::{Contest, Plan};
use crate::rounds::{Effort, at, sorted};
use crate::{ours, peers, raw};

const HMAC: [Algorithm; 3] = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];

const ASYMMETRIC: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
];

pub(crate) fn plans(effort: Effort) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (algorithm, size) in tokens() {
        let path = format!("{}/{size}", algorithm.name());
        plans.push(Plan::contest(format!("verify/{path}"), move || {
            verify(algorithm, size)
        }));
        plans.push(Plan::contest(format!("mint/{path}"), move || {
            mint(algorithm, size)
        }));
    }
    plans.push(Plan::contest("gate/HS256/10", gate));
    plans.push(Plan::contest("cache/one token", || cache(1)));
    plans.push(Plan::contest("cache/1 k tokens", || cache(1000)));
    plans.extend(refusals());
    plans.push(Plan::figures("threads/HS256/10", "x", move || {
        threads(effort)
    }));
    plans.push(Plan::figures("threads/one cached token", "x", move || {
        threads_on_one_token(effort)
    }));
    plans
}

fn tokens() -> impl Iterator<Item = (Algorithm, usize)> {
    let algorithms = HMAC.into_iter().chain(ASYMMETRIC);
    algorithms.flat_map(|algorithm| SIZES.map(|size| (algorithm, size)))
}

fn verify(algorithm: Algorithm, size: usize) -> Contest {
    let token = claims::token(size, &keys::signing_key(algorithm));
    let mut contest = raw::verify(Contest::new(), algorithm, &token);
    if algorithm.is_symmetric() {
        contest = with_minimum(contest, algorithm, &token);
    }
    let contest = contest.with(ours::NAME, ours::admit(algorithm, token.clone(), true));
    match has_peers(algorithm, size) {
        true => peers::verify(contest, algorithm, &token),
        false => contest,
    }
}

/// Returns whether other libraries are measured. With a slow signature, one number of permissions is sufficient.
fn has_peers(algorithm: Algorithm, size: usize) -> bool {
    algorithm.is_symmetric() || size == 10
}

/// Adds the minimum that a verifier must do: verifying the signature and decoding the payload.
fn with_minimum(contest: Contest, algorithm: Algorithm, token: &str) -> Contest {
    let (message, signature) = raw::parts(token);
    let payload = token.split('.').nth(1).unwrap_or_default().to_owned();
    let (key, mut bytes) = (raw::hmac_key(algorithm), vec![0; payload.len()]);
    contest.with("ring and base64", move || {
        let verified = ring::hmac::verify(&key, black_box(&message), &signature).is_ok();
        verified && base64url::decode_slice(black_box(&payload), &mut bytes).is_ok()
    })
}

fn mint(algorithm: Algorithm, size: usize) -> Contest {
    let mut mint = ours::mint(algorithm, size);
    let contest = raw::sign(Contest::new(), algorithm, &mint());
    let contest = contest.with(ours::NAME, mint);
    match has_peers(algorithm, size) {
        true => peers::mint(contest, algorithm, size),
        false => contest,
    }
}

fn gate() -> Contest {
    let token = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    let contest = raw::verify(Contest::new(), Algorithm::Hs256, &token);
    contest.with(
        ours::NAME,
        ours::check_requests(Algorithm::Hs256, &[token], 0),
    )
}

/// Measures requests with cached tokens, and without a cache.
fn cache(count: usize) -> Contest {
    let tokens = claims::tokens(count, 10, &keys::signing_key(Algorithm::Es256));
    let check = |capacity| ours::check_requests(Algorithm::Es256, &tokens, capacity);
    raw::verify(Contest::new(), Algorithm::Es256, &tokens[0])
        .with("boltguard, no cache", check(0))
        .with(ours::NAME, check(10_000))
}

fn refusals() -> Vec<Plan> {
    let malformed =
        REJECTED_EARLY.map(|name| Plan::contest(format!("refuse/{name}"), || rejected_early(name)));
    let forged = [
        Algorithm::Hs256,
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::EdDsa,
    ];
    let forged = forged.map(|algorithm| {
        let path = format!("refuse/bad signature/{}", algorithm.name());
        Plan::contest(path, move || bad_signature(algorithm))
    });
    malformed.into_iter().chain(forged).collect()
}

/// Tokens that are rejected before the signature is verified.
const REJECTED_EARLY: [&str; 5] = [
    "no token",
    "no header",
    "no JSON",
    "alg none",
    "wrong algorithm",
];

fn rejected_early(name: &str) -> Contest {
    let token = match name {
        "no token" => "Zm9vYmFy.Zm9vYmFy".to_owned(),
        "no header" => "Zm9vYmFy.Zm9vYmFy.Zm9vYmFy".to_owned(),
        "no JSON" => forge::token(r#"{"alg":"HS256",}"#, claims::json(10), [0; 32]),
        "alg none" => forge::token(r#"{"alg":"none","typ":"JWT"}"#, claims::json(10), ""),
        _ => claims::token(10, &keys::signing_key(Algorithm::Rs256)),
    };
    let valid = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    let contest = raw::verify(Contest::new(), Algorithm::Hs256, &valid);
    let own = ours::admit(Algorithm::Hs256, token.clone(), false);
    peers::refuse(contest.with(ours::NAME, own), &token)
}

fn bad_signature(algorithm: Algorithm) -> Contest {
    let token = claims::token(10, &keys::other_signing_key(algorithm));
    let contest = raw::verify(Contest::new(), algorithm, &token)
        .with(ours::NAME, ours::admit(algorithm, token.clone(), false));
    match algorithm {
        Algorithm::Hs256 => peers::refuse(contest, &token),
        _ => contest,
    }
}

/// Measures the speedup of two threads.
fn threads(effort: Effort) -> Vec<(String, f64)> {
    let token = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    let (message, signature) = raw::parts(&token);
    let key = raw::hmac_key(Algorithm::Hs256);
    let raw = |times: u64| {
        for _ in 0..times {
            let _ = black_box(ring::hmac::verify(&key, &message, &signature));
        }
    };
    let admission = ours::Admission::new(Algorithm::Hs256);
    let own = |times: u64| {
        (0..times).for_each(|_| assert!(admission.admits(&token)));
    };
    speedups(effort, raw, own)
}

/// Scans bytes without sharing data. Unlike an HMAC, whose steps depend on each other, this uses most execution units
/// of a core, so that another hardware thread gains little.
fn scan(times: u64) {
    let bytes = [b'a'; 512];
    for _ in 0..times {
        let quotes = black_box(&bytes).iter().enumerate();
        black_box(quotes.fold(0, |sum, (at, byte)| match byte {
            b'"' => sum + at,
            other => sum ^ usize::from(*other),
        }));
    }
}

/// Measures the speedup of two threads with the same cached token.
fn threads_on_one_token(effort: Effort) -> Vec<(String, f64)> {
    let token = claims::token(10, &keys::signing_key(Algorithm::Es256));
    let (raw, value) = (raw::hmac_key(Algorithm::Hs256), format!("Bearer {token}"));
    let alone = |times: u64| {
        for _ in 0..times {
            black_box(ring::hmac::sign(&raw, black_box(b"message")));
        }
    };
    let service = ours::GateService::new(Algorithm::Es256, 100);
    let own = |times: u64| (0..times).for_each(|_| assert!(service.admits(&value)));
    speedups(effort, alone, own)
}

/// Returns the speedups of work without shared data, which is the maximum of the machine, and of Boltguard.
fn speedups(
    effort: Effort,
    raw: impl Fn(u64) + Sync,
    own: impl Fn(u64) + Sync,
) -> Vec<(String, f64)> {
    let entrants: [(&str, &dyn Work); 3] = [
        ("ring", &raw),
        ("a loop over bytes", &scan),
        (ours::NAME, &own),
    ];
    let mut speedups = entrants.map(|_| Vec::new());
    for _ in 0..effort.rounds / 2 {
        for ((_, work), speedups) in entrants.iter().zip(&mut speedups) {
            speedups.push(speedup(*work));
        }
    }
    let median =
        |((name, _), speedups): ((&str, _), _)| (name.to_owned(), at(&sorted(speedups), 0.5));
    entrants.into_iter().zip(speedups).map(median).collect()
}

/// Work that is done a number of times, by any number of threads.
trait Work: Fn(u64) + Sync {}

impl<F: Fn(u64) + Sync> Work for F {}

fn speedup(work: &dyn Work) -> f64 {
    const TIMES: u64 = 10_000;
    let (alone, both) = (duration(1, TIMES, work), duration(2, TIMES, work));
    2.0 * alone.as_secs_f64() / both.as_secs_f64()
}

/// Starts a number of threads at the same time, and returns the duration of the slowest one.
fn duration(count: usize, times: u64, work: &dyn Work) -> Duration {
    let barrier = Barrier::new(count);
    let timed = || {
        barrier.wait();
        let start = Instant::now();
        work(times);
        start.elapsed()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(timed)).collect();
        let durations = threads.into_iter().filter_map(|thread| thread.join().ok());
        durations.max().unwrap_or_default()
    })
}
