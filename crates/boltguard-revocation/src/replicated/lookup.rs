//! Lookups in the truth, with a deadline.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use boltguard_types::NumericDate;

use super::clock::monotonic;
use crate::{RevocationError, RevocationQuery, RevocationTruth};

/// Threads that look up tokens in the truth. They end when this is dropped.
pub(super) struct LookupThreads {
    lookups: SyncSender<Lookup>,
}

struct Lookup {
    query: RevocationQuery<'static>,
    now: NumericDate,
    /// The monotonic time after which no caller waits for the result.
    deadline: Duration,
    result: SyncSender<Result<bool, RevocationError>>,
}

impl LookupThreads {
    pub(super) fn start(truth: &Arc<dyn RevocationTruth>) -> io::Result<Self> {
        let (lookups, received) = sync_channel(MAX_PENDING);
        let received = Arc::new(Mutex::new(received));
        for _ in 0..THREADS {
            let (truth, received) = (Arc::clone(truth), Arc::clone(&received));
            let thread = thread::Builder::new().name("boltguard-lookup".to_owned());
            thread.spawn(move || look_up(&*truth, &received))?;
        }
        Ok(Self { lookups })
    }

    /// Returns whether a token is revoked, or an error after the deadline.
    pub(super) fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let (result, response) = sync_channel(1);
        let lookup = Lookup {
            query: query.clone().into_owned(),
            now,
            deadline: monotonic() + DEADLINE,
            result,
        };
        let is_sent = self.lookups.try_send(lookup).is_ok();
        match response.recv_timeout(DEADLINE) {
            Ok(result) if is_sent => result,
            _ => Err(RevocationError::Unavailable),
        }
    }
}

fn look_up(truth: &dyn RevocationTruth, lookups: &Mutex<Receiver<Lookup>>) {
    let next = || {
        lookups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
    };
    while let Ok(lookup) = next() {
        if monotonic() < lookup.deadline {
            let check = || truth.check(&lookup.query, lookup.now);
            let result = catch_unwind(AssertUnwindSafe(check));
            // The caller may not wait any more.
            let _ = lookup
                .result
                .send(result.unwrap_or(Err(RevocationError::Unavailable)));
        }
    }
}

/// The longest time that a request waits for a lookup.
const DEADLINE: Duration = Duration::from_millis(250);

/// The maximum number of lookups that wait for a thread.
const MAX_PENDING: usize = 64;

const THREADS: usize = 4;
