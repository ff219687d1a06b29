//! The state that the callers of a remote key set share, and those that wait for a fetch.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use boltguard_keys::SkippedKey;

use crate::schedule::Schedule;
use crate::{FetchError, RefreshPolicy};

/// The state, and who is woken up when a fetch ends.
pub(crate) struct Shared {
    state: Mutex<State>,
    fetch_ended: Condvar,
    tasks: WaitingTasks,
}

#[derive(Clone)]
pub(crate) struct State {
    pub(crate) schedule: Schedule,
    pub(crate) cause: Option<FetchError>,
    pub(crate) skipped: Arc<[SkippedKey]>,
}

impl State {
    pub(crate) fn new(policy: RefreshPolicy) -> Self {
        Self {
            schedule: Schedule::new(policy),
            cause: None,
            skipped: Arc::default(),
        }
    }
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            fetch_ended: Condvar::new(),
            tasks: WaitingTasks::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the state for a forked process. If another thread was changing it during the fork, it starts anew.
    pub(crate) fn in_child(&self, policy: RefreshPolicy) -> State {
        let state = match self.state.try_lock() {
            Ok(state) => state.clone(),
            Err(TryLockError::Poisoned(state)) => state.into_inner().clone(),
            Err(TryLockError::WouldBlock) => State::new(policy),
        };
        State {
            schedule: state.schedule.in_child(),
            ..state
        }
    }

    /// Blocks until this fetch ends or the timeout has passed.
    pub(crate) fn wait_for(&self, number: u64, timeout: Duration) {
        let is_running = |state: &mut State| state.schedule.is_in_flight(number);
        // If the lock is poisoned, there is nothing to wait for.
        let _ = self
            .fetch_ended
            .wait_timeout_while(self.lock(), timeout, is_running);
    }

    /// Returns whether this fetch has ended. If not, the task is woken up at its end.
    pub(crate) fn poll_ended(
        &self,
        number: u64,
        task: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<()> {
        // The fetch can't end between the check and the registration, since both hold the lock.
        let state = self.lock();
        if !state.schedule.is_in_flight(number) {
            return Poll::Ready(());
        }
        self.tasks.register(task, context);
        Poll::Pending
    }

    /// Removes a task that no longer waits.
    pub(crate) fn remove_task(&self, task: u64) {
        self.tasks.remove(task);
    }

    /// Wakes up everyone who waits. The caller must not hold the lock, because a waker can run any code.
    pub(crate) fn wake_all(&self) {
        self.fetch_ended.notify_all();
        self.tasks.wake_all();
    }
}

/// Tasks that wait for something.
#[derive(Default)]
pub(crate) struct WaitingTasks(Mutex<Tasks>);

#[derive(Default)]
struct Tasks {
    last: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl WaitingTasks {
    /// Registers a task until it is woken up or removed, and stores its number in `task`.
    pub(crate) fn register(&self, task: &mut Option<u64>, context: &Context<'_>) {
        let mut tasks = self.lock();
        let number = *task.get_or_insert_with(|| {
            tasks.last += 1;
            tasks.last
        });
        let replaced = tasks.wakers.insert(number, context.waker().clone());
        drop(tasks);
        drop(replaced);
    }

    pub(crate) fn remove(&self, task: u64) {
        let removed = self.lock().wakers.remove(&task);
        drop(removed);
    }

    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.lock().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
