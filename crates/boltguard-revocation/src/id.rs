//! Keyed digests of token IDs and other strings.

use std::array;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};

/// The keyed digest of a token ID, of 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id([u8; 16]);

impl Id {
    /// Returns the half that selects the partition. The other half is the hash within it.
    #[inline]
    pub(crate) fn high(self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Returns the ID of a pair.
    pub(crate) fn combined_with(self, other: Self) -> Self {
        Self::new([self.low() ^ other.low(), self.high() ^ other.high()])
    }

    #[inline]
    fn low(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    #[inline]
    fn new(halves: [u64; 2]) -> Self {
        let both = u128::from(halves[1]) << 64 | u128::from(halves[0]);
        Self(both.to_le_bytes())
    }
}

impl Hash for Id {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low());
    }
}

/// A hasher that returns the given hash unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The random keys of one store for its digests.
///
/// Strings of up to 64 bytes are hashed with two independent multilinear hashes (Lemire and Kaser, *Strongly universal
/// string hashing is fast*, 2014): the upper half of the sum of each 64-bit word multiplied by a random 128-bit number.
/// Two strings that were chosen without knowledge of the keys have the same digest with probability 2^-128. Longer
/// strings are hashed with two instances of SipHash.
///
/// A collision rejects a valid token; it never accepts a revoked one. Digests are never disclosed, so an attacker can't
/// search for collisions.
pub(crate) struct IdKey {
    words: [[u128; 2]; WORDS],
    last: [u128; 2],
    length: [u128; 2],
    offset: [u128; 2],
    long: [RandomState; 2],
}

/// A UUID has 36 bytes, 32 random bytes in base64url have 43, and a hexadecimal SHA-256 digest has 64.
const WORDS: usize = 8;

impl IdKey {
    pub(crate) fn random() -> Self {
        Self {
            words: array::from_fn(|_| random_pair()),
            last: random_pair(),
            length: random_pair(),
            offset: random_pair(),
            long: [RandomState::new(), RandomState::new()],
        }
    }

    #[inline]
    pub(crate) fn id(&self, token_id: &str) -> Id {
        let (words, _) = token_id.as_bytes().as_chunks::<8>();
        if words.len() > WORDS || token_id.len() > 8 * WORDS {
            return self.long_id(token_id);
        }
        let mut sums = self.offset;
        for (keys, word) in self.words.iter().zip(words) {
            add(&mut sums, keys, u64::from_le_bytes(*word));
        }
        add(&mut sums, &self.last, last_word(token_id.as_bytes()));
        add(&mut sums, &self.length, token_id.len() as u64);
        Id::new(sums.map(|sum| (sum >> 64) as u64))
    }

    #[cold]
    fn long_id(&self, token_id: &str) -> Id {
        Id::new([
            self.long[0].hash_one(token_id),
            self.long[1].hash_one(token_id),
        ])
    }
}

#[inline]
fn add(sums: &mut [u128; 2], keys: &[u128; 2], word: u64) {
    for (sum, key) in sums.iter_mut().zip(keys) {
        *sum = sum.wrapping_add(key.wrapping_mul(word.into()));
    }
}

/// Returns the last eight bytes, which can overlap with the preceding word, or all bytes of a shorter string.
#[inline]
fn last_word(bytes: &[u8]) -> u64 {
    match bytes.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

fn random_pair() -> [u128; 2] {
    array::from_fn(|_| {
        let random = RandomState::new();
        u128::from(random.hash_one(0)) << 64 | u128::from(random.hash_one(1))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn similar_strings_have_different_ids() {
        let key = IdKey::random();
        let mut seen = HashSet::new();
        for length in 0..80 {
            let text = "a".repeat(length);
            assert!(seen.insert(key.id(&text).0), "{length}");
            for position in 0..length {
                for other in ["b", "\0"] {
                    let mut text = text.clone();
                    text.replace_range(position..=position, other);
                    assert!(seen.insert(key.id(&text).0), "{length} {position}");
                }
            }
        }
    }

    #[test]
    fn digests_depend_on_the_key() {
        for text in ["", "a", &"a".repeat(100)] {
            assert_ne!(IdKey::random().id(text), IdKey::random().id(text));
        }
    }

    #[test]
    fn every_bit_of_an_id_varies() {
        let key = IdKey::random();
        let (mut ones, mut zeros) = (0, 0);
        // With consecutive numbers, a bit could be constant for some keys.
        for n in 1..=200_u64 {
            let text = format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let bits = u128::from_le_bytes(key.id(&text).0);
            ones |= bits;
            zeros |= !bits;
        }
        assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
    }

    proptest! {
        #[test]
        fn ids_are_equal_only_for_equal_strings(a in "[ab\0]{0,70}", b in "[ab\0]{0,70}") {
            let key = IdKey::random();
            prop_assert_eq!(key.id(&a) == key.id(&b), a == b);
        }
    }
}
