//! The time of an evaluation.

use std::time::{Instant, SystemTime};

use boltguard_types::NumericDate;

/// The current time of an evaluation: a date for tokens, and a monotonic time for keys and snapshots.
///
/// It can be converted from a [`NumericDate`]; then the monotonic clock is read if necessary. In tests, set both with
/// [`Now::at`].
#[derive(Clone, Copy, Debug)]
pub struct Now {
    date: NumericDate,
    instant: Option<Instant>,
}

impl Now {
    /// Creates a time from a date and the value of the monotonic clock.
    #[must_use]
    pub fn at(date: NumericDate, instant: Instant) -> Self {
        Self {
            date,
            instant: Some(instant),
        }
    }

    /// Returns the time of the system clock, for the outermost layer of an application.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "for the outermost layer")]
    pub fn system() -> Self {
        NumericDate::from(SystemTime::now()).into()
    }

    /// Returns the date.
    #[must_use]
    #[inline]
    pub fn date(self) -> NumericDate {
        self.date
    }

    /// Returns the value of the monotonic clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "if only a date is passed, the gate reads this clock"
    )]
    pub fn instant(self) -> Instant {
        self.instant.unwrap_or_else(Instant::now)
    }
}

impl From<NumericDate> for Now {
    #[inline]
    fn from(date: NumericDate) -> Self {
        Self {
            date,
            instant: None,
        }
    }
}
