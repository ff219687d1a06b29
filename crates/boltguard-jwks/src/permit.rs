//! The permit of the caller that fetches, and the waits of the others.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use boltguard_keys::{KeyError, KeySet, SkippedKey};

use crate::schedule::InFlight;
use crate::{FetchError, Limits, RemoteKeySet, Response, Unavailable, report};

/// The permission to fetch, which only one caller has at a time.
///
/// If it is dropped without a call of [`finish`](Self::finish), the fetch has failed.
#[derive(Debug)]
#[must_use = "other callers wait for the result of the fetch"]
pub struct FetchPermit {
    remote: Arc<RemoteKeySet>,
    in_flight: InFlight,
    is_finished: bool,
}

impl FetchPermit {
    pub(crate) fn new(remote: Arc<RemoteKeySet>, in_flight: InFlight) -> Self {
        Self {
            remote,
            in_flight,
            is_finished: false,
        }
    }

    /// Returns the limits for the response.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.remote.limits()
    }

    /// Parses the response and replaces the keys with those in it.
    ///
    /// If the fetch failed or the response has no usable keys, the previous keys remain in use.
    pub fn finish(mut self, response: Result<Response, FetchError>, now: Instant) -> Fetched {
        let now = self.remote.since_start(now);
        let parsed = response.and_then(|response| {
            let keys = response.parse(self.remote.algorithms(), self.remote.limits())?;
            Ok((keys, response.max_age()))
        });
        let skipped: Arc<[SkippedKey]> = match &parsed {
            Ok((keys, _)) => keys.skipped().into(),
            Err(_) => Arc::default(),
        };
        self.remote.set_skipped(&skipped);
        self.is_finished = true;
        let problem = match parsed {
            Ok((keys, max_age)) if !keys.is_empty() => {
                let keys = self.remote.complete(self.in_flight, keys, max_age, now);
                report::count(None);
                return Fetched {
                    problem: None,
                    skipped,
                    keys,
                };
            }
            Ok(_) => FetchError::Keys(KeyError::NoUsableKey),
            Err(problem) => problem,
        };
        report::count(Some(problem));
        Fetched {
            problem: Some(problem),
            skipped,
            keys: self.remote.fail(self.in_flight, problem, now),
        }
    }
}

/// The result of a fetch.
#[derive(Clone, Debug)]
pub struct Fetched {
    problem: Option<FetchError>,
    skipped: Arc<[SkippedKey]>,
    keys: Result<Arc<KeySet>, Unavailable>,
}

impl Fetched {
    /// Returns why the fetch brought no new keys.
    #[must_use]
    pub fn problem(&self) -> Option<FetchError> {
        self.problem
    }

    /// Returns the keys in the response that were skipped, with the reasons, also if no usable key remains.
    ///
    /// The caller should log them.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Returns the problem as a message, with the reason for each skipped key if the set has no usable key.
    #[must_use]
    pub fn explain(&self) -> Option<String> {
        let problem = self.problem?;
        let mut text = problem.to_string();
        for (number, skipped) in self.skipped.iter().enumerate() {
            let mark = if number == 0 { ':' } else { ';' };
            if number == MAX_EXPLAINED {
                let more = self.skipped.len() - number;
                text.push_str(&format!("{mark} and {more} more"));
                break;
            }
            text.push_str(&format!("{mark} {skipped}"));
        }
        Some(text)
    }

    /// Returns the usable keys, which are the new or the previous ones.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are no usable keys.
    pub fn keys(self) -> Result<Arc<KeySet>, Unavailable> {
        self.keys
    }
}

impl Drop for FetchPermit {
    fn drop(&mut self) {
        if !self.is_finished {
            let started_at = self.in_flight.started_at;
            report::count(Some(FetchError::Lost));
            let _ = self
                .remote
                .fail(self.in_flight, FetchError::Lost, started_at);
        }
    }
}

/// A fetch by another caller that this one can wait for: [`wait`](Self::wait) blocks the thread, `.await` doesn't.
///
/// The future ends when the fetch has ended or was given up. It has no timeout, since it doesn't use a timer.
#[derive(Debug)]
pub struct FetchWait {
    remote: Arc<RemoteKeySet>,
    number: u64,
    timeout: Duration,
    /// The number of the waiting task, once the future was polled.
    task: Option<u64>,
}

impl FetchWait {
    pub(crate) fn new(remote: Arc<RemoteKeySet>, in_flight: InFlight, now: Duration) -> Self {
        Self {
            remote,
            number: in_flight.number,
            timeout: in_flight.deadline.saturating_sub(now),
            task: None,
        }
    }

    /// Blocks the thread until the fetch ends or [`timeout`](Self::timeout) has passed.
    pub fn wait(self) {
        self.remote.wait_for(self.number, self.timeout);
    }

    /// Returns the longest time that [`wait`](Self::wait) blocks.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl Future for FetchWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self {
            remote,
            number,
            task,
            ..
        } = &mut *self;
        remote.poll_ended(*number, task, context)
    }
}

impl Drop for FetchWait {
    fn drop(&mut self) {
        self.remote.stop_waiting(self.number, self.task);
    }
}

/// The largest number of reasons in one message.
const MAX_EXPLAINED: usize = 10;
