//! Step counters, with which tests check how the cost of an algorithm grows with its input.
//!
//! Counting requires the feature `count-work`.

#[cfg(any(test, feature = "count-work"))]
mod counted {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    /// Counts one step: a comparison, a lookup, or a bit that is set.
    #[inline]
    pub fn step() {
        STEPS.set(STEPS.get() + 1);
    }

    /// Runs `work` and returns the number of steps that this thread counted, with the result.
    pub fn steps<T>(work: impl FnOnce() -> T) -> (u64, T) {
        let before = STEPS.get();
        let result = work();
        (STEPS.get() - before, result)
    }
}

#[cfg(any(test, feature = "count-work"))]
pub use counted::{step, steps};

/// Does nothing without the feature `count-work`.
#[cfg(not(any(test, feature = "count-work")))]
#[inline(always)]
pub fn step() {}
