//! What the fuzzer runs. Each target is a function of bytes that panics where a promise is broken.
//!
//! `fuzz_targets/` holds nothing but calls of these functions, so that a test can make the same calls: inputs in
//! `seeds/` and inputs that once failed, in `crashes/`, are replayed by the tests of `crates/boltguard-testing`, and
//! the ones of [`peer`], which needs another implementation, by the test beside this.

pub mod peer;
pub mod targets;
