//! The fuzz target `refresh_token`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("refresh_token", data));
