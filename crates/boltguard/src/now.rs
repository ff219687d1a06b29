//! The time of an evaluation.

use std::time::Instant;

use boltguard_types::NumericDate;

/// The current time, as an evaluation needs it: a date for tokens, and a monotonic clock for what has to be refreshed.
///
/// A [`NumericDate`] converts to it. The monotonic clock is then read if it is needed. Tests set both with
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

    /// The date.
    #[must_use]
    #[inline]
    pub fn date(self) -> NumericDate {
        self.date
    }

    /// The value of the monotonic clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "an edge that passes a date alone leaves this clock to the gate"
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
