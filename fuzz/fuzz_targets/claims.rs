//! The fuzz target `claims`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("claims", data));
