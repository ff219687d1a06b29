//! The fuzz target `revocation_row`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltguard_fuzz::targets::run("revocation_row", data));
