//! The tests for asynchronous stores.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use boltguard_types::NumericDate;

use super::{Clock, check_store};
use crate::{
    AsyncRevocationStore, RevocationError, RevocationLevel, RevocationQuery, RevocationStore,
    Watermark,
};

/// Runs all tests of [`check_store`] with asynchronous stores, which must be empty and independent of each other.
///
/// Each future runs to completion on the thread of a test. A store that needs a runtime, such as for its connections,
/// must have started it.
///
/// # Panics
///
/// If the store violates the contract of [`AsyncRevocationStore`].
pub fn check_async_store<S: AsyncRevocationStore>(new_store: impl Fn() -> S, clock: &impl Clock) {
    check_store(|| Blocking(new_store()), clock);
}

/// An asynchronous store, of which each call waits.
struct Blocking<S>(S);

impl<S: AsyncRevocationStore> RevocationStore for Blocking<S> {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        block_on(self.0.is_revoked(token_id, now))
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        block_on(self.0.revoke(token_id, until, now))
    }

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        block_on(self.0.check(query, now))
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        block_on(self.0.revoke_level(level, watermark, now))
    }

    fn bind_leeway(&self, leeway: Duration) {
        self.0.bind_leeway(leeway);
    }
}

/// Wakes a thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
