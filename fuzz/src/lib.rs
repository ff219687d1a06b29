//! Fuzz targets: functions of bytes that panic if an invariant is violated.
//!
//! The binaries in `fuzz_targets/` only call these functions. The tests of `crates/boltguard-testing` call them as
//! well, with the inputs in `seeds/` and with those in `crashes/` that caused a crash. The target [`peer`], which
//! depends on another implementation, is tested in this crate.

pub mod peer;
pub mod targets;
