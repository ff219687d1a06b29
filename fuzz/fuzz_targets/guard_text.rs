//! The fuzz target `guard_text`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("guard_text", data));
