//! Guards, deny-lists and API keys.

#![allow(
    missing_docs,
    reason = "criterion's macros make a public item without one"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a bench that can't be set up has failed"
)]

use std::collections::HashSet;
use std::hint::black_box;

use boltguard_apikey::ApiKeys;
use boltguard_bench::NOW;
use boltguard_guard::Guard;
use boltguard_revocation::MemoryRevocation;
use boltguard_types::{Facts, Identity, NumericDate};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Ten atoms, against a caller with two hundred permissions.
const RULE: &str = r#"authenticated & (any_perm("a.1", "a.2", "app3.permission_003") | staff)
    & ~perm("blog.banned") & (perm("app1.permission_001") | perm("a.3") | perm("a.4")) & ~perm("a.5")"#;

fn decide(criterion: &mut Criterion) {
    let guard: Guard = RULE.parse().unwrap();
    let compiled = guard.compile();
    let granted: Vec<String> = (0..200)
        .map(|i| format!("app{}.permission_{i:03}", i % 7))
        .collect();
    let identity = Identity::new("42", "jwt").with_permissions(granted.iter().map(String::as_str));
    let held = compiled.wanted().held_by(&identity);
    let facts = Facts {
        backend: "jwt",
        is_staff: false,
        is_superuser: false,
        held: &held,
    };
    let mut group = criterion.benchmark_group("guard of ten atoms");
    group.bench_function("decide", |bencher| {
        bencher.iter(|| compiled.decide(black_box(Some(&facts))));
    });
    group.bench_function("read 200 permissions and decide", |bencher| {
        bencher.iter(|| {
            let held = compiled.wanted().held_by(black_box(&identity));
            compiled.decide(Some(&Facts {
                backend: "jwt",
                is_staff: false,
                is_superuser: false,
                held: &held,
            }))
        });
    });
    group.bench_function("a hash set of strings, built and asked", |bencher| {
        bencher.iter(|| {
            let set: HashSet<String> = black_box(&granted).iter().cloned().collect();
            let has = |name: &str| set.contains(name);
            (has("a.1") || has("a.2") || has("app3.permission_003"))
                && !has("blog.banned")
                && (has("app1.permission_001") || has("a.3") || has("a.4"))
                && !has("a.5")
        });
    });
}

fn revocation(criterion: &mut Criterion) {
    let now = NumericDate::from_secs(NOW);
    let id = |i: u32| format!("0190f5a2-7c3e-7b1d-9f00-{i:012x}");
    for entries in [0, 10_000, 1_000_000] {
        let store = MemoryRevocation::with_capacity_limit(1_100_000);
        (0..entries).for_each(|i| store.revoke(&id(i), None, now).unwrap());
        let asked: Vec<String> = (0..4096u32)
            .map(|i| id(i.wrapping_mul(2_654_435_761) % 2_000_000))
            .collect();
        let mut turn = asked.iter().cycle();
        criterion.benchmark_group("revocation").bench_function(
            BenchmarkId::new("is_revoked", entries),
            |bencher| {
                bencher.iter(|| store.is_revoked(black_box(turn.next().unwrap()), now));
            },
        );
    }
}

fn api_keys(criterion: &mut Criterion) {
    for count in [10, 1_000, 100_000] {
        let texts: Vec<String> = (0..count).map(|i| format!("sk-bench-{i:024}")).collect();
        let keys = ApiKeys::new(texts.iter().map(String::as_str)).unwrap();
        let asked = &texts[count / 2];
        criterion.benchmark_group("API keys").bench_function(
            BenchmarkId::new("find", count),
            |bencher| {
                bencher.iter(|| keys.find(black_box(asked)).is_some());
            },
        );
    }
}

criterion_group!(benches, decide, revocation, api_keys);
criterion_main!(benches);
