//! The state machine of fetching: when to fetch, wait, and give up. It has neither keys nor a clock.
//!
//! All times are durations since a start that the caller chooses.

use std::time::Duration;

use crate::{Refresh, RefreshPolicy};

/// What a caller that needs keys must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Fetch the keys.
    Fetch(InFlight),
    /// There are no usable keys, and it is too early to fetch again.
    Unavailable { retry_in: Duration },
    /// Use the current keys.
    Use,
    /// Wait for another caller's fetch.
    Wait(InFlight),
}

/// A fetch in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) number: u64,
    pub(crate) started_at: Duration,
    /// When it is considered lost.
    pub(crate) deadline: Duration,
}

/// The fetch that the current keys are from.
#[derive(Clone, Copy, Debug)]
struct LastSuccess {
    started_at: Duration,
    fresh_until: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    policy: RefreshPolicy,
    last_success: Option<LastSuccess>,
    in_flight: Option<InFlight>,
    fetches: u64,
    /// The number of callers that wait for the fetch in progress.
    waiting: usize,
    /// There is no fetch for an unknown `kid` before this time.
    cooldown_until: Duration,
    failures: u32,
    /// There is no fetch before this time, because of failures.
    retry_at: Duration,
}

impl Schedule {
    pub(crate) fn new(policy: RefreshPolicy) -> Self {
        Self {
            policy,
            last_success: None,
            in_flight: None,
            fetches: 0,
            waiting: 0,
            cooldown_until: Duration::ZERO,
            failures: 0,
            retry_at: Duration::ZERO,
        }
    }

    /// Returns the next action of a caller, and records it.
    pub(crate) fn next_action(&mut self, refresh: Refresh, now: Duration) -> Action {
        self.give_up_lost_fetch(now);
        let usable = self.is_usable(now);
        match self.in_flight {
            Some(in_flight) if self.should_wait(refresh, usable) => {
                self.waiting += 1;
                Action::Wait(in_flight)
            }
            Some(_) if usable => Action::Use,
            Some(_) => Action::Unavailable {
                retry_in: BUSY_RETRY,
            },
            None if self.may_fetch(refresh, now) => Action::Fetch(self.begin(now)),
            None if usable => Action::Use,
            None => Action::Unavailable {
                retry_in: self.retry_in(now),
            },
        }
    }

    /// Returns the state for a forked process, in which no caller fetches or waits.
    pub(crate) fn in_child(&self) -> Self {
        Self {
            in_flight: None,
            // The child must not confuse a fetch of the parent with its own.
            fetches: self.fetches.saturating_add(1 << 32),
            waiting: 0,
            ..*self
        }
    }

    /// Records that a caller no longer waits for this fetch.
    pub(crate) fn remove_waiter(&mut self, number: u64) {
        if self.is_in_flight(number) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }

    /// Records that a fetch succeeded at `now`. Returns `false` if the current keys are from a later fetch.
    pub(crate) fn complete(
        &mut self,
        in_flight: InFlight,
        max_age: Option<Duration>,
        now: Duration,
    ) -> bool {
        self.end(in_flight, now);
        if self
            .last_success
            .is_some_and(|last| last.started_at > in_flight.started_at)
        {
            return false;
        }
        self.failures = 0;
        self.retry_at = Duration::ZERO;
        self.last_success = Some(LastSuccess {
            started_at: in_flight.started_at,
            fresh_until: now.saturating_add(self.policy.freshness_lifetime(max_age)),
        });
        true
    }

    /// Records that a fetch failed at `now`.
    pub(crate) fn fail(&mut self, in_flight: InFlight, now: Duration) {
        if self.end(in_flight, now) {
            self.failures = self.failures.saturating_add(1);
            self.retry_at = now.saturating_add(self.policy.delay(self.failures));
        }
    }

    /// Returns until when callers use the current keys without a further check.
    pub(crate) fn up_to_date_until(&self, refresh: Refresh) -> Duration {
        let Some(last) = self.last_success else {
            return Duration::ZERO;
        };
        let until = match (refresh, self.in_flight) {
            (Refresh::IfStale, Some(in_flight)) => last.fresh_until.max(in_flight.deadline),
            (Refresh::IfStale, None) => last.fresh_until.max(self.retry_at),
            (Refresh::Force, _) | (Refresh::UnknownKid, Some(_)) => Duration::ZERO,
            (Refresh::UnknownKid, None) => {
                self.cooldown_until.min(last.fresh_until).max(self.retry_at)
            }
        };
        until.min(self.usable_until(last))
    }

