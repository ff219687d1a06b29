//! The fuzz target `base64url`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("base64url", data));
