//! An edge that only refreshes a snapshot of stored API keys.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use boltguard_apikey::{MemoryKeyStore, StoredKey};

use crate::need::ApiKeyRefresh;
use crate::{AsyncEdge, Freshness, Now, PossibleNeed, Refreshed};

/// An [`AsyncEdge`] that reads stored API keys into memory, and provides nothing else. Clones share everything.
///
/// It belongs to one backend with a [snapshot](crate::ApiKeyBackend::with_snapshot), which has the same store and
/// [`Freshness`]: [`ApiKeyTable`](crate::ApiKeyTable) creates both. One request reads the keys at a time, and the
/// others wait for the result. If the request is cancelled, one of the others reads them.
///
/// [`Services`](crate::Services) combines it with other edges.
pub struct ApiKeyEdge<C, L> {
    shared: Arc<Shared<C, L>>,
}

struct Shared<C, L> {
    store: Arc<MemoryKeyStore>,
    freshness: Arc<Freshness>,
    clock: C,
    read: L,
    turns: Turns,
}

impl<C, L> ApiKeyEdge<C, L> {
    /// Creates an edge that calls `read` for all keys of the `store` when they aren't current.
    ///
    /// `read` must have a timeout.
    #[must_use]
    pub fn new(store: Arc<MemoryKeyStore>, freshness: Arc<Freshness>, clock: C, read: L) -> Self {
        let shared = Shared {
            store,
            freshness,
            clock,
            read,
            turns: Turns::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl<C, L, N, T, K, E> AsyncEdge for ApiKeyEdge<C, L>
where
    C: Fn() -> N + Send + Sync,
    N: Into<Now>,
    L: Fn() -> T + Send + Sync,
    T: Future<Output = Result<K, E>> + Send,
    K: IntoIterator<Item = StoredKey>,
{
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        match need {
            PossibleNeed::RefreshApiKeys { freshness, .. } => {
                Arc::ptr_eq(freshness, &self.shared.freshness)
            }
            _ => false,
        }
    }

    async fn refresh_api_keys(&mut self, _: &ApiKeyRefresh) -> Refreshed {
        let shared = &*self.shared;
        let before = shared.turns.failed_reads();
        let turn = shared.turns.next().await;
        let began = (shared.clock)().into().instant();
        if shared.freshness.is_current(began) {
            return Refreshed::Done;
        }
        // Another request has tried in the meantime. Requests that fail one after another would wait too long.
        if shared.turns.failed_reads() != before {
            return Refreshed::Unavailable;
        }
        let snapshot = shared.freshness.begin_read(began);
        match (shared.read)().await {
            Ok(keys) => {
                shared.store.replace(keys);
                shared.freshness.finish_read(&snapshot);
                Refreshed::Done
            }
            Err(_) => {
                turn.fail();
                Refreshed::Unavailable
            }
        }
    }
}

impl<C, L> Clone for ApiKeyEdge<C, L> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C, L> fmt::Debug for ApiKeyEdge<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyEdge")
            .field("store", &self.shared.store)
            .finish_non_exhaustive()
    }
}

/// The turns of tasks that read, one at a time.
#[derive(Default)]
struct Turns(Mutex<TurnState>);

#[derive(Default)]
struct TurnState {
    is_taken: bool,
    failed_reads: u64,
    waiting: Vec<Waker>,
}

impl Turns {
    fn failed_reads(&self) -> u64 {
        self.lock().failed_reads
    }

    /// Waits until no other task has a turn.
    async fn next(&self) -> Turn<'_> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<Turn<'_>> {
        let mut state = self.lock();
        if state.is_taken {
            state.waiting.push(context.waker().clone());
            return Poll::Pending;
        }
        state.is_taken = true;
        Poll::Ready(Turn(self))
    }

    fn lock(&self) -> MutexGuard<'_, TurnState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of a task, which ends when it is dropped.
struct Turn<'t>(&'t Turns);

impl Turn<'_> {
    fn fail(&self) {
        self.0.lock().failed_reads += 1;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_taken = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}
