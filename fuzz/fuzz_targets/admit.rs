//! The fuzz target `admit`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("admit", data));
