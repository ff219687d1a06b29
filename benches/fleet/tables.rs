//! The tables of `docs/fleet-sizing.md`.

use std::time::Duration;

use crate::memory;
use crate::scenarios::{Outcome, cold_start, loss_of_redis, normal_operation, stalled_node};
use crate::settings::{Capacity, Fleet};

pub(crate) const SESSIONS: &str = "sessions";
const TOKENS: &str = "tokens";

const MINUTE: Duration = Duration::from_secs(60);
const LIFETIMES: [(&str, Duration); 4] = [
    ("5 min", Duration::from_secs(300)),
    ("15 min", Duration::from_secs(900)),
    ("1 h", Duration::from_secs(3600)),
    ("24 h", Duration::from_secs(86_400)),
];

pub(crate) fn print_all() {
    print_memory();
    print_staleness();
    print_database();
    print_cold_start();
    print_loss();
    print_stall();
}

fn print_memory() {
    header(
        "Memory of a node",
        "token lifetime | entries required | tokens: entries kept, MB, bytes per required entry | the same for sessions",
    );
    // A list of 24 million entries takes long to fill, and a gigabyte.
    for (name, lifetime) in LIFETIMES.into_iter().take(3) {
        let required = Fleet::large(lifetime).live_entries();
        let cell = |kind| match memory::measure(lifetime, kind) {
            Some(found) => format!(
                "{}, {} MB, {}",
                number(found.entries),
                found.bytes / 1_000_000,
                found.bytes / required
            ),
            None => "not measured".to_owned(),
        };
        row(&[
            name.to_owned(),
            number(required),
            cell(TOKENS),
            cell(SESSIONS),
        ]);
    }
}

/// The stream doesn't depend on the lifetime.
fn print_staleness() {
    header(
        "Normal operation: Redis",
        "max_staleness | revoked | queries/s | rows/s | Redis sends, MB/s | Redis processor | per node, kB/s | \
         lag: average, longest",
    );
    for (seconds, sessions) in [
        (1, false),
        (2, false),
        (5, false),
        (5, true),
        (10, false),
        (30, false),
    ] {
        let fleet = Fleet {
            max_staleness: Duration::from_secs(seconds),
            revokes_sessions: sessions,
            ..Fleet::large(15 * MINUTE)
        };
        let outcome = normal_operation(fleet);
        let per_second = |count: u64| count as f64 / outcome.time.as_secs_f64();
        let sent = per_second(outcome.redis.bytes);
        row(&[
            format!("{seconds} s"),
            if sessions { SESSIONS } else { TOKENS }.to_owned(),
            number(per_second(outcome.redis.requests) as u64),
            number(per_second(outcome.redis.rows) as u64),
            format!("{:.1}", sent / 1e6),
            percent(outcome.redis.busy, outcome.time),
            format!("{:.1}", sent / 1e3 / fleet.nodes as f64),
            format!(
                "{}, {}",
                seconds_of(Some(outcome.lag.average())),
                seconds_of(Some(outcome.lag.longest))
            ),
        ]);
        check(&outcome);
    }
}

fn print_database() {
    header(
        "Normal operation: database",
        "token lifetime | reads | reads/s | rows/s | of the capacity | longest read | stale node-seconds",
    );
    for (fleet, name) in fleets() {
        let outcome = normal_operation(fleet);
        let capacity = outcome.time * Capacity::default().connections as u32;
        let per_second = |count: u64| count as f64 / outcome.time.as_secs_f64();
        let database = outcome.database;
        row(&[
            name.to_owned(),
            kind(&fleet),
            format!("{:.1}", per_second(database.requests)),
            number(per_second(database.rows) as u64),
            percent(database.busy, capacity),
            seconds_of(Some(database.slowest)),
            number(outcome.stale.as_secs()),
        ]);
        check(&outcome);
    }
}

fn print_cold_start() {
    header(
        "Cold start of all nodes",
        "token lifetime | started within | rows read | fresh: 50 % | 99 % | all | Redis sent, MB",
    );
    for (name, lifetime) in LIFETIMES {
        for spread in [Duration::ZERO, 10 * MINUTE] {
            let outcome = cold_start(Fleet::large(lifetime), spread);
            let [half, most, all] = outcome.fresh.map(seconds_of);
            row(&[
                name.to_owned(),
                format!("{} s", spread.as_secs()),
                number(outcome.database.rows),
                half,
                most,
                all,
                number(outcome.redis.bytes / 1_000_000),
            ]);
            check(&outcome);
        }
    }
}

fn print_loss() {
    header(
        "Redis is down for 30 s and loses its data",
        "token lifetime | reads | rows read | fresh after its return: 50 % | 99 % | all | stale, seconds per node",
    );
    for (fleet, name) in fleets() {
        let outcome = loss_of_redis(fleet, MINUTE / 2);
        let [half, most, all] = outcome.fresh.map(seconds_of);
        row(&[
            name.to_owned(),
            kind(&fleet),
            number(outcome.database.rows),
            half,
            most,
            all,
            format!("{:.1}", outcome.stale.as_secs_f64() / fleet.nodes as f64),
        ]);
        check(&outcome);
    }
}

fn print_stall() {
    header(
        "One node stops, and then continues",
        "stopped for | queries | rows from Redis | rows from the database | fresh after",
    );
    for minutes in [1, 10, 60] {
        let outcome = stalled_node(Fleet::large(15 * MINUTE), minutes * MINUTE);
        row(&[
            format!("{minutes} min"),
            number(outcome.redis.requests),
            number(outcome.redis.rows),
            number(outcome.database.rows),
            seconds_of(outcome.fresh[2]),
        ]);
        check(&outcome);
    }
}

/// Each lifetime, with reads of new entries and of all.
fn fleets() -> impl Iterator<Item = (Fleet, &'static str)> {
    LIFETIMES.into_iter().flat_map(|(name, lifetime)| {
        [false, true].map(|always_reads_everything| {
            let fleet = Fleet {
                always_reads_everything,
                ..Fleet::large(lifetime)
            };
            (fleet, name)
        })
    })
}

fn kind(fleet: &Fleet) -> String {
    match fleet.always_reads_everything {
        true => "everything",
        false => "new entries",
    }
    .to_owned()
}

/// No revoked token was accepted after the bound.
fn check(outcome: &Outcome) {
    assert_eq!(outcome.violations, 0, "{outcome:?}");
}

fn header(title: &str, columns: &str) {
    let rules = columns.split('|').map(|_| "---");
    println!("\n## {title}\n\n| {columns} |");
    row(&rules.map(str::to_owned).collect::<Vec<_>>());
}

fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// Returns a number with separators.
fn number(value: u64) -> String {
    match value {
        0..1000 => value.to_string(),
        _ => format!("{},{:03}", number(value / 1000), value % 1000),
    }
}

fn seconds_of(time: Option<Duration>) -> String {
    match time {
        Some(time) if time < Duration::from_secs(100) => format!("{:.1} s", time.as_secs_f64()),
        Some(time) => format!("{} s", number(time.as_secs())),
        None => "never".to_owned(),
    }
}

fn percent(part: Duration, whole: Duration) -> String {
    format!("{:.0} %", 100.0 * part.as_secs_f64() / whole.as_secs_f64())
}
