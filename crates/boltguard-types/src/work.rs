//! Counts steps, so that tests can hold how work grows with what is given. Nothing is counted otherwise.

#[cfg(any(test, feature = "count-work"))]
mod counted {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    /// Counts one comparison, look-up or mark.
    #[inline]
    pub fn step() {
        STEPS.set(STEPS.get() + 1);
    }

    /// How many steps this thread takes for `work`.
    pub fn steps<T>(work: impl FnOnce() -> T) -> (u64, T) {
        let before = STEPS.get();
        let done = work();
        (STEPS.get() - before, done)
    }
}

#[cfg(any(test, feature = "count-work"))]
pub use counted::{step, steps};

/// Counts nothing.
#[cfg(not(any(test, feature = "count-work")))]
#[inline(always)]
pub fn step() {}
