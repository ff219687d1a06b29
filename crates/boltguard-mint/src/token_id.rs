//! The names of tokens: UUIDs of version 7, [RFC 9562 §5.7](https://www.rfc-editor.org/rfc/rfc9562#section-5.7).

use std::cell::Cell;

use boltguard_keys::{RandomError, fill_random};
use boltguard_types::NumericDate;
use uuid::{Builder, Uuid};

/// A new name for a token issued at `now`.
///
/// It tells the time to a 4096th of a millisecond (RFC 9562 §6.2, method 3). The other 62 bits are random for the first
/// name of a millisecond and count up from there (method 2), as randomness from the system costs more than a token.
///
/// Each millisecond starts anew, so that processes that fork do not name two tokens alike afterwards.
pub(crate) fn generate(now: NumericDate) -> Result<Uuid, RandomError> {
    let (millis, fraction) = split(now);
    let number = LAST.get().following(millis)?;
    LAST.set(number);
    let mut tail = [0; 10];
    tail[..2].copy_from_slice(&fraction.to_be_bytes());
    tail[2..].copy_from_slice(&number.number.to_be_bytes());
    Ok(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
}

/// Whole milliseconds since the epoch, and the 4096ths of one beyond.
fn split(now: NumericDate) -> (u64, u16) {
    let millis = (now.as_f64() * 1e3).clamp(0.0, MAX_MILLIS);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "48 bits and 12 bits, neither negative"
    )]
    let parts = (millis as u64, (millis.fract() * 4096.0) as u16);
    parts
}

/// 48 bits of milliseconds, until the year 10889.
const MAX_MILLIS: f64 = 281_474_976_710_655.0;

thread_local! {
    static LAST: Cell<Numbered> = const { Cell::new(Numbered { millis: u64::MAX, number: 0 }) };
}

/// The number of a name in its millisecond.
#[derive(Clone, Copy)]
struct Numbered {
    millis: u64,
    number: u64,
}

impl Numbered {
    fn following(self, millis: u64) -> Result<Self, RandomError> {
        if self.millis == millis {
            let number = self.number.wrapping_add(1);
            return Ok(Self { millis, number });
        }
        let mut random = [0; 8];
        fill_random(&mut random)?;
        let number = u64::from_be_bytes(random);
        Ok(Self { millis, number })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOW: NumericDate = NumericDate::from_secs(1_800_000_000);

    #[test]
    fn names_are_uuids_of_version_7_that_tell_the_time() {
        let name = generate(NumericDate::from_f64(1_800_000_000.123_75).unwrap()).unwrap();
        assert_eq!(name.get_version_num(), 7);
        assert_eq!(name.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(name.as_u128() >> 80, 1_800_000_000_123);
        // Doubles of today tell time to a quarter of a microsecond.
        let fraction = name.as_u128() >> 64 & 0xfff;
        assert!((3071..=3073).contains(&fraction), "{fraction}");
    }

    #[test]
    fn names_of_one_instant_differ() {
        let names: HashSet<_> = (0..1000).map(|_| generate(NOW).unwrap()).collect();
        assert_eq!(names.len(), 1000);
    }

    #[test]
    fn names_are_ordered_by_time() {
        let names: Vec<_> = (0..100)
            .map(|tick| {
                generate(NumericDate::from_f64(1.8e9 + f64::from(tick) / 1e4).unwrap()).unwrap()
            })
            .collect();
        assert!(names.is_sorted());
    }

    #[test]
    fn each_millisecond_starts_at_random() {
        let start = Numbered {
            millis: 0,
            number: 7,
        };
        assert_eq!(start.following(0).unwrap().number, 8);
        let [one, two] = [1, 2].map(|millis| start.following(millis).unwrap());
        assert_ne!(one.number, two.number);
        assert_ne!(one.number, start.following(1).unwrap().number);
    }

    #[test]
    fn times_out_of_range_are_the_nearest_in_range() {
        for (secs, millis) in [(-5.0, 0), (1e300, 0xffff_ffff_ffff)] {
            let name = generate(NumericDate::from_f64(secs).unwrap()).unwrap();
            assert_eq!(name.as_u128() >> 80, millis);
        }
    }
}
