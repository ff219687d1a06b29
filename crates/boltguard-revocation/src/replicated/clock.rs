//! The clocks of a follower.

use std::time::{Duration, SystemTime};

use boltguard_types::NumericDate;

/// Returns the time since the machine was started, including the time during which it was suspended.
#[cfg(any(target_os = "android", target_os = "linux"))]
#[inline]
pub(super) fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    // Neither is negative.
    Duration::new(time.tv_sec.unsigned_abs(), 0) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

/// Returns the time since the first call.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
#[expect(clippy::disallowed_methods, reason = "this is the outermost layer")]
pub(super) fn monotonic() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed() + Duration::from_secs(1)
}

/// Returns the time of the system clock.
#[expect(clippy::disallowed_methods, reason = "this is the outermost layer")]
pub(super) fn system_time() -> NumericDate {
    NumericDate::from(SystemTime::now())
}
