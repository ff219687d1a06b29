//! A monotonic clock that includes the time during which the machine was suspended, where the platform has one.

use std::time::Duration;

/// `CLOCK_BOOTTIME`.
#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) fn monotonic() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(secs, nanos)
}

/// The monotonic clock of the standard library, since its first use. It may stop while the machine is suspended.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(super) fn monotonic() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
