//! One fetches, and the others wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use boltguard_keys::KeySet;

use crate::schedule::Flight;
use crate::{FetchError, Limits, RemoteKeySet, Response, Unavailable};

/// The right to fetch. Whoever drops it has failed.
#[derive(Debug)]
#[must_use = "others wait for what comes of it"]
pub struct Turn {
    remote: Arc<RemoteKeySet>,
    flight: Flight,
    is_over: bool,
}

impl Turn {
    pub(crate) fn new(remote: Arc<RemoteKeySet>, flight: Flight) -> Self {
        Self {
            remote,
            flight,
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
            let keys = response.keys(self.remote.algorithms(), self.remote.limits())?;
            Ok((keys, response.max_age()))
        });
        self.is_over = true;
        match read {
            Ok((keys, max_age)) => Fetched {
                problem: None,
                keys: self.remote.land(self.flight, keys, max_age, now),
            },
            Err(problem) => Fetched {
                problem: Some(problem),
                keys: self.remote.crash(self.flight, problem, now),
            },
        }
    }
}

/// What came of a turn.
#[derive(Clone, Debug)]
pub struct Fetched {
    problem: Option<FetchError>,
    keys: Result<Arc<KeySet>, Unavailable>,
}

impl Fetched {
    /// Why there are no new keys.
    #[must_use]
    pub fn problem(&self) -> Option<FetchError> {
        self.problem
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

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let began = self.flight.began;
            let _ = self.remote.crash(self.flight, FetchError::Lost, began);
        }
    }
}

/// A fetch by another one.
#[derive(Debug)]
pub struct Waiting {
    remote: Arc<RemoteKeySet>,
    number: u64,
    at_most: Duration,
}

impl Waiting {
    pub(crate) fn new(remote: Arc<RemoteKeySet>, flight: Flight, now: Duration) -> Self {
        Self {
            remote,
            number: flight.number,
            at_most: flight.until.saturating_sub(now),
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
