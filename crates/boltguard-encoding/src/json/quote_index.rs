//! The positions of the quotes in a JSON text.
//!
//! A search for the next quote can't start before the search for the previous one has ended. Here, SIMD comparisons
//! find all quotes of a block of 64 bytes in advance, as the bits of one word, and the next quote is its lowest bit.

use wide::u8x16;

const CHUNK: usize = 16;
const BLOCK: usize = 64;

/// An iterator over the quotes in a JSON text. It doesn't contain the input, so it stays in two registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuoteIndex {
    /// The start of the current block.
    start: usize,
    /// A bit for each remaining quote of the block.
    bits: u64,
}

impl QuoteIndex {
    /// Creates an index before the first block.
    #[inline(always)]
    pub(super) fn from_front() -> Self {
        Self {
            start: 0usize.wrapping_sub(BLOCK),
            bits: 0,
        }
    }

    /// Creates an index without quotes.
    #[inline(always)]
    pub(super) fn none() -> Self {
        Self {
            start: usize::MAX - BLOCK,
            bits: 0,
        }
    }

    /// Skips the next two quotes and returns the position of the second, which closes a string.
    #[inline(always)]
    pub(super) fn skip_string(&mut self, text: &[u8]) -> Option<usize> {
        let closing = without_lowest(self.bits);
        if closing == 0 {
            self.skip(text)?;
            return self.skip(text);
        }
        self.bits = without_lowest(closing);
        Some(self.position_of(closing))
    }

    #[inline(always)]
    fn skip(&mut self, text: &[u8]) -> Option<usize> {
        while self.bits == 0 {
            let next = self.start.wrapping_add(BLOCK);
            self.bits = quotes_of_block(text, next)?;
            self.start = next;
        }
        let position = self.position_of(self.bits);
        self.bits = without_lowest(self.bits);
        Some(position)
    }

    #[inline(always)]
    #[expect(clippy::as_conversions, reason = "there are at most 64 zeros")]
    fn position_of(&self, bits: u64) -> usize {
        self.start.wrapping_add(bits.trailing_zeros() as usize)
    }
}

#[inline(always)]
fn without_lowest(bits: u64) -> u64 {
    bits & bits.wrapping_sub(1)
}

/// Returns the quotes of the block at `start`, or `None` at the end of the input.
#[inline(never)]
fn quotes_of_block(text: &[u8], start: usize) -> Option<u64> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    Some(match rest.first_chunk::<BLOCK>() {
        Some(block) => bits_of(block),
        None => bits_of(rest) | bits_at_end(text, rest.len()),
    })
}

/// Returns a bit for each quote in the full chunks, of which there are at most four.
#[inline]
fn bits_of(block: &[u8]) -> u64 {
    let chunks = block.as_chunks().0.iter().enumerate();
    chunks.fold(0, |bits, (index, chunk)| {
        bits | quotes_in(chunk) << (index * CHUNK)
    })
}

/// Returns a bit for each quote in the last chunk of the input, for a block that starts `len` bytes before the end.
#[inline]
fn bits_at_end(text: &[u8], len: usize) -> u64 {
    match text.last_chunk() {
        Some(chunk) => quotes_in(chunk) << (BLOCK - CHUNK) >> (BLOCK - len),
        None => (0..len).fold(0, |bits, at| bits | u64::from(text[at] == b'"') << at),
    }
}

#[inline(always)]
fn quotes_in(chunk: &[u8; CHUNK]) -> u64 {
    let quotes = u8x16::new(*chunk).simd_eq(u8x16::splat(b'"'));
    quotes.to_bitmask().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_second_quote_closes_a_string(text in "[a\"é]{0,300}") {
            let mut quotes = QuoteIndex::from_front();
            let found: Vec<_> = std::iter::from_fn(|| quotes.skip_string(text.as_bytes())).collect();
            let expected: Vec<_> = text.match_indices('"').map(|(at, _)| at).collect();
            let closing: Vec<_> = expected.iter().skip(1).step_by(2).copied().collect();
            prop_assert_eq!(found, closing);
        }

        #[test]
        fn quotes_are_found_at_any_distance(before in 0usize..300, between in 0usize..300) {
            let text = format!("{}\"{}\"", " ".repeat(before), " ".repeat(between));
            let close = QuoteIndex::from_front().skip_string(text.as_bytes());
            prop_assert_eq!(close, Some(before + between + 1));
        }
    }

    #[test]
    fn an_empty_index_has_no_quotes() {
        assert_eq!(QuoteIndex::none().skip_string(&[b'"'; 300]), None);
    }
}
