//! The fuzz target `jwks_answer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("jwks_answer", data));
