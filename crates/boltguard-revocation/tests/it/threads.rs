//! Concurrent use of the in-memory store.

use std::thread;
use std::time::Duration;

use boltguard_revocation::{MemoryRevocation, RevocationError};
use boltguard_types::NumericDate;

const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);

#[test]
fn entries_survive_purges_of_other_threads() {
    let store = MemoryRevocation::with_capacity_limit(50_000);
    let later = NOW + Duration::from_secs(100);
    thread::scope(|scope| {
        for worker in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..5_000 {
                    let (short, long) =
                        (format!("short {worker} {n}"), format!("long {worker} {n}"));
                    store
                        .revoke(&short, Some(NOW + Duration::from_secs(1)), NOW)
                        .unwrap();
                    store.revoke(&long, Some(later), NOW).unwrap();
                    assert!(store.is_revoked(&long, NOW));
                    if n % 500 == 0 {
                        store.purge(NOW + Duration::from_secs(2));
                        assert!(!store.is_revoked(&short, NOW + Duration::from_secs(2)));
                    }
                }
            });
        }
    });
    store.purge(NOW + Duration::from_secs(2));
    assert_eq!(store.len(), 20_000);
    store.purge(later);
    assert!(store.is_empty());
}

#[test]
fn limit_is_exact_with_concurrent_threads() {
    for _ in 0..20 {
        let store = MemoryRevocation::with_capacity_limit(100);
        let accepted: usize = thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker| {
                    let store = &store;
                    scope.spawn(move || {
                        let revoke = |n| store.revoke(&format!("{worker} {n}"), None, NOW);
                        (0..100).map(revoke).filter(Result::is_ok).count()
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .sum()
        });
        assert_eq!((accepted, store.len()), (100, 100));
    }
}

#[test]
fn concurrent_revocations_of_a_token_are_one_entry() {
    for round in 0..200 {
        let store = MemoryRevocation::with_capacity_limit(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| store.revoke("same", None, NOW));
            }
        });
        assert_eq!(store.len(), 1, "{round}");
    }
}

#[test]
fn full_store_extends_existing_entries() {
    let store = MemoryRevocation::with_capacity_limit(1);
    store
        .revoke("a", Some(NOW + Duration::from_secs(1)), NOW)
        .unwrap();
    store
        .revoke("a", Some(NOW + Duration::from_secs(9)), NOW)
        .unwrap();
    store
        .revoke("a", Some(NOW + Duration::from_secs(5)), NOW)
        .unwrap();
    assert_eq!(store.revoke("b", None, NOW), Err(RevocationError::Full));
    assert!(store.is_revoked("a", NOW + Duration::from_secs(8)));
    assert!(!store.is_revoked("a", NOW + Duration::from_secs(9)));
}
