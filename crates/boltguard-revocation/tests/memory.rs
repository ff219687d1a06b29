//! The memory usage of an entry, as reported by the system. A separate process, so that other tests have no effect.
#![cfg(target_os = "linux")]

use std::fs;

use boltguard_revocation::MemoryRevocation;
use boltguard_types::NumericDate;

#[test]
fn large_list_takes_48_bytes_per_entry() {
    let now = NumericDate::from_secs(1_700_000_000);
    let store = MemoryRevocation::new();
    let before = resident().unwrap();
    let mut worst = 0;
    for n in 1..=600_000 {
        store
            .revoke(&format!("0190f5a2-7c3e-7b1d-9f00-{n:012x}"), None, now)
            .unwrap();
        if n >= 200_000 && n % 20_000 == 0 {
            worst = worst.max((resident().unwrap() - before) / n);
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
