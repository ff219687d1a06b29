//! Points in time as represented in tokens, [RFC 7519 §2](https://www.rfc-editor.org/rfc/rfc7519#section-2).

use std::cmp::Ordering;
use std::fmt;
use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A number of seconds since 1970-01-01T00:00:00Z, ignoring leap seconds. It can have a fraction, and is finite.
///
/// ```
/// use std::time::Duration;
/// use boltguard_types::NumericDate;
///
/// let exp = NumericDate::from_secs(1_300_819_380);
/// assert!(exp < exp + Duration::from_secs(60));
/// assert!(NumericDate::from_f64(f64::NAN).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumericDate(f64);

// The value is never NaN, so the order of `f64` is total.
impl Eq for NumericDate {}

impl Ord for NumericDate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for NumericDate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl NumericDate {
    /// Creates the date `secs` seconds after the epoch, or before it if `secs` is negative.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 2^53 seconds, 285 million years"
        )]
        Self(secs as f64)
    }

    /// Creates the date `secs` seconds after the epoch. Returns `None` for NaN and infinities.
    #[must_use]
    pub const fn from_f64(secs: f64) -> Option<Self> {
        if secs.is_finite() {
            Some(Self(secs))
        } else {
            None
        }
    }

    /// Returns the seconds since the epoch.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0
    }

    /// Returns the whole seconds since the epoch, rounded down. Dates outside the range of `i64` saturate.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let secs = self.0.floor() as i64;
        secs
    }

    /// Returns the time from `earlier` to `self`, saturating at zero and at [`Duration::MAX`].
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64((self.0 - earlier.0).max(0.0)).unwrap_or(Duration::MAX)
    }
}

impl Add<Duration> for NumericDate {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self((self.0 + duration.as_secs_f64()).min(f64::MAX))
    }
}

impl From<SystemTime> for NumericDate {
    fn from(time: SystemTime) -> Self {
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        })
    }
}

impl fmt::Display for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_outside_64_bits_saturate() {
        let far = NumericDate::from_f64(1e300).unwrap();
        assert_eq!(far.as_secs(), i64::MAX);
        assert_eq!(far.since(NumericDate::from_secs(0)), Duration::MAX);
        assert!(
            (NumericDate::from_f64(f64::MAX).unwrap() + Duration::MAX)
                .as_f64()
                .is_finite()
        );
    }

    #[test]
    fn dates_have_a_total_order() {
        let secs = [f64::MAX, 1.5, 0.0, -0.0, 1.0, -2.0, f64::MIN];
        let mut dates = secs.map(|secs| NumericDate::from_f64(secs).unwrap());
        dates.sort();
        let sorted = dates.map(NumericDate::as_f64);
        assert_eq!(sorted, [f64::MIN, -2.0, 0.0, 0.0, 1.0, 1.5, f64::MAX]);
        // As for `==`, both zeros are the same date.
        let zeros = [0.0, -0.0].map(|secs| NumericDate::from_f64(secs).unwrap());
        assert_eq!(zeros[0].cmp(&zeros[1]), Ordering::Equal);
        assert_eq!(dates.iter().max(), NumericDate::from_f64(f64::MAX).as_ref());
    }

    #[test]
    fn since_a_later_date_is_zero() {
        let (one, two) = (NumericDate::from_secs(1), NumericDate::from_secs(2));
        assert_eq!(one.since(two), Duration::ZERO);
        assert_eq!(two.since(one), Duration::from_secs(1));
    }

    #[test]
    fn times_before_the_epoch_are_negative() {
        let before = NumericDate::from(UNIX_EPOCH - Duration::from_millis(1500));
        assert_eq!(before.as_secs(), -2);
    }
}
