//! The clock of libraries that only read the system clock.
//!
//! Such a library is moved to the time of a row by adding the difference to its leeway. Then `exp` is compared as at
//! that time. `nbf` isn't, but the result is the same unless `nbf` is between the time of the row and the end of the
//! leeway.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use boltguard_encoding::base64url;
use boltguard_testing::conformance::Row;
use serde_json::Value;

/// A time of the system clock, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock(u64);

/// The longest time from the selection of rows to the last verdict.
const REST_OF_RUN: Duration = Duration::from_secs(3600);

impl Clock {
    pub(crate) fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0, |since| since.as_secs()))
    }

    /// Returns the leeway with which a library compares `exp` as at the time of the row.
    pub(crate) fn leeway(self, row: &Row) -> u64 {
        self.0.saturating_sub(row.options.now) + row.options.leeway
    }

    /// Returns whether a library decides with [`leeway`](Self::leeway) as it would at the time of the row.
    pub(crate) fn can_be_moved(self, row: &Row) -> bool {
        let Some(nbf) = not_before(row) else {
            return row.options.now <= self.0;
        };
        let last = self.0 + REST_OF_RUN.as_secs() + self.leeway(row);
        let is_early = nbf > (row.options.now + row.options.leeway) as f64;
        row.options.now <= self.0 && !(is_early && nbf <= last as f64)
    }
}

/// Calls `verify` with the time that the system clock has until it returns.
pub(crate) fn within_one_second<T>(verify: impl Fn(Clock) -> T) -> T {
    loop {
        let clock = Clock::system();
        let result = verify(clock);
        if clock == Clock::system() {
            return result;
        }
    }
}

/// Returns `nbf`, if the token contains a number there.
fn not_before(row: &Row) -> Option<f64> {
    let payload = row.token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&base64url::decode(payload).ok()?).ok()?;
    claims.get("nbf")?.as_f64()
}
