//! Tells a store that lost its entries from one that never had any.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use boltguard_types::NumericDate;

/// What one user of a shared store remembers of it.
///
/// A server that was emptied answers like one on which nothing is revoked. So a shared store holds one more value, the
/// mark, which is read together with every entry: a random generation, and the time until which the entries written so
/// far matter. If the mark is missing, or is of another generation, then entries were lost, and until the time comes
/// that the last of them would have expired, no answer of the store can be trusted. That is written into the new mark,
/// so that one process which ran through the loss tells all others.
///
/// A process that starts after a loss, and meets no other that ran through it, can't know of it.
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
/// // A token is revoked, and the server is emptied.
/// let end = now + Duration::from_secs(60);
/// let mark = sentinel.covering(mark, Some(end), now).unwrap();
/// let MarkState::Missing(mark) = sentinel.examine(None, now) else { panic!() };
/// assert_eq!(sentinel.examine(Some(mark), now), MarkState::Lost);
/// assert_eq!(Sentinel::new().examine(Some(mark), now), MarkState::Lost);
/// ```
#[derive(Default)]
pub struct Sentinel {
    known: Mutex<Known>,
}

/// What the mark of a store says about its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkState {
    /// All entries that matter are there.
    Intact,
    /// Entries were lost that still matter: the store can't tell whether a token is revoked.
    Lost,
    /// There is none. Write this one, unless another writer was faster, and examine what is there then.
    Missing(u128),
    /// It says less than is known. Replace it by this one, and examine what is there then.
    Outdated(u128),
}

#[derive(Debug, Default)]
struct Known {
    generation: Option<u64>,
    /// When the last entry ends that is known of, in seconds; [`FOR_GOOD`] for never.
    until: u64,
}

