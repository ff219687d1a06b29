//! Detection of data loss in a shared store.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use boltguard_types::NumericDate;

/// A detector of data loss in a shared store.
///
/// If a server loses its data, no token seems to be revoked. Therefore a shared store contains an additional value, the
/// mark, which is read with every lookup: a random generation, and the time until which existing entries are kept. If
/// the mark is missing or has another generation, entries were lost, and lookups are unreliable until the last of the
/// lost entries would have expired. This time is stored in the new mark, so that one process that detects the loss
/// informs all others.
///
/// A process that starts after the loss can't detect it, unless it was detected by another process.
///
/// ```
/// use std::time::Duration;
/// use boltguard_revocation::{MarkState, Sentinel};
/// use boltguard_types::NumericDate;
///
/// let (sentinel, now) = (Sentinel::new(), NumericDate::from_secs(1_700_000_000));
/// let MarkState::Missing(mark) = sentinel.examine(None, now) else { panic!() };
/// assert_eq!(sentinel.examine(Some(mark), now), MarkState::Intact);
///
/// // A token is revoked, and the server loses its data.
/// let until = now + Duration::from_secs(60);
/// let mark = sentinel.mark_for(mark, Some(until), now).unwrap();
/// let MarkState::Missing(mark) = sentinel.examine(None, now) else { panic!() };
/// assert_eq!(sentinel.examine(Some(mark), now), MarkState::Lost);
/// assert_eq!(Sentinel::new().examine(Some(mark), now), MarkState::Lost);
/// ```
#[derive(Default)]
pub struct Sentinel {
    known: Mutex<Known>,
}

/// The state of a store, according to its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkState {
    /// No entries of valid tokens were lost.
    Intact,
    /// Entries of valid tokens were lost, so lookups are unreliable.
    Lost,
    /// There is no mark. Write this one if there is still none, and then read and examine the mark again.
    Missing(u128),
    /// The mark is outdated. Replace it with this one, and then read and examine the mark again.
    Outdated(u128),
}

#[derive(Debug, Default)]
struct Known {
    generation: Option<u64>,
    /// The time until which the known entries are kept, in seconds, or [`FOREVER`].
    until: u64,
}

impl Sentinel {
    /// Creates a sentinel that hasn't seen a mark.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares the mark of the store, if there is one, with the known state.
    #[must_use]
    pub fn examine(&self, found: Option<u128>, now: NumericDate) -> MarkState {
        let (mut known, now) = (self.known(), seconds(now));
        let Some(mark) = found.map(Mark::unpack) else {
            return MarkState::Missing(Mark::after_loss(known.lost_until(now)).pack());
        };
        if known.generation != Some(mark.generation) {
            let lost_until = known.lost_until(now);
            if !mark.is_accepted && mark.lost_until < lost_until {
                return MarkState::Outdated(mark.with_loss(lost_until).pack());
            }
            *known = Known {
                generation: Some(mark.generation),
                until: mark.until,
            };
        }
        if mark.until < known.until {
            return MarkState::Outdated(mark.with_until(known.until).pack());
        }
        known.until = mark.until;
        if mark.lost_until > now {
            MarkState::Lost
        } else {
            MarkState::Intact
        }
    }

    /// Returns the mark to write for an entry that is kept until this time, or forever. Returns `None` if the existing
    /// mark is sufficient.
    ///
    /// The time in the new mark is later by an eighth, so that the mark isn't written for each entry.
    #[must_use]
    pub fn mark_for(
        &self,
        found: u128,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Option<u128> {
        let (mark, now) = (Mark::unpack(found), seconds(now));
        let until = until.map_or(FOREVER, seconds);
        if until <= mark.until {
            return None;
        }
        let margin = until.saturating_sub(now) / 8;
        let mark = mark.with_until(until.saturating_add(margin).min(FOREVER));
        let mut known = self.known();
        known.until = known.until.max(mark.until);
        Some(mark.pack())
    }

    /// Returns a mark of a new generation, with which the loss of entries is accepted.
    #[must_use]
    pub fn accepting_loss(found: Option<u128>) -> u128 {
        Mark {
            is_accepted: true,
            until: found.map_or(0, |found| Mark::unpack(found).until),
            ..Mark::after_loss(0)
        }
        .pack()
    }

    /// Returns whether the sentinel has seen a mark, so that it can detect a loss.
    #[must_use]
    pub fn has_seen_mark(&self) -> bool {
        self.known().generation.is_some()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentinel").finish_non_exhaustive()
    }
}

impl Known {
    /// Returns the time until which the known entries are kept, or zero if all have expired.
    fn lost_until(&self, now: u64) -> u64 {
        match self.generation {
            Some(_) if self.until > now => self.until,
            _ => 0,
        }
    }
}

/// The mark of a store.
///
/// It is stored as a decimal integer, which is supported by all caches. From the most significant bit, it consists of
/// the generation (47 bits), whether the loss of earlier entries was accepted (1 bit), and two times in seconds since
/// the epoch (40 bits each): until when lost entries and entries of this generation are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    generation: u64,
    is_accepted: bool,
    lost_until: u64,
    until: u64,
}

impl Mark {
    fn after_loss(lost_until: u64) -> Self {
        Self {
            generation: RandomState::new().hash_one(0) >> 17,
            is_accepted: false,
            lost_until,
            until: lost_until,
        }
    }

    fn with_loss(self, lost_until: u64) -> Self {
        Self { lost_until, ..self }.with_until(lost_until)
    }

