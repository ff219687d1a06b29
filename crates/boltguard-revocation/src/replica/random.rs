//! Random numbers and IDs.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::stream::StreamId;

/// A sequence of pseudorandom numbers (SplitMix64). They spread load, and must not be used as secrets.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(seed.unwrap_or_else(|| RandomState::new().hash_one(0)))
    }

    /// Returns a number from zero to one.
    pub(super) fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((mixed >> 32) as u32) / f64::from(u32::MAX)
    }
}

/// Returns a random ID of 128 bits.
pub(super) fn random_id() -> StreamId {
    let half = || RandomState::new().hash_one(0);
    StreamId::new(half(), half())
}
