//! Tests of the crate from outside.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod environment;
mod es256k;
mod files;
mod jwk;
mod key_set;
mod mixed_up;
mod rfc;
mod rotation;
mod round_trips;
mod wycheproof_key_sets;
mod wycheproof_vectors;
