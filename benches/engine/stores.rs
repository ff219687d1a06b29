//! Revocation lists and API keys, with up to a million entries.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boltguard::apikey::ApiKeys;
use boltguard::revocation::replica::{
    Replica, RevocationEntry, SyncAction, SyncSettings, Synchronizer,
};
use boltguard::revocation::{
    MemoryRevocation, RevocationLevel, RevocationQuery, RevocationStore, Watermark,
};
use boltguard::types::NumericDate;
use dashmap::DashMap;

use crate::claims;
use crate::contest::{Contest, Plan};
use crate::{child, ours};

/// The number of entries of a large list.
const MILLION: usize = 1_000_000;

pub(crate) fn plans() -> Vec<Plan> {
    let mut plans: Vec<Plan> = [("empty", 0), ("10 k", 10_000), ("1 M", MILLION)]
        .map(|(name, entries)| {
            Plan::contest(format!("revocation/{name}"), move || revocation(entries))
        })
        .into();
    plans.push(Plan::contest("revocation/replicated", || replicated(false)));
    plans.push(Plan::contest("revocation/replicated, levels", || {
        replicated(true)
    }));
    plans.push(Plan::figures("revocation/memory", "bytes", || {
        let stores = [ours::NAME, DASHMAP];
        let sizes = stores.map(|name| (name.to_owned(), child::figure(&["--memory", name])));
        sizes
            .into_iter()
            .filter_map(|(name, bytes)| Some((name, bytes?)))
            .collect()
    }));
    plans.push(Plan::figures("revocation/slowest call", "ns", || {
        vec![(ours::NAME.to_owned(), slowest_call())]
    }));
    plans.push(Plan::contest("api keys/any of them", || api_keys(true)));
    plans.push(Plan::contest("api keys/one of them", || api_keys(false)));
    plans
}

const DASHMAP: &str = "DashMap of strings";

fn revocation(entries: usize) -> Contest {
    let (store, map) = (filled(entries), filled_map(entries));
    let store = std::rc::Rc::new(store);
    let other = store.clone();
    let now = claims::now();
    let mut unknown = Ids::new(|index| entries + index);
    let mut same = Ids::new(|index| entries + index);
    let contest = Contest::new()
        .with(DASHMAP, move || map.get(same.next()).is_some())
        .with(ours::NAME, move || store.is_revoked(unknown.next(), now));
    if entries == 0 {
        return contest;
    }
    let mut revoked = Ids::new(|index| index.wrapping_mul(2_654_435_761) % entries);
    assert!(other.is_revoked(revoked.next(), now));
    contest.with("boltguard, revoked", move || {
        other.is_revoked(revoked.next(), now)
    })
}

/// Measures checks of all levels in a replica and in a list of this process, with the same 10,000 entries.
fn replicated(has_levels: bool) -> Contest {
    let (now, monotonic) = (claims::now(), Duration::from_secs(1));
    let store = filled(10_000);
    let replica = Arc::new(Replica::new(MILLION));
    let settings = SyncSettings::new(Duration::from_secs(5));
    let mut sync = Synchronizer::polling(Arc::clone(&replica), settings);
    let SyncAction::ReadTruth(read) = sync.next(monotonic, now) else {
        unreachable!("nothing has been read")
    };
    let tokens = (0..10_000).map(|number| RevocationEntry::token(&id(number), None));
    sync.handle_truth(read.number, tokens);
    let others = [
        RevocationLevel::Session("another"),
        RevocationLevel::Subject {
            subject: "another",
            issuer: None,
        },
    ];
    for level in others.into_iter().filter(|_| has_levels) {
        let watermark = Watermark::new(now);
        store
            .revoke_level(level, watermark, now)
            .expect("it isn't full");
        sync.handle_truth(read.number, [RevocationEntry::level(level, watermark)]);
    }
    sync.truth_complete(read.number);
    let (mut ids, mut same) = (
        Ids::new(|index| 10_000 + index),
        Ids::new(|index| 10_000 + index),
    );
    assert_eq!(replica.check(&query(ids.next()), now, monotonic), Ok(false));
    Contest::new()
        .with("boltguard, in memory", move || {
            store
                .check(&query(ids.next()), now)
                .expect("it is in memory")
        })
        .with(ours::NAME, move || {
            let result = replica.check(&query(same.next()), now, monotonic);
            result.expect("the replica is current")
        })
}

