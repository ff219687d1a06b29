//! The clock: that of the system, unless a test moves it.
//!
//! This is the only state of the process in this module tree, because the functions that read the time have no object
//! in common. `boltguard.testing` refuses to change it outside of a test run. Afterwards, the clock is that of the
//! system again; only the monotonic clock, which must never go back, stays ahead.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use boltguard::Now;
use boltguard::types::NumericDate;
use pyo3::intern;
use pyo3::prelude::*;

/// Whether a test has ever moved the clock of this process.
static IN_TEST: AtomicBool = AtomicBool::new(false);
/// Whether the time is that of Python's `time.time_ns`, which other libraries may have replaced.
static FOLLOWS_PYTHON: AtomicBool = AtomicBool::new(false);
/// The nanoseconds that are added to the time.
static SHIFT: AtomicI64 = AtomicI64::new(0);
/// The nanoseconds by which the clock was last seen to be ahead of that of the system.
static LEAD: AtomicI64 = AtomicI64::new(0);
/// The nanoseconds by which the monotonic clock is ahead of that of the system.
static MONOTONIC_LEAD: AtomicU64 = AtomicU64::new(0);

/// A smaller change of `LEAD` isn't a jump: both clocks are read one after the other, and a frozen one falls behind.
const JUMP: i64 = 500_000_000;

/// The current time.
#[inline]
pub(crate) fn now() -> NumericDate {
    if IN_TEST.load(Ordering::Relaxed) {
        return date(test_time());
    }
    SystemTime::now().into()
}

/// The current value of the monotonic clock, which follows the other one forward.
#[inline]
pub(crate) fn instant() -> Instant {
    let instant = Instant::now();
    if IN_TEST.load(Ordering::Relaxed) {
        test_time();
        let lead = Duration::from_nanos(MONOTONIC_LEAD.load(Ordering::Relaxed));
        return instant.checked_add(lead).unwrap_or(instant);
    }
    instant
}

/// The current time of an evaluation.
#[inline]
pub(crate) fn evaluation_time() -> Now {
    if IN_TEST.load(Ordering::Relaxed) {
        return Now::at(now(), instant());
    }
    now().into()
}

/// The current time, in nanoseconds since the epoch.
#[pyfunction]
pub(crate) fn time_ns() -> i64 {
    if IN_TEST.load(Ordering::Relaxed) {
        return test_time();
    }
    unix_nanos(SystemTime::now())
}

/// Moves the clock of this process, for `boltguard.testing`: by `shift` nanoseconds from that of Python's `time`
/// module or of the system.
#[pyfunction]
#[pyo3(signature = (*, shift, follow_python))]
pub(crate) fn set_test_clock(shift: i64, follow_python: bool) {
    SHIFT.store(shift, Ordering::Relaxed);
    FOLLOWS_PYTHON.store(follow_python, Ordering::Relaxed);
    IN_TEST.store(true, Ordering::Relaxed);
    test_time();
}

#[cold]
fn test_time() -> i64 {
    let system = unix_nanos(SystemTime::now());
    let source = match FOLLOWS_PYTHON.load(Ordering::Relaxed) {
        true => python_time().unwrap_or(system),
        false => system,
    };
    let time = source.saturating_add(SHIFT.load(Ordering::Relaxed));
    follow(time.saturating_sub(system));
    time
}

/// Moves the monotonic clock by as much as the other one has moved forward.
fn follow(lead: i64) {
    let last = LEAD.load(Ordering::Relaxed);
    let jump = lead.saturating_sub(last);
    if jump.abs() < JUMP {
        return;
    }
    let seen = LEAD.compare_exchange(last, lead, Ordering::Relaxed, Ordering::Relaxed);
    // Otherwise, another thread has seen the same jump.
    if let (Ok(_), Ok(forward)) = (seen, u64::try_from(jump)) {
        MONOTONIC_LEAD.fetch_add(forward, Ordering::Relaxed);
    }
}

/// The time of Python's `time` module, unless the interpreter is shutting down.
fn python_time() -> Option<i64> {
    Python::try_attach(|py| {
        let time = py.import(intern!(py, "time")).ok()?;
        let nanos = time.call_method0(intern!(py, "time_ns")).ok()?;
        nanos.extract().ok()
    })?
}

fn unix_nanos(time: SystemTime) -> i64 {
    let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}

fn date(nanos: i64) -> NumericDate {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = match nanos < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(distance),
        false => SystemTime::UNIX_EPOCH.checked_add(distance),
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH).into()
}
