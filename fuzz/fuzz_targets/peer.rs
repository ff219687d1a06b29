//! The fuzz target `peer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::peer::run(data));
