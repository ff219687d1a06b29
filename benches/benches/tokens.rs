//! Verifying and minting tokens, beside the raw primitive and `jsonwebtoken`.

#![allow(
    missing_docs,
    reason = "criterion's macros make a public item without one"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a bench that can't be set up has failed"
)]

use std::hint::black_box;
use std::time::Duration;

use boltguard_bench::{NOW, SECRET, claims};
use boltguard_jws::{HeaderFields, Verifier, sign};
use boltguard_jwt::{Claims, ClaimsPolicy};
use boltguard_keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard_mint::Minter;
use boltguard_testing::keys;
use boltguard_types::{NumericDate, Permission, Wanted};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

/// The numbers of permissions that tokens are measured with.
const SIZES: [usize; 3] = [0, 10, 200];

fn secret() -> Key {
    Key::Secret(Secret::new(SECRET).unwrap())
}

fn policy() -> ClaimsPolicy {
    ClaimsPolicy::new()
        .with_audience(["shop"])
        .with_issuer(["https://issuer.example.com"])
}

fn wanted() -> Wanted {
    let mut wanted = Wanted::new();
    wanted.permission(&Permission::new("app3.permission_003").unwrap());
    wanted
}

/// Verifies and admits `token` again and again, in one buffer.
fn admit(criterion: &mut Criterion, group: &str, id: usize, key: VerifyingKey, token: &str) {
    let (verifier, policy, wanted) = (Verifier::new(KeySet::new([key])), policy(), wanted());
    let now = NumericDate::from_secs(NOW);
    let mut buffer = Vec::new();
    criterion
        .benchmark_group(group)
        .bench_function(BenchmarkId::new("boltguard", id), |bencher| {
            bencher.iter(|| {
                let jws = verifier
                    .verify_into(black_box(token), std::mem::take(&mut buffer))
                    .unwrap();
                let admitted = policy
                    .admit(Claims::read(jws, &wanted).unwrap(), now)
                    .unwrap();
                black_box(&admitted);
                buffer = admitted.into_buffer();
            });
        });
}

fn verify_hmac(criterion: &mut Criterion) {
    let algorithms = [
        ("verify HS256", Algorithm::Hs256, ring::hmac::HMAC_SHA256),
        ("verify HS384", Algorithm::Hs384, ring::hmac::HMAC_SHA384),
        ("verify HS512", Algorithm::Hs512, ring::hmac::HMAC_SHA512),
    ];
    for (group, algorithm, primitive) in algorithms {
        for size in SIZES {
            let signer = SigningKey::new(&secret(), algorithm).unwrap();
            let token = sign(claims(size).as_bytes(), &HeaderFields::new(), &signer).unwrap();
            admit(
                criterion,
                group,
                size,
                VerifyingKey::new(&secret(), algorithm).unwrap(),
                &token,
            );
            raw_hmac(criterion, group, size, primitive, &token);
            if algorithm == Algorithm::Hs256 {
                jsonwebtoken_decode(criterion, group, size, &token);
            }
        }
    }
}

fn raw_hmac(
    criterion: &mut Criterion,
    group: &str,
    size: usize,
    primitive: ring::hmac::Algorithm,
    token: &str,
) {
    let (input, _) = token.rsplit_once('.').unwrap();
    let key = ring::hmac::Key::new(primitive, SECRET);
    let tag = ring::hmac::sign(&key, input.as_bytes());
    criterion.benchmark_group(group).bench_function(
        BenchmarkId::new("raw ring", size),
        |bencher| {
            bencher.iter(|| {
                ring::hmac::verify(&key, black_box(input).as_bytes(), tag.as_ref()).unwrap()
            });
        },
    );
}

/// What services that use `jsonwebtoken` read the claims into.
#[derive(Deserialize, Serialize)]
struct Owned {
    sub: String,
    exp: u64,
    jti: String,
    is_staff: bool,
    is_superuser: bool,
    #[serde(default)]
    permissions: Vec<String>,
}