fn query(token_id: &str) -> RevocationQuery<'_> {
    RevocationQuery::new(token_id)
        .with_session_id(Some("0190f5a2-7c3e-7b1d-9f00-000000000000"))
        .with_subject(Some(claims::SUBJECT))
        .with_issuer(Some(claims::ISSUER))
}

/// Returns the obvious implementation without a limit.
fn filled_map(entries: usize) -> DashMap<String, i64> {
    (0..entries).map(|number| (id(number), i64::MAX)).collect()
}

fn filled(entries: usize) -> MemoryRevocation {
    let store = MemoryRevocation::with_capacity_limit(MILLION);
    for number in 0..entries {
        store
            .revoke(&id(number), None, claims::now())
            .expect("the store is not full");
    }
    store
}

/// Returns a token ID.
fn id(number: usize) -> String {
    format!("0190f5a2-7c3e-7b1d-9f00-{number:012x}")
}

/// A sequence of IDs in contiguous memory, so that reading them has no relevant cost.
struct Ids {
    ids: String,
    index: usize,
}

impl Ids {
    const COUNT: usize = 1 << 14;
    const LEN: usize = 36;

    fn new(number: impl Fn(usize) -> usize) -> Self {
        let ids = (0..Self::COUNT).map(|index| id(number(index))).collect();
        Self { ids, index: 0 }
    }

    #[inline]
    fn next(&mut self) -> &str {
        let start = self.index * Self::LEN;
        self.index = (self.index + 1) % Self::COUNT;
        black_box(&self.ids[start..start + Self::LEN])
    }
}

/// Returns the memory usage per entry in a list of a million, as reported by the system. Requires a separate process.
pub(crate) fn bytes_per_entry(store: &str) -> Option<f64> {
    let before = resident()?;
    let taken = match store {
        DASHMAP => {
            let map = filled_map(MILLION);
            let taken = resident()? - before;
            drop(black_box(map));
            taken
        }
        _ => {
            let list = filled(MILLION);
            let taken = resident()? - before;
            drop(black_box(list));
            taken
        }
    };
    Some(taken / MILLION as f64)
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0)
}

/// Returns the 99.9th percentile of the durations of calls that fill a list while entries expire.
fn slowest_call() -> f64 {
    let store = MemoryRevocation::with_capacity_limit(100_000);
    let mut durations = Vec::with_capacity(MILLION / 4);
    for number in 0..MILLION / 4 {
        let now = NumericDate::from_secs(1_760_000_000 + number as i64 / 1000);
        let until = now + std::time::Duration::from_secs(60);
        let (id, start) = (id(number), Instant::now());
        let result = store.revoke(&id, Some(until), now);
        durations.push(start.elapsed().as_nanos() as f64);
        assert!(result.is_ok());
    }
    crate::rounds::at(&crate::rounds::sorted(durations), 0.999)
}

/// Measures lookups in sets of several sizes, either of varying keys or always of the same one.
fn api_keys(any: bool) -> Contest {
    let key = |number: usize| {
        format!(
            "sk-live-{:024x}",
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    };
    let first = key(0);
    let mut contest = Contest::new().with("SHA-256 alone", move || {
        ring::digest::digest(&ring::digest::SHA256, black_box(&first).as_bytes())
    });
    for (name, count) in [
        ("10 keys", 10),
        ("1 k keys", 1000),
        ("100 k keys", 100_000),
        ("1 M keys", MILLION),
    ] {
        let keys: Vec<String> = (0..count).map(key).collect();
        let set = ApiKeys::new(keys.iter().map(String::as_str)).expect("the keys are valid");
        let presented: Vec<String> = match any {
            true => (0..1 << 14)
                .map(|n: usize| key(n.wrapping_mul(2_654_435_761) % count))
                .collect(),
            false => vec![key(count / 2)],
        };
        let mut index = 0;
        contest = contest.with(name, move || {
            index = (index + 1) % presented.len();
            set.find(black_box(&presented[index])).is_some()
        });
    }
    contest
}
