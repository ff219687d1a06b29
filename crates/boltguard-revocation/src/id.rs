//! Sixteen bytes for a token id of any length.

use std::array;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};

/// The keyed digest of a token id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id([u8; 16]);

impl Id {
    /// The half that chooses a partition; the other one chooses the place in it.
    #[inline]
    pub(crate) fn high(self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
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

/// Hands on a hash that was made before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadyHasher(u64);

impl Hasher for ReadyHasher {
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

/// The secret numbers from which one store makes its digests.
///
/// Texts of up to 56 bytes go through two multilinear hashes with keys of their own, as Lemire and Kaser
/// describe them (*Strongly universal string hashing is fast*, 2014): the sum of each 64-bit word of the
/// text times a random 128-bit number, of which the upper half counts. Two texts that were chosen without
/// knowledge of the keys share a digest with probability 2^-128. Longer texts go through SipHash twice.
///
/// Being equal by chance is all that must not happen: a collision refuses a genuine token, it never lets
/// a revoked one pass. Nothing here is shown to anybody, so nobody can look for one.
pub(crate) struct IdKey {
    words: [[u128; 2]; WORDS],
    last: [u128; 2],
    length: [u128; 2],
    offset: [u128; 2],
    long: [RandomState; 2],
}

/// A UUID's text has 36 bytes, 32 random bytes in base64url 43.
const WORDS: usize = 7;

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
    pub(crate) fn id(&self, text: &str) -> Id {
        let (words, _) = text.as_bytes().as_chunks::<8>();
        if words.len() > WORDS || text.len() > 8 * WORDS {
            return self.long_id(text);
        }
        let mut sums = self.offset;
        for (keys, word) in self.words.iter().zip(words) {
            add(&mut sums, keys, u64::from_le_bytes(*word));
        }
        add(&mut sums, &self.last, last_word(text.as_bytes()));
        add(&mut sums, &self.length, text.len() as u64);
        Id::new(sums.map(|sum| (sum >> 64) as u64))
    }

    #[cold]
    fn long_id(&self, text: &str) -> Id {
        Id::new([self.long[0].hash_one(text), self.long[1].hash_one(text)])
    }
}

#[inline]
fn add(sums: &mut [u128; 2], keys: &[u128; 2], word: u64) {
    for (sum, key) in sums.iter_mut().zip(keys) {
        *sum = sum.wrapping_add(key.wrapping_mul(word.into()));
    }
}

/// The last eight bytes, which may overlap the words before, or all of a shorter text.
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
    fn texts_that_differ_anywhere_have_ids_that_differ() {
        let key = IdKey::random();
        let mut seen = HashSet::new();
        for length in 0..80 {
            let text = "a".repeat(length);
            assert!(seen.insert(key.id(&text).0), "{length}");
            for place in 0..length {
                for other in ["b", "\0"] {
                    let mut text = text.clone();
                    text.replace_range(place..=place, other);
                    assert!(seen.insert(key.id(&text).0), "{length} {place}");
                }
            }
        }
    }

    #[test]
    fn two_stores_digest_differently() {
        for text in ["", "a", &"a".repeat(100)] {
            assert_ne!(IdKey::random().id(text), IdKey::random().id(text));
        }
    }

    #[test]
    fn every_bit_of_an_id_takes_both_values() {
        let key = IdKey::random();
        let (mut ones, mut zeros) = (0, 0);
        // Ids that differ in every byte: of ids that are numbers in sequence, a bit may stay the same for a rare key.
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
        fn equal_ids_come_from_equal_texts(a in "[ab\0]{0,70}", b in "[ab\0]{0,70}") {
            let key = IdKey::random();
            prop_assert_eq!(key.id(&a) == key.id(&b), a == b);
        }
    }
}