    /// Returns whether the current keys may be used, fresh or stale.
    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        self.last_success
            .is_some_and(|last| now < self.usable_until(last))
    }

    /// Returns the time until the next fetch after failures.
    pub(crate) fn retry_in(&self, now: Duration) -> Duration {
        self.retry_at.saturating_sub(now)
    }

    /// Returns the time until the next fetch for an unknown `kid`.
    pub(crate) fn retry_in_for_unknown_kid(&self, now: Duration) -> Duration {
        let up_to_date_until = self.up_to_date_until(Refresh::UnknownKid);
        up_to_date_until.max(self.retry_at).saturating_sub(now)
    }

    /// Returns the time until keys are fetched because they are stale.
    pub(crate) fn next_refresh_in(&self, now: Duration) -> Duration {
        let fresh_until = self.last_success.map(|last| last.fresh_until);
        let next = match self.in_flight {
            Some(in_flight) => in_flight.deadline,
            None => fresh_until.unwrap_or_default().max(self.retry_at),
        };
        next.saturating_sub(now)
    }

    /// Returns the fetch in progress if it has reached its deadline.
    pub(crate) fn lost_fetch(&self, now: Duration) -> Option<InFlight> {
        self.in_flight.filter(|in_flight| now >= in_flight.deadline)
    }

    /// Returns whether the last completed fetch failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Returns whether a fetch is in progress.
    pub(crate) fn is_fetching(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Returns whether the fetch with this number is in progress.
    pub(crate) fn is_in_flight(&self, number: u64) -> bool {
        self.in_flight
            .is_some_and(|in_flight| in_flight.number == number)
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.last_success.is_some_and(|last| now < last.fresh_until)
    }

    fn usable_until(&self, last: LastSuccess) -> Duration {
        last.fresh_until.saturating_add(self.policy.stale)
    }

    /// Returns whether the caller should wait for the fetch in progress.
    ///
    /// A slow issuer must not block every thread of a server. Therefore, only a few callers wait for an unknown `kid`
    /// or after a failed fetch, and none for an unknown `kid` after a failed fetch.
    fn should_wait(&self, refresh: Refresh, usable: bool) -> bool {
        let has_room = self.waiting < MAX_WAITING;
        match refresh {
            Refresh::Force => true,
            Refresh::IfStale | Refresh::UnknownKid if !usable => !self.is_failing() || has_room,
            Refresh::IfStale => false,
            Refresh::UnknownKid => !self.is_failing() && has_room,
        }
    }

    fn may_fetch(&self, refresh: Refresh, now: Duration) -> bool {
        let is_due = match refresh {
            Refresh::Force => return true,
            Refresh::IfStale => !self.is_fresh(now),
            Refresh::UnknownKid => !self.is_fresh(now) || now >= self.cooldown_until,
        };
        is_due && now >= self.retry_at
    }

    fn begin(&mut self, now: Duration) -> InFlight {
        self.fetches += 1;
        self.waiting = 0;
        let in_flight = InFlight {
            number: self.fetches,
            started_at: now,
            deadline: now.saturating_add(self.policy.lock_timeout),
        };
        self.in_flight = Some(in_flight);
        in_flight
    }

    /// Records that a fetch ended. The cooldown starts now, since otherwise slow fetches would follow each other.
    fn end(&mut self, in_flight: InFlight, now: Duration) -> bool {
        self.cooldown_until = self
            .cooldown_until
            .max(now.saturating_add(self.policy.cooldown));
        let is_in_progress = self.is_in_flight(in_flight.number);
        if is_in_progress {
            self.in_flight = None;
        }
        is_in_progress
    }

    /// Gives up a fetch after its deadline. Its thread may no longer exist, for example after a fork.
    fn give_up_lost_fetch(&mut self, now: Duration) {
        if let Some(lost) = self.lost_fetch(now) {
            self.fail(lost, lost.deadline);
        }
    }
}

/// The maximum number of threads that wait for a fetch that may not bring the key.
const MAX_WAITING: usize = 2;

/// When callers should retry that neither have keys nor can wait.
const BUSY_RETRY: Duration = Duration::from_secs(1);
