//! Tokens: verified and admitted, refused, minted, and all of it from two threads.

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
        contest = with_floor(contest, algorithm, &token);
    }
    let contest = contest.with(ours::NAME, ours::admit(algorithm, token.clone(), true));
    match has_peers(algorithm, size) {
        true => peers::verify(contest, algorithm, &token),
        false => contest,
    }
}

/// Beside a signature that takes long, the number of permissions hardly matters: once is enough.
fn has_peers(algorithm: Algorithm, size: usize) -> bool {
    algorithm.is_symmetric() || size == 10
}

/// The least that a verifier must do: the signature, and the payload out of its encoding.
fn with_floor(contest: Contest, algorithm: Algorithm, token: &str) -> Contest {
    let (message, signature) = raw::parts(token);
    let payload = token.split('.').nth(1).unwrap_or_default().to_owned();
    let (key, mut bytes) = (raw::hmac_key(algorithm), vec![0; payload.len()]);
    contest.with("ring and base64", move || {
        let verified = ring::hmac::verify(&key, black_box(&message), &signature).is_ok();
        verified && base64url::decode_slice(black_box(&payload), &mut bytes).is_ok()
    })
}

fn mint(algorithm: Algorithm, size: usize) -> Contest {
    let mut minted = ours::mint(algorithm, size);
    let contest = raw::sign(Contest::new(), algorithm, &minted());
    let contest = contest.with(ours::NAME, minted);
    match has_peers(algorithm, size) {
        true => peers::mint(contest, algorithm, size),
        false => contest,
    }
}

fn gate() -> Contest {
    let token = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    let contest = raw::verify(Contest::new(), Algorithm::Hs256, &token);
    contest.with(ours::NAME, ours::enter(Algorithm::Hs256, &[token], 0))
}

/// A request whose token was verified before, beside one whose token was not.
fn cache(count: usize) -> Contest {
    let tokens = claims::tokens(count, 10, &keys::signing_key(Algorithm::Es256));
    let enter = |capacity| ours::enter(Algorithm::Es256, &tokens, capacity);
    raw::verify(Contest::new(), Algorithm::Es256, &tokens[0])
        .with("boltguard, no cache", enter(0))
        .with(ours::NAME, enter(10_000))
}

fn refusals() -> Vec<Plan> {
    let hopeless = HOPELESS.map(|name| Plan::contest(format!("refuse/{name}"), || hopeless(name)));
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
    hopeless.into_iter().chain(forged).collect()
}

/// Tokens that are refused before a signature is looked at.
const HOPELESS: [&str; 5] = [
    "no token",
    "no header",
    "no JSON",
    "alg none",
    "wrong algorithm",
];

fn hopeless(name: &str) -> Contest {
    let token = match name {
        "no token" => "Zm9vYmFy.Zm9vYmFy".to_owned(),
        "no header" => "Zm9vYmFy.Zm9vYmFy.Zm9vYmFy".to_owned(),
        "no JSON" => forge::token(r#"{"alg":"HS256",}"#, claims::json(10), [0; 32]),
        "alg none" => forge::token(r#"{"alg":"none","typ":"JWT"}"#, claims::json(10), ""),
        _ => claims::token(10, &keys::signing_key(Algorithm::Rs256)),
    };
    let good = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    let contest = raw::verify(Contest::new(), Algorithm::Hs256, &good);
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

/// How much more two threads do than one.
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
    gains(effort, raw, own)
}

/// Work that shares nothing and keeps a core busy in all its parts, as reading text does; a chain of steps as an HMAC
/// is leaves half of it to another thread.
fn scan(times: u64) {
    let text = [b'a'; 512];
    for _ in 0..times {
        let quotes = black_box(&text).iter().enumerate();
        black_box(quotes.fold(0, |sum, (at, byte)| match byte {
            b'"' => sum + at,
            other => sum ^ usize::from(*other),
        }));
    }
}

/// The same where all have the same token, and it is in the cache.
fn threads_on_one_token(effort: Effort) -> Vec<(String, f64)> {
    let token = claims::token(10, &keys::signing_key(Algorithm::Es256));
    let (raw, value) = (raw::hmac_key(Algorithm::Hs256), format!("Bearer {token}"));
    let alone = |times: u64| {
        for _ in 0..times {
            black_box(ring::hmac::sign(&raw, black_box(b"apart")));
        }
    };
    let entrance = ours::Entrance::new(Algorithm::Es256, 100);
    let own = |times: u64| (0..times).for_each(|_| assert!(entrance.admits(&value)));
    gains(effort, alone, own)
}

/// Of what shares nothing, which tells what the machine has to give, and of ours.
fn gains(effort: Effort, raw: impl Fn(u64) + Sync, own: impl Fn(u64) + Sync) -> Vec<(String, f64)> {
    let entrants: [(&str, &dyn Work); 3] = [
        ("ring", &raw),
        ("a loop over bytes", &scan),
        (ours::NAME, &own),
    ];
    let mut gains = entrants.map(|_| Vec::new());
    for _ in 0..effort.rounds / 2 {
        for ((_, work), gains) in entrants.iter().zip(&mut gains) {
            gains.push(gain(*work));
        }
    }
    let middle = |((name, _), gains): ((&str, _), _)| (name.to_owned(), at(&sorted(gains), 0.5));
    entrants.into_iter().zip(gains).map(middle).collect()
}

/// Something that is done a number of times, by any number of threads.
trait Work: Fn(u64) + Sync {}

impl<F: Fn(u64) + Sync> Work for F {}

fn gain(work: &dyn Work) -> f64 {
    const TIMES: u64 = 10_000;
    let (alone, both) = (together(1, TIMES, work), together(2, TIMES, work));
    2.0 * alone.as_secs_f64() / both.as_secs_f64()
}

/// How long the slowest of so many threads takes, all of which start at once.
fn together(count: usize, times: u64, work: &dyn Work) -> Duration {
    let barrier = Barrier::new(count);
    let timed = || {
        barrier.wait();
        let start = Instant::now();
        work(times);
        start.elapsed()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(timed)).collect();
        let ends = threads.into_iter().filter_map(|thread| thread.join().ok());
        ends.max().unwrap_or_default()
    })
}
