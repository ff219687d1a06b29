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
pub(super) struct Asker {
    questions: SyncSender<Question>,
}

struct Question {
    query: RevocationQuery<'static>,
    now: NumericDate,
    /// The monotonic time after which no caller waits for the result.
    deadline: Duration,
    answer: SyncSender<Result<bool, RevocationError>>,
}

impl Asker {
    pub(super) fn start(truth: &Arc<dyn RevocationTruth>) -> io::Result<Self> {
        let (questions, received) = sync_channel(MAX_PENDING);
        let received = Arc::new(Mutex::new(received));
        for _ in 0..THREADS {
            let (truth, received) = (Arc::clone(truth), Arc::clone(&received));
            let thread = thread::Builder::new().name("boltguard-ask".to_owned());
            thread.spawn(move || answer(&*truth, &received))?;
        }
        Ok(Self { questions })
    }

    /// Returns whether a token is revoked, or an error after the deadline.
    pub(super) fn ask(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let (answer, answered) = sync_channel(1);
        let question = Question {
            query: query.clone().into_owned(),
            now,
            deadline: monotonic() + DEADLINE,
            answer,
        };
        let is_sent = self.questions.try_send(question).is_ok();
        match answered.recv_timeout(DEADLINE) {
            Ok(result) if is_sent => result,
            _ => Err(RevocationError::Unavailable),
        }
    }
}

fn answer(truth: &dyn RevocationTruth, questions: &Mutex<Receiver<Question>>) {
    let next = || {
        questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
    };
    while let Ok(question) = next() {
        if monotonic() < question.deadline {
            let check = || truth.check(&question.query, question.now);
            let result = catch_unwind(AssertUnwindSafe(check));
            // The caller may not wait any more.
            let _ = question
                .answer
                .send(result.unwrap_or(Err(RevocationError::Unavailable)));
        }
    }
}

/// The longest time that a request waits for a lookup.
const DEADLINE: Duration = Duration::from_millis(250);

/// The maximum number of lookups that wait for a thread.
const MAX_PENDING: usize = 64;

const THREADS: usize = 4;