fn jsonwebtoken_decode(criterion: &mut Criterion, group: &str, size: usize, token: &str) {
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_audience(&["shop"]);
    validation.set_issuer(&["https://issuer.example.com"]);
    criterion.benchmark_group(group).bench_function(
        BenchmarkId::new("jsonwebtoken", size),
        |bencher| {
            bencher.iter(|| {
                jsonwebtoken::decode::<Owned>(black_box(token), &key, &validation)
                    .unwrap()
                    .claims
            });
        },
    );
}

fn verify_asymmetric(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL
        .iter()
        .filter(|algorithm| !algorithm.is_symmetric())
    {
        let signer = keys::signing_key(*algorithm);
        let token = sign(claims(10).as_bytes(), &HeaderFields::new(), &signer).unwrap();
        let group = format!("verify {}", algorithm.name());
        let key = keys::verifying_key(*algorithm);
        admit(criterion, &group, 10, key.clone(), &token);
        let (input, _) = token.rsplit_once('.').unwrap();
        let signature = signer.sign(input.as_bytes()).unwrap();
        criterion.benchmark_group(&group).bench_function(
            BenchmarkId::new("raw primitive", 10),
            |bencher| {
                bencher.iter(|| {
                    key.verify(black_box(input).as_bytes(), signature.as_ref())
                        .unwrap()
                });
            },
        );
    }
}

fn refuse(criterion: &mut Criterion) {
    let key = VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    let verifier = Verifier::new(KeySet::new([key]));
    let signer = SigningKey::new(&secret(), Algorithm::Hs256).unwrap();
    let good = sign(claims(0).as_bytes(), &HeaderFields::new(), &signer).unwrap();
    let (front, _) = good.rsplit_once('.').unwrap();
    let tokens = [
        ("malformed", "not.a.token".to_owned()),
        (
            "wrong algorithm",
            format!("eyJhbGciOiJub25lIn0.{}.", front.split('.').nth(1).unwrap()),
        ),
        ("bad signature", format!("{front}.{}", "A".repeat(43))),
    ];
    for (name, token) in tokens {
        criterion
            .benchmark_group("refuse")
            .bench_function(name, |bencher| {
                bencher.iter(|| verifier.verify(black_box(&token)).unwrap_err());
            });
    }
}

fn mint(criterion: &mut Criterion) {
    for size in SIZES {
        let granted: Vec<String> = (0..size)
            .map(|i| format!("app{}.permission_{i:03}", i % 7))
            .collect();
        let minter = Minter::new(SigningKey::new(&secret(), Algorithm::Hs256).unwrap());
        let now = NumericDate::from_secs(NOW);
        let token = || {
            let token = minter
                .token("42", Duration::from_secs(3600))
                .permissions(&granted);
            token.claim("is_staff", &false).sign(now).unwrap()
        };
        let mut group = criterion.benchmark_group("mint HS256");
        group.bench_function(BenchmarkId::new("boltguard", size), |bencher| {
            bencher.iter(token)
        });
        let made = token();
        let (input, _) = made.rsplit_once('.').unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
        group.bench_function(BenchmarkId::new("raw ring", size), |bencher| {
            bencher.iter(|| ring::hmac::sign(&key, black_box(input).as_bytes()));
        });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
        let header = jsonwebtoken::Header::default();
        group.bench_function(BenchmarkId::new("jsonwebtoken", size), |bencher| {
            bencher.iter(|| {
                let claims = Owned {
                    sub: "42".to_owned(),
                    exp: 4_102_444_800,
                    jti: "0190f5a2-7c3e-7b1d-9f00-aabbccddeeff".to_owned(),
                    is_staff: false,
                    is_superuser: false,
                    permissions: granted.clone(),
                };
                jsonwebtoken::encode(&header, &claims, &key).unwrap()
            });
        });
    }
}

criterion_group!(benches, verify_hmac, verify_asymmetric, refuse, mint);
criterion_main!(benches);
