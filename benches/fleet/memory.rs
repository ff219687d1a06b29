//! The memory of a replica, as reported by the system. Each is measured in its own process.

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use boltguard_revocation::replica::{Replica, SyncAction, SyncSettings, Synchronizer};

use crate::fleet::date;
use crate::settings::Fleet;
use crate::truth::Revocation;

/// The memory of the replica of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// The number of entries, including expired ones that haven't been removed.
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// The option with which the program measures, followed by the seconds of the lifetime and the kind of entries.
pub(crate) const OPTION: &str = "--memory";

/// Measures a replica in a new process. Returns `None` if the system doesn't report the memory usage.
pub(crate) fn measure(lifetime: Duration, kind: &str) -> Option<Memory> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    let seconds = lifetime.as_secs().to_string();
    let output = command.args([OPTION, &seconds, kind]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (entries, bytes) = text.trim().split_once(' ')?;
    Some(Memory {
        entries: entries.parse().ok()?,
        bytes: bytes.parse().ok()?,
    })
}

/// Measures a replica in this process, after it has followed revocations for one and a half lifetimes.
pub(crate) fn measure_here(lifetime: Duration, revokes_sessions: bool) -> Option<Memory> {
    let fleet = Fleet {
        revokes_sessions,
        ..Fleet::large(lifetime)
    };
    let limit = fleet.live_entries() as usize * 5 / 4;
    let before = resident()?;
    let replica = Arc::new(Replica::new(limit));
    fill(&replica, &fleet);
    let bytes = resident()?.saturating_sub(before);
    let entries = black_box(&replica).len() as u64;
    Some(Memory { entries, bytes })
}

/// Adds all entries of one and a half lifetimes, at the times at which they are written.
fn fill(replica: &Arc<Replica>, fleet: &Fleet) {
    let settings = SyncSettings::new(fleet.max_staleness);
    let mut sync = Synchronizer::polling(Arc::clone(replica), settings);
    let SyncAction::ReadTruth(read) = sync.next(Duration::ZERO, date(Duration::ZERO)) else {
        return;
    };
    let per_second = fleet.revocations_per_hour.div_ceil(3600);
    for second in 0..fleet.kept().as_secs() * 3 / 2 {
        let now = Duration::from_secs(second);
        sync.next(now, date(now));
        let numbers = (second * per_second..).take(per_second as usize);
        let revocations = numbers.map(|number| Revocation::new(fleet, number as usize, now));
        sync.handle_truth(read.number, revocations.map(|revocation| revocation.entry));
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