    fn with_until(self, until: u64) -> Self {
        let until = until.max(self.until);
        Self { until, ..self }
    }

    fn pack(self) -> u128 {
        u128::from(self.generation) << 81
            | u128::from(self.is_accepted) << 80
            | u128::from(self.lost_until) << 40
            | u128::from(self.until)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "each field is masked to its width"
    )]
    fn unpack(value: u128) -> Self {
        let field = |shift: u32, mask: u64| (value >> shift) as u64 & mask;
        Self {
            generation: field(81, (1 << 47) - 1),
            is_accepted: field(80, 1) == 1,
            lost_until: field(40, FOREVER),
            until: field(0, FOREVER),
        }
    }
}

/// A time that stands for "forever", after 34,000 years.
const FOREVER: u64 = (1 << 40) - 1;

/// Returns whole seconds since the epoch, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates"
)]
fn seconds(date: NumericDate) -> u64 {
    (date.as_f64().ceil() as u64).min(FOREVER)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);

    /// A store with a mark and without entries.
    #[derive(Default)]
    struct Server(Option<u128>);

    impl Server {
        fn examine(&mut self, sentinel: &Sentinel, now: NumericDate) -> MarkState {
            for _ in 0..4 {
                match sentinel.examine(self.0, now) {
                    MarkState::Missing(mark) | MarkState::Outdated(mark) => self.0 = Some(mark),
                    state => return state,
                }
            }
            panic!("the state does not converge");
        }

        fn revoke(&mut self, sentinel: &Sentinel, ttl: Option<u64>) {
            self.examine(sentinel, NOW);
            let until = ttl.map(after);
            if let Some(mark) = sentinel.mark_for(self.0.unwrap(), until, NOW) {
                self.0 = Some(mark);
            }
        }
    }

    fn after(secs: u64) -> NumericDate {
        NOW + Duration::from_secs(secs)
    }

    #[test]
    fn new_store_is_intact() {
        let mut server = Server::default();
        assert_eq!(server.examine(&Sentinel::new(), NOW), MarkState::Intact);
        assert_eq!(server.examine(&Sentinel::new(), NOW), MarkState::Intact);
    }

    #[test]
    fn loss_lasts_until_entries_would_have_expired() {
        for (ttl, later) in [(Some(80), 91), (None, 1_000_000_000)] {
            let (mut server, one, other) = (Server::default(), Sentinel::new(), Sentinel::new());
            server.revoke(&one, ttl);
            server.examine(&other, NOW);
            server.0 = None;
            assert_eq!(server.examine(&one, NOW), MarkState::Lost);
            assert_eq!(server.examine(&other, NOW), MarkState::Lost);
            assert_eq!(server.examine(&Sentinel::new(), after(80)), MarkState::Lost);
            let state = match ttl {
                Some(_) => MarkState::Intact,
                None => MarkState::Lost,
            };
            assert_eq!(server.examine(&one, after(later)), state);
        }
    }

    #[test]
    fn loss_is_reported_to_new_processes() {
        let (mut server, old, new) = (Server::default(), Sentinel::new(), Sentinel::new());
        server.revoke(&old, Some(80));
        server.0 = None;
        assert_eq!(
            server.examine(&new, NOW),
            MarkState::Intact,
            "the loss is still unknown"
        );
        assert_eq!(server.examine(&old, NOW), MarkState::Lost);
        assert_eq!(server.examine(&new, NOW), MarkState::Lost);
    }

    #[test]
    fn store_without_valid_entries_loses_nothing() {
        let (mut server, sentinel) = (Server::default(), Sentinel::new());
        server.examine(&sentinel, NOW);
        server.0 = None;
        assert_eq!(server.examine(&sentinel, NOW), MarkState::Intact);
        server.revoke(&sentinel, Some(8));
        server.0 = None;
        assert_eq!(server.examine(&sentinel, after(10)), MarkState::Intact);
    }

    #[test]
    fn loss_after_an_accepted_one_is_detected() {
        let (mut server, one, other) = (Server::default(), Sentinel::new(), Sentinel::new());
        server.revoke(&one, None);
        server.examine(&other, NOW);
        server.0 = None;
        assert_eq!(server.examine(&one, NOW), MarkState::Lost);
        server.revoke(&one, Some(100));
        server.0 = Some(Sentinel::accepting_loss(server.0));
        assert_eq!(server.examine(&one, NOW), MarkState::Intact);
        assert_eq!(server.examine(&other, NOW), MarkState::Intact);
        server.0 = None;
        assert_eq!(server.examine(&one, NOW), MarkState::Lost);
    }

    #[test]
    fn stale_mark_of_another_writer_is_replaced() {
        let (mut server, one, other) = (Server::default(), Sentinel::new(), Sentinel::new());
        server.revoke(&other, Some(10));
        let stale = server.0;
        server.revoke(&one, Some(1000));
        server.0 = stale;
        assert_eq!(server.examine(&one, NOW), MarkState::Intact);
        server.examine(&other, NOW);
        server.0 = None;
        assert_eq!(server.examine(&other, after(900)), MarkState::Lost);
    }

    #[test]
    fn mark_round_trips_through_integer() {
        let mark = Mark {
            generation: (1 << 47) - 1,
            is_accepted: true,
            lost_until: 5,
            until: FOREVER,
        };
        assert_eq!(Mark::unpack(mark.pack()), mark);
        assert_eq!(seconds(NumericDate::from_f64(1e300).unwrap()), FOREVER);
        assert_eq!(seconds(NumericDate::from_f64(-1.0).unwrap()), 0);
    }
}
