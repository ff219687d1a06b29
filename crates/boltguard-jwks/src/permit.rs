//! One fetches, and the others wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use boltguard_keys::{KeyError, KeySet, SkippedKey};

use crate::schedule::InFlight;
use crate::{FetchError, Limits, RemoteKeySet, Response, Unavailable};

/// The right to fetch. Whoever drops it has failed.
#[derive(Debug)]
#[must_use = "others wait for what comes of it"]
pub struct FetchPermit {
    remote: Arc<RemoteKeySet>,
    in_flight: InFlight,
    is_over: bool,
}

impl FetchPermit {
    pub(crate) fn new(remote: Arc<RemoteKeySet>, in_flight: InFlight) -> Self {
        Self {
            remote,
            in_flight,
            is_over: false,
        }
    }

    /// How much of an answer need be read.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.remote.limits()
    }

    /// Trusts the keys of an answer from now on and everywhere. Where there is none, or it is no set, the keys from
    /// before stay.
    pub fn finish(mut self, answer: Result<Response, FetchError>, now: Instant) -> Fetched {
        let now = self.remote.since_start(now);
        let read = answer.and_then(|response| {
            let keys = response.parse(self.remote.algorithms(), self.remote.limits())?;
            Ok((keys, response.max_age()))
        });
        let skipped: Arc<[SkippedKey]> = match &read {
            Ok((keys, _)) => keys.skipped().into(),
            Err(_) => Arc::default(),
        };
        self.remote.note_skipped(&skipped);
        self.is_over = true;
        let problem = match read {
            Ok((keys, max_age)) if !keys.is_empty() => {
                let keys = self.remote.complete(self.in_flight, keys, max_age, now);
                return Fetched {
                    problem: None,
                    skipped,
                    keys,
                };
            }
            Ok(_) => FetchError::Keys(KeyError::NoUsableKey),
            Err(problem) => problem,
        };
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
    /// Why there are no new keys.
    #[must_use]
    pub fn problem(&self) -> Option<FetchError> {
        self.problem
    }

    /// The keys of the response that are skipped, each with the reason, for the caller to log. They are listed too
    /// where no other is left.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The problem as a sentence, with the reason for each key of a set that has no usable one.
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

    /// The keys to go on with, new or from before.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if there are none.
    pub fn keys(self) -> Result<Arc<KeySet>, Unavailable> {
        self.keys
    }
}

impl Drop for FetchPermit {
    fn drop(&mut self) {
        if !self.is_over {
            let began = self.in_flight.began;
            let _ = self.remote.fail(self.in_flight, FetchError::Lost, began);
        }
    }
}

/// A fetch by another one.
#[derive(Debug)]
pub struct FetchWait {
    remote: Arc<RemoteKeySet>,
    number: u64,
    at_most: Duration,
}

impl FetchWait {
    pub(crate) fn new(remote: Arc<RemoteKeySet>, in_flight: InFlight, now: Duration) -> Self {
        Self {
            remote,
            number: in_flight.number,
            at_most: in_flight.until.saturating_sub(now),
        }
    }

    /// Blocks this thread until the fetch is over, or is given up.
    pub fn wait(self) {
        self.remote.wait_for(self.number, self.at_most);
    }

    /// So long it will be at most.
    #[must_use]
    pub fn at_most(&self) -> Duration {
        self.at_most
    }
}

impl Drop for FetchWait {
    fn drop(&mut self) {
        self.remote.leave(self.number);
    }
}

/// So many reasons are in one sentence.
const MAX_EXPLAINED: usize = 10;
