//! The memory usage of an entry, as reported by the system. A separate process, so that other tests have no effect.
#![cfg(target_os = "linux")]

use std::fs;

use std::sync::Arc;
use std::time::Duration;

use boltguard_revocation::MemoryRevocation;
use boltguard_revocation::replica::{
    Replica, RevocationEntry, SyncAction, SyncSettings, Synchronizer,
};
use boltguard_types::NumericDate;

#[test]
fn large_lists_take_48_bytes_per_entry() {
    let now = NumericDate::from_secs(1_700_000_000);
    let store = MemoryRevocation::new();
    check_growth(|id| store.revoke(id, None, now).unwrap());

    let replica = Arc::new(Replica::new(1_000_000));
    let settings = SyncSettings::new(Duration::from_secs(5));
    let mut sync = Synchronizer::polling(Arc::clone(&replica), settings);
    let SyncAction::ReadTruth(read) = sync.next(Duration::from_secs(1), now) else {
        panic!("the truth is read first");
    };
    check_growth(|id| sync.handle_truth(read.number, [RevocationEntry::token(id, None)]));
    assert_eq!(replica.len(), 600_000);
}

fn check_growth(mut add: impl FnMut(&str)) {
    let before = resident().expect(STATUS);
    let mut worst = 0;
    for n in 1..=600_000 {
        add(&format!("0190f5a2-7c3e-7b1d-9f00-{n:012x}"));
        if n >= 200_000 && n % 20_000 == 0 {
            worst = worst.max((resident().expect(STATUS) - before) / n);
        }
    }
    // The limit is larger than 48 bytes because of the overhead of the allocator.
    assert!((20..=52).contains(&worst), "{worst}");
}

fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

const STATUS: &str = "the system reports the memory usage";
