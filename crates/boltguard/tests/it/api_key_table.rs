//! Tables of API keys, and the backend and the edge that are created from them.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use boltguard::apikey::{ApiKeyVerifier, KeyFormat, Peppers, StoredKey};
use boltguard::guard::Guard;
use boltguard::keys::{Algorithm, Secret};
use boltguard::types::ReasonCode;
use boltguard::{ApiKeyTable, AsyncEdge, Gate, HeaderName, Now, Outcome, StoreFailurePolicy};

use crate::support::{NOW, admitted, gate, ready, refused};

const UNAVAILABLE: (u16, ReasonCode) = (503, ReasonCode::ApiKeysUnavailable);

/// A table with one API key, how often it was read, and whether reads succeed.
struct Rows {
    peppers: Peppers,
    stored: StoredKey,
    key: String,
    state: Mutex<(usize, bool)>,
    start: Instant,
}

impl Rows {
    fn new() -> Self {
        let peppers = Peppers::new(Secret::generate(Algorithm::Hs256).unwrap());
        let key = KeyFormat::new("sk").unwrap().generate().unwrap();
        Self {
            stored: StoredKey::new(&key, &peppers, NOW),
            key: key.expose().to_owned(),
            peppers,
            state: Mutex::new((0, true)),
            start: Instant::now(),
        }
    }

    fn table(&self) -> ApiKeyTable {
        let verifier = ApiKeyVerifier::new(KeyFormat::new("sk").unwrap(), self.peppers.clone());
        ApiKeyTable::new(verifier, HeaderName::new("x-api-key").unwrap())
    }

    /// The gate and the edge of this table, with a clock that shows the time of the last check.
    fn service<'r>(
        &'r self,
        table: ApiKeyTable,
        clock: impl Fn() -> Now + Send + Sync + 'r,
    ) -> (Gate, impl AsyncEdge + Clone + 'r) {
        let (backend, edge) = table.with_clock(clock).read_with(async || self.read());
        (gate([backend.into()], &Guard::authenticated()), edge)
    }

    fn read(&self) -> Result<[StoredKey; 1], ()> {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        state.1.then(|| [self.stored.clone()]).ok_or(())
    }

    fn reads(&self) -> usize {
        self.state.lock().unwrap().0
    }

    fn fail(&self) {
        self.state.lock().unwrap().1 = false;
    }
}

/// The outcomes of checks at these times in seconds. Reads of the table fail from `failing_from` on.
fn outcomes(rows: &Rows, table: ApiKeyTable, seconds: &[u64], failing_from: usize) -> Vec<Outcome> {
    let elapsed = Mutex::new(Duration::ZERO);
    let clock = || Now::at(NOW, rows.start + *elapsed.lock().unwrap());
    let (gate, edge) = rows.service(table, clock);
    gate.validate_edge(&edge).unwrap();
    let check = |(index, second): (usize, &u64)| {
        if index >= failing_from {
            rows.fail();
        }
        *elapsed.lock().unwrap() = Duration::from_secs(*second);
        let parts = [("x-api-key", rows.key.as_str())];
        ready(gate.check(&parts, clock, &mut edge.clone()))
    };
    seconds.iter().enumerate().map(check).collect()
}

#[test]
fn table_is_read_again_after_five_seconds() {
    let rows = Rows::new();
    for outcome in outcomes(&rows, rows.table(), &[0, 4, 5, 9], 4) {
        admitted(outcome);
    }
    assert_eq!(rows.reads(), 2);
}

#[test]
fn table_is_read_again_after_its_largest_age() {
    let rows = Rows::new();
    let table = rows.table().with_max_age(Duration::from_secs(60));
    for outcome in outcomes(&rows, table, &[0, 59, 60], 3) {
        admitted(outcome);
    }
    assert_eq!(rows.reads(), 2);
}

#[test]
fn table_without_an_age_is_read_for_each_request() {
    let rows = Rows::new();
    for outcome in outcomes(&rows, rows.table().with_max_age(Duration::ZERO), &[0, 0], 2) {
        admitted(outcome);
    }
    assert_eq!(rows.reads(), 2);
}

#[test]
fn failed_read_is_a_503_unless_the_previous_keys_may_be_used() {
    for policy in [StoreFailurePolicy::FailClosed, StoreFailurePolicy::FailOpen] {
        let rows = Rows::new();
        let table = rows.table().on_read_failure(policy);
        let mut outcomes = outcomes(&rows, table, &[0, 5], 1).into_iter();
        admitted(outcomes.next().unwrap());
        let second = outcomes.next().unwrap();
        match policy {
            StoreFailurePolicy::FailOpen => drop(admitted(second)),
            _ => assert_eq!(refused(second), UNAVAILABLE),
        }
    }
}

#[test]
fn failed_first_read_is_a_503_in_any_case() {
    for policy in [StoreFailurePolicy::FailClosed, StoreFailurePolicy::FailOpen] {
        let rows = Rows::new();
        let table = rows.table().on_read_failure(policy);
        for outcome in outcomes(&rows, table, &[0], 0) {
            assert_eq!(refused(outcome), UNAVAILABLE);
        }
    }
}

#[test]
fn edge_of_another_table_is_an_error_at_startup() {
    let rows = Rows::new();
    let (one, _) = rows.service(rows.table(), Now::system);
    let (_, other) = rows.service(rows.table(), Now::system);
    let error = one.validate_edge(&other).unwrap_err();
    assert!(error.to_string().contains("ApiKeyTable"), "{error}");
}

#[test]
fn debug_output_contains_no_secret() {
    let rows = Rows::new();
    let shown = format!("{:?}", rows.table());
    let fields = "max_age: 5s, on_failure: FailClosed, .. }";
    assert!(
        shown.starts_with("ApiKeyTable { header: ") && shown.ends_with(fields),
        "{shown}"
    );
}
