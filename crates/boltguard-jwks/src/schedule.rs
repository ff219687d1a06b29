//! When to fetch, when to wait and when to give up: the clockwork, without keys and without a clock.
//!
//! All times are durations since one moment, which the caller chooses.

use std::time::Duration;

use crate::{Refresh, RefreshPolicy};

/// What becomes of one who needs keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Fetch now.
    Fetch(InFlight),
    /// There are no keys, and it is too early to fetch again.
    Unavailable { retry_in: Duration },
    /// What is there may be used.
    Use,
    /// Another one fetches, and until then there is nothing to go on with.
    Wait(InFlight),
}

/// A fetch under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) number: u64,
    pub(crate) began: Duration,
    /// From then on it counts as lost.
    pub(crate) until: Duration,
}

/// When the keys in hand were asked for, and until when they are current.
#[derive(Clone, Copy, Debug)]
struct LastFetch {
    began: Duration,
    current_until: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    policy: RefreshPolicy,
    last: Option<LastFetch>,
    in_flight: Option<InFlight>,
    fetches: u64,
    /// How many wait for the fetch under way.
    waiting: usize,
    /// No fetch for the sake of an unknown `kid` before then.
    cooldown_until: Duration,
    failures: u32,
    /// No fetch at all before then.
    retry: Duration,
}

impl Schedule {
    pub(crate) fn new(policy: RefreshPolicy) -> Self {
        Self {
            policy,
            last: None,
            in_flight: None,
            fetches: 0,
            waiting: 0,
            cooldown_until: Duration::ZERO,
            failures: 0,
            retry: Duration::ZERO,
        }
    }

    pub(crate) fn next(&mut self, need: Refresh, now: Duration) -> Next {
        self.give_up_lost(now);
        let usable = self.is_usable(now);
        match self.in_flight {
            Some(in_flight) if self.is_awaited(need, usable) => {
                self.waiting += 1;
                Next::Wait(in_flight)
            }
            Some(_) if usable => Next::Use,
            Some(_) => Next::Unavailable {
                retry_in: BUSY_RETRY,
            },
            None if self.may_fetch(need, now) => Next::Fetch(self.begin(now)),
            None if usable => Next::Use,
            None => Next::Unavailable {
                retry_in: self.retry_in(now),
            },
        }
    }

    /// What a forked process goes on with: nobody fetches in it, and nobody waits.
    pub(crate) fn in_child(&self) -> Self {
        Self {
            in_flight: None,
            // A permit of the parent must not be taken for one of the child.
            fetches: self.fetches.saturating_add(1 << 32),
            waiting: 0,
            ..*self
        }
    }

    /// Notes that one who waited for this fetch goes on.
    pub(crate) fn leave(&mut self, number: u64) {
        if self.is_in_flight(number) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }

    /// Notes that a fetch brought keys at `now`; `false` if those in hand are of a later fetch.
    pub(crate) fn complete(
        &mut self,
        in_flight: InFlight,
        max_age: Option<Duration>,
        now: Duration,
    ) -> bool {
        self.end(in_flight, now);
        if self.last.is_some_and(|last| last.began > in_flight.began) {
            return false;
        }
        self.failures = 0;
        self.retry = Duration::ZERO;
        self.last = Some(LastFetch {
            began: in_flight.began,
            current_until: now.saturating_add(self.policy.lifetime(max_age)),
        });
        true
    }

    /// Notes that a fetch failed at `now`.
    pub(crate) fn fail(&mut self, in_flight: InFlight, now: Duration) {
        if self.end(in_flight, now) {
            self.failures = self.failures.saturating_add(1);
            self.retry = now.saturating_add(self.policy.pause(self.failures));
        }
    }

    /// Until when nothing changes for those who have this need: they use what is there.
    pub(crate) fn settled_until(&self, need: Refresh) -> Duration {
        let Some(last) = self.last else {
            return Duration::ZERO;
        };
        let until = match (need, self.in_flight) {
            (Refresh::IfStale, Some(in_flight)) => last.current_until.max(in_flight.until),
            (Refresh::IfStale, None) => last.current_until.max(self.retry),
            (Refresh::Force, _) | (Refresh::UnknownKid, Some(_)) => Duration::ZERO,
            (Refresh::UnknownKid, None) => {
                self.cooldown_until.min(last.current_until).max(self.retry)
            }
        };
        until.min(self.usable_until(last))
    }

    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        self.last.is_some_and(|last| now < self.usable_until(last))
    }

    pub(crate) fn retry_in(&self, now: Duration) -> Duration {
        self.retry.saturating_sub(now)
    }

    /// So long nothing is fetched for the sake of an unknown `kid`.
    pub(crate) fn next_for_unknown(&self, now: Duration) -> Duration {
        let settled = self.settled_until(Refresh::UnknownKid);
        settled.max(self.retry).saturating_sub(now)
    }

    /// Whether the last fetch that came to an end failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether a fetch is under way.
    pub(crate) fn is_fetching(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Whether this very fetch is under way.
    pub(crate) fn is_in_flight(&self, number: u64) -> bool {
        self.in_flight
            .is_some_and(|in_flight| in_flight.number == number)
    }

    fn is_current(&self, now: Duration) -> bool {
        self.last.is_some_and(|last| now < last.current_until)
    }

    fn usable_until(&self, last: LastFetch) -> Duration {
        last.current_until.saturating_add(self.policy.stale)
    }

    /// A slow issuer must not hold every thread of a server: for a key that may not exist, and for one that could not
    /// be fetched the last time, a few wait, and while the issuer is unwell nobody waits for a key that may not exist.
    fn is_awaited(&self, need: Refresh, usable: bool) -> bool {
        let has_room = self.waiting < MAX_WAITING;
        match need {
            Refresh::Force => true,
            Refresh::IfStale | Refresh::UnknownKid if !usable => !self.is_failing() || has_room,
            Refresh::IfStale => false,
            Refresh::UnknownKid => !self.is_failing() && has_room,
        }
    }

    fn may_fetch(&self, need: Refresh, now: Duration) -> bool {
        let is_due = match need {
            Refresh::Force => return true,
            Refresh::IfStale => !self.is_current(now),
            Refresh::UnknownKid => !self.is_current(now) || now >= self.cooldown_until,
        };
        is_due && now >= self.retry
    }

    fn begin(&mut self, now: Duration) -> InFlight {
        self.fetches += 1;
        self.waiting = 0;
        let in_flight = InFlight {
            number: self.fetches,
            began: now,
            until: now.saturating_add(self.policy.lock_timeout),
        };
        self.in_flight = Some(in_flight);
        in_flight
    }

    /// The cooldown begins when a fetch ends, or a slow one would be followed by the next.
    fn end(&mut self, in_flight: InFlight, now: Duration) -> bool {
        self.cooldown_until = self
            .cooldown_until
            .max(now.saturating_add(self.policy.cooldown));
        let is_under_way = self.is_in_flight(in_flight.number);
        if is_under_way {
            self.in_flight = None;
        }
        is_under_way
    }

    /// Whoever fetched may be gone, with its thread, or on the other side of a fork.
    fn give_up_lost(&mut self, now: Duration) {
        if let Some(lost) = self.in_flight.filter(|in_flight| now >= in_flight.until) {
            self.fail(lost, lost.until);
        }
    }
}

/// So many threads wait for a fetch that may bring nothing.
const MAX_WAITING: usize = 2;

/// So long those are told to stay away for whom there is no room to wait.
const BUSY_RETRY: Duration = Duration::from_secs(1);