impl Sentinel {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares the mark that was found with what is known.
    #[must_use]
    pub fn examine(&self, found: Option<u128>, now: NumericDate) -> MarkState {
        let (mut known, now) = (self.known(), seconds(now));
        let Some(mark) = found.map(Mark::unpack) else {
            return MarkState::Missing(Mark::after_loss(known.missed(now)).pack());
        };
        if known.generation != Some(mark.generation) {
            let missed = known.missed(now);
            if !mark.is_accepted && mark.lost_until < missed {
                return MarkState::Outdated(mark.with_loss(missed).pack());
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

    /// The mark to write, if the one that was found does not cover an entry that is kept until this time, or for good.
    ///
    /// It covers an eighth more, so that it need not be written for each entry.
    #[must_use]
    pub fn covering(
        &self,
        found: u128,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Option<u128> {
        let (mark, now) = (Mark::unpack(found), seconds(now));
        let until = until.map_or(FOR_GOOD, seconds);
        if until <= mark.until {
            return None;
        }
        let more = until.saturating_sub(now) / 8;
        let mark = mark.with_until(until.saturating_add(more).min(FOR_GOOD));
        let mut known = self.known();
        known.until = known.until.max(mark.until);
        Some(mark.pack())
    }

    /// A mark of a new generation that says: the entries that were lost no longer matter.
    #[must_use]
    pub fn accepting_loss(found: Option<u128>) -> u128 {
        Mark {
            is_accepted: true,
            until: found.map_or(0, |found| Mark::unpack(found).until),
            ..Mark::after_loss(0)
        }
        .pack()
    }

    /// Whether it has seen a mark, and so would notice that the store was emptied.
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
    /// Until when the entries that are known of matter, if they are gone; zero if they don't any more.
    fn missed(&self, now: u64) -> u64 {
        match self.generation {
            Some(_) if self.until > now => self.until,
            _ => 0,
        }
    }
}

/// The mark, whose decimal digits every cache and every language can hold: from the highest bit on the generation (47
/// bits), whether a person accepted the loss of the entries before it (1), and two times in seconds since the epoch (40
/// each), until which lost entries matter and until which those of this generation do.
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
        reason = "each field is cut to its width"
    )]
    fn unpack(value: u128) -> Self {
        let field = |shift: u32, mask: u64| (value >> shift) as u64 & mask;
        Self {
            generation: field(81, (1 << 47) - 1),
            is_accepted: field(80, 1) == 1,
            lost_until: field(40, FOR_GOOD),
            until: field(0, FOR_GOOD),
        }
    }
}

/// No end; 34,000 years.
const FOR_GOOD: u64 = (1 << 40) - 1;

/// Whole seconds since the epoch, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates"
)]
fn seconds(date: NumericDate) -> u64 {
    (date.as_f64().ceil() as u64).min(FOR_GOOD)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);

    /// A store that holds a mark and nothing else.
    #[derive(Default)]
    struct Server(Option<u128>);

    impl Server {
        fn ask(&mut self, sentinel: &Sentinel, now: NumericDate) -> MarkState {
            for _ in 0..4 {
                match sentinel.examine(self.0, now) {
                    MarkState::Missing(mark) | MarkState::Outdated(mark) => self.0 = Some(mark),
                    settled => return settled,
                }
            }
            panic!("it does not settle");
        }

        fn revoke(&mut self, sentinel: &Sentinel, life: Option<u64>) {
            self.ask(sentinel, NOW);
            let until = life.map(after);
            if let Some(mark) = sentinel.covering(self.0.unwrap(), until, NOW) {
                self.0 = Some(mark);
            }
        }
    }

    fn after(secs: u64) -> NumericDate {
        NOW + Duration::from_secs(secs)
    }

    #[test]
    fn a_new_store_is_intact() {
        let mut server = Server::default();
        assert_eq!(server.ask(&Sentinel::new(), NOW), MarkState::Intact);
        assert_eq!(server.ask(&Sentinel::new(), NOW), MarkState::Intact);
    }

    #[test]
    fn an_emptied_store_is_lost_until_its_entries_would_have_ended() {
        for (life, later) in [(Some(80), 91), (None, 1_000_000_000)] {
            let (mut server, one, other) = (Server::default(), Sentinel::new(), Sentinel::new());
            server.revoke(&one, life);
            server.ask(&other, NOW);
            server.0 = None;
            assert_eq!(server.ask(&one, NOW), MarkState::Lost);
            assert_eq!(server.ask(&other, NOW), MarkState::Lost);
            assert_eq!(server.ask(&Sentinel::new(), after(80)), MarkState::Lost);
            let settled = match life {
                Some(_) => MarkState::Intact,
                None => MarkState::Lost,
            };
            assert_eq!(server.ask(&one, after(later)), settled);
        }
    }

    #[test]
    fn one_that_ran_through_the_loss_tells_those_that_started_after_it() {
        let (mut server, old, new) = (Server::default(), Sentinel::new(), Sentinel::new());
        server.revoke(&old, Some(80));
        server.0 = None;
        assert_eq!(server.ask(&new, NOW), MarkState::Intact, "it can't know");
        assert_eq!(server.ask(&old, NOW), MarkState::Lost);
        assert_eq!(server.ask(&new, NOW), MarkState::Lost);
    }

    #[test]
    fn nothing_is_lost_where_nothing_that_matters_was_revoked() {
        let (mut server, sentinel) = (Server::default(), Sentinel::new());
        server.ask(&sentinel, NOW);
        server.0 = None;
        assert_eq!(server.ask(&sentinel, NOW), MarkState::Intact);
        server.revoke(&sentinel, Some(8));
        server.0 = None;
        assert_eq!(server.ask(&sentinel, after(10)), MarkState::Intact);
    }

    #[test]
    fn a_loss_can_be_accepted_and_the_next_one_is_noticed_again() {
        let (mut server, one, other) = (Server::default(), Sentinel::new(), Sentinel::new());
        server.revoke(&one, None);
        server.ask(&other, NOW);
        server.0 = None;
        assert_eq!(server.ask(&one, NOW), MarkState::Lost);
        server.revoke(&one, Some(100));
        server.0 = Some(Sentinel::accepting_loss(server.0));
        assert_eq!(server.ask(&one, NOW), MarkState::Intact);
        assert_eq!(server.ask(&other, NOW), MarkState::Intact);
        server.0 = None;
        assert_eq!(server.ask(&one, NOW), MarkState::Lost);
    }

    #[test]
    fn a_mark_that_a_slower_writer_put_back_is_raised_again() {
        let (mut server, one, other) = (Server::default(), Sentinel::new(), Sentinel::new());
        server.revoke(&other, Some(10));
        let stale = server.0;
        server.revoke(&one, Some(1000));
        server.0 = stale;
        assert_eq!(server.ask(&one, NOW), MarkState::Intact);
        server.ask(&other, NOW);
        server.0 = None;
        assert_eq!(server.ask(&other, after(900)), MarkState::Lost);
    }

    #[test]
    fn a_mark_survives_its_digits() {
        let mark = Mark {
            generation: (1 << 47) - 1,
            is_accepted: true,
            lost_until: 5,
            until: FOR_GOOD,
        };
        assert_eq!(Mark::unpack(mark.pack()), mark);
        assert_eq!(seconds(NumericDate::from_f64(1e300).unwrap()), FOR_GOOD);
        assert_eq!(seconds(NumericDate::from_f64(-1.0).unwrap()), 0);
    }
}
