//! The fuzz target `der`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("der", data));
