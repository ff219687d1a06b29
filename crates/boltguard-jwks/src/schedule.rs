//! When to fetch, when to wait and when to give up: the clockwork, without keys and without a clock.
//!
//! All times are since one moment, which the caller chose.

use std::time::Duration;

use crate::{Need, Times};

/// What becomes of one who needs keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is this one's turn to fetch.
    Fetch(Flight),
    /// There are no keys, and it is too early to fetch again.
    Unavailable { retry_in: Duration },
    /// What is there may be used.
    Use,
    /// Another one fetches, and until then there is nothing to go on with.
    Wait(Flight),
}

/// A fetch under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) number: u64,
    pub(crate) began: Duration,
    /// From then on it counts as lost.
    pub(crate) until: Duration,
}

/// When the keys in hand were asked for, and until when they are current.
#[derive(Clone, Copy, Debug)]
struct Held {
    began: Duration,
    current_until: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    times: Times,
    held: Option<Held>,
    flight: Option<Flight>,
    flights: u64,
    /// How many wait for the fetch under way.
    waiting: usize,
    /// No fetch for the sake of an unknown `kid` before then.
    cooled: Duration,
    failures: u32,
    /// No fetch at all before then.
    retry: Duration,
}

impl Schedule {
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            held: None,
            flight: None,
            flights: 0,
            waiting: 0,
            cooled: Duration::ZERO,
            failures: 0,
            retry: Duration::ZERO,
        }
    }

    pub(crate) fn next(&mut self, need: Need, now: Duration) -> Next {
        self.give_up_lost(now);
        let usable = self.is_usable(now);
        match self.flight {
            Some(flight) if self.is_awaited(need, usable) => {
                self.waiting += 1;
                Next::Wait(flight)
            }
            Some(_) if usable => Next::Use,
            Some(_) => Next::Unavailable {
                retry_in: BUSY_RETRY,
            },
            None if self.may_fetch(need, now) => Next::Fetch(self.take_off(now)),
            None if usable => Next::Use,
            None => Next::Unavailable {
                retry_in: self.retry_in(now),
            },
        }
    }

    /// What a forked process goes on with: nobody fetches in it, and nobody waits.
    pub(crate) fn in_child(&self) -> Self {
        Self {
            flight: None,
            // A turn of the parent must not be taken for one of the child.
            flights: self.flights.saturating_add(1 << 32),
            waiting: 0,
            ..*self
        }
    }

    /// Notes that one who waited for this fetch goes on.
    pub(crate) fn leave(&mut self, number: u64) {
        if self.is_flying(number) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }

    /// Notes that a fetch brought keys at `now`; `false` if those in hand are of a later fetch.
    pub(crate) fn land(
        &mut self,
        flight: Flight,
        max_age: Option<Duration>,
        now: Duration,
    ) -> bool {
        self.end(flight, now);
        if self.held.is_some_and(|held| held.began > flight.began) {
            return false;
        }
        self.failures = 0;
        self.retry = Duration::ZERO;
        self.held = Some(Held {
            began: flight.began,
            current_until: now.saturating_add(self.times.lifetime(max_age)),
        });
        true
    }

    /// Notes that a fetch failed at `now`.
    pub(crate) fn fail(&mut self, flight: Flight, now: Duration) {
        if self.end(flight, now) {
            self.failures = self.failures.saturating_add(1);
            self.retry = now.saturating_add(self.times.pause(self.failures));
        }
    }

    /// Until when nothing changes for those who have this need: they use what is there.
    pub(crate) fn settled_until(&self, need: Need) -> Duration {
        let Some(held) = self.held else {
            return Duration::ZERO;
        };
        let until = match (need, self.flight) {
            (Need::Current, Some(flight)) => held.current_until.max(flight.until),
            (Need::Current, None) => held.current_until.max(self.retry),
            (Need::Anew, _) | (Need::Unknown, Some(_)) => Duration::ZERO,
            (Need::Unknown, None) => self.cooled.min(held.current_until).max(self.retry),
        };
        until.min(self.usable_until(held))
    }

    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        self.held.is_some_and(|held| now < self.usable_until(held))
    }

    pub(crate) fn retry_in(&self, now: Duration) -> Duration {
        self.retry.saturating_sub(now)
    }

    /// So long nothing is fetched for the sake of an unknown `kid`.
    pub(crate) fn next_for_unknown(&self, now: Duration) -> Duration {
        let settled = self.settled_until(Need::Unknown);
        settled.max(self.retry).saturating_sub(now)
    }

    /// Whether the last fetch that came to an end failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether a fetch is under way.
    pub(crate) fn is_fetching(&self) -> bool {
        self.flight.is_some()
    }

    /// Whether this very fetch is under way.
    pub(crate) fn is_flying(&self, number: u64) -> bool {
        self.flight.is_some_and(|flight| flight.number == number)
    }

    fn is_current(&self, now: Duration) -> bool {
        self.held.is_some_and(|held| now < held.current_until)
    }

    fn usable_until(&self, held: Held) -> Duration {
        held.current_until.saturating_add(self.times.stale)
    }

    /// A slow issuer must not hold every thread of a server: for a key that may not exist, and for one that could not
    /// be fetched the last time, a few wait, and while the issuer is unwell nobody waits for a key that may not exist.
    fn is_awaited(&self, need: Need, usable: bool) -> bool {
        let has_room = self.waiting < MAX_WAITING;
        match need {
            Need::Anew => true,
            Need::Current | Need::Unknown if !usable => !self.is_failing() || has_room,
            Need::Current => false,
            Need::Unknown => !self.is_failing() && has_room,
        }
    }

    fn may_fetch(&self, need: Need, now: Duration) -> bool {
        let is_due = match need {
            Need::Anew => return true,
            Need::Current => !self.is_current(now),
            Need::Unknown => !self.is_current(now) || now >= self.cooled,
        };
        is_due && now >= self.retry
    }

    fn take_off(&mut self, now: Duration) -> Flight {
        self.flights += 1;
        self.waiting = 0;
        let flight = Flight {
            number: self.flights,
            began: now,
            until: now.saturating_add(self.times.patience),
        };
        self.flight = Some(flight);
        flight
    }

    /// The cooldown begins when a fetch ends, or a slow one would be followed by the next.
    fn end(&mut self, flight: Flight, now: Duration) -> bool {
        self.cooled = self.cooled.max(now.saturating_add(self.times.cooldown));
        let is_under_way = self.is_flying(flight.number);
        if is_under_way {
            self.flight = None;
        }
        is_under_way
    }

    /// Whoever fetched may be gone, with its thread, or on the other side of a fork.
    fn give_up_lost(&mut self, now: Duration) {
        if let Some(lost) = self.flight.filter(|flight| now >= flight.until) {
            self.fail(lost, lost.until);
        }
    }
}

/// So many threads wait for a fetch that may bring nothing.
const MAX_WAITING: usize = 2;

/// So long those are told to stay away for whom there is no room to wait.
const BUSY_RETRY: Duration = Duration::from_secs(1);
