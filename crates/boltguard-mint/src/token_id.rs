//! Token IDs: UUIDs of version 7, [RFC 9562 §5.7](https://www.rfc-editor.org/rfc/rfc9562#section-5.7).

use std::cell::Cell;

use boltguard_keys::{RandomError, fill_random};
use boltguard_types::NumericDate;
use uuid::{Builder, Uuid};

/// Generates the ID of a token that is issued at `now`.
///
/// The timestamp has a precision of 1/4096 of a millisecond (RFC 9562 §6.2, method 3). The other 62 bits are random for
/// the first ID in a millisecond and incremented for the following ones (method 2), because random numbers of the
/// system cost more than a token.
///
/// The counter is randomized again in each millisecond, so that forked processes don't generate the same IDs.
pub(crate) fn generate(now: NumericDate) -> Result<Uuid, RandomError> {
    let (millis, fraction) = split(now);
    let counter = LAST.get().next(millis)?;
    LAST.set(counter);
    Ok(build(millis, fraction, counter.value))
}

/// Derives the ID of a token that is issued at `now` from 62 bits of `seed`, so that it can be derived again.
pub(crate) fn derive(now: NumericDate, seed: u64) -> Uuid {
    let (millis, fraction) = split(now);
    build(millis, fraction, seed)
}

fn build(millis: u64, fraction: u16, value: u64) -> Uuid {
    let mut tail = [0; 10];
    tail[..2].copy_from_slice(&fraction.to_be_bytes());
    tail[2..].copy_from_slice(&value.to_be_bytes());
    Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

/// Returns the whole milliseconds since the epoch, and the fraction in units of 1/4096.
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

/// The largest timestamp of 48 bits, in the year 10889.
const MAX_MILLIS: f64 = 281_474_976_710_655.0;

thread_local! {
    static LAST: Cell<Counter> = const { Cell::new(Counter { millis: u64::MAX, value: 0 }) };
}

/// The counter of the IDs in a millisecond.
#[derive(Clone, Copy)]
struct Counter {
    millis: u64,
    value: u64,
}

impl Counter {
    fn next(self, millis: u64) -> Result<Self, RandomError> {
        if self.millis == millis {
            let value = self.value.wrapping_add(1);
            return Ok(Self { millis, value });
        }
        let mut random = [0; 8];
        fill_random(&mut random)?;
        let value = u64::from_be_bytes(random);
        Ok(Self { millis, value })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOW: NumericDate = NumericDate::from_secs(1_800_000_000);

    #[test]
    fn ids_are_uuids_of_version_7() {
        let id = generate(NumericDate::from_f64(1_800_000_000.123_75).unwrap()).unwrap();
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.as_u128() >> 80, 1_800_000_000_123);
        // `f64` has a precision of a quarter of a microsecond for current dates.
        let fraction = id.as_u128() >> 64 & 0xfff;
        assert!((3071..=3073).contains(&fraction), "{fraction}");
    }

    #[test]
    fn derived_ids_depend_on_the_time_and_the_seed_alone() {
        let id = derive(NOW, 7);
        assert_eq!(id, derive(NOW, 7));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.as_u128() >> 80, 1_800_000_000_000);
        assert_ne!(id, derive(NOW, 8));
        assert_ne!(
            id,
            derive(NumericDate::from_f64(1_800_000_000.001).unwrap(), 7)
        );
    }

    #[test]
    fn ids_of_the_same_time_differ() {
        let ids: HashSet<_> = (0..1000).map(|_| generate(NOW).unwrap()).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn ids_are_ordered_by_time() {
        let ids: Vec<_> = (0..100)
            .map(|tick| {
                generate(NumericDate::from_f64(1.8e9 + f64::from(tick) / 1e4).unwrap()).unwrap()
            })
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn counter_is_randomized_in_each_millisecond() {
        let start = Counter {
            millis: 0,
            value: 7,
        };
        assert_eq!(start.next(0).unwrap().value, 8);
        let [one, two] = [1, 2].map(|millis| start.next(millis).unwrap());
        assert_ne!(one.value, two.value);
        assert_ne!(one.value, start.next(1).unwrap().value);
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        for (secs, millis) in [(-5.0, 0), (1e300, 0xffff_ffff_ffff)] {
            let id = generate(NumericDate::from_f64(secs).unwrap()).unwrap();
            assert_eq!(id.as_u128() >> 80, millis);
        }
    }
}
