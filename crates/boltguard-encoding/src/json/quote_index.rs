//! Where the quotes of a text are.
//!
//! To look for each from where the one before was found is to wait for each search before the next begins; the bits
//! of a block are all there at once.

use wide::u8x16;

const CHUNK: usize = 16;
const BLOCK: usize = 64;

/// The quotes of one text, in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuoteIndex {
    /// Where the block begins that was looked at last.
    start: usize,
    /// A bit for each quote of that block which was not given out yet.
    bits: u64,
}

impl QuoteIndex {
    /// Those from the front of a text, of which nothing was looked at.
    #[inline(always)]
    pub(super) fn from_front() -> Self {
        Self {
            start: 0usize.wrapping_sub(BLOCK),
            bits: 0,
        }
    }

    /// No quote of any text.
    #[inline(always)]
    pub(super) fn none() -> Self {
        Self {
            start: usize::MAX - BLOCK,
            bits: 0,
        }
    }

    /// Passes the next two quotes of `text`, and returns the place of the second, which closes a string.
    #[inline(always)]
    pub(super) fn skip_string(&mut self, text: &[u8]) -> Option<usize> {
        let closing = without_lowest(self.bits);
        if closing == 0 {
            self.skip(text)?;
            return self.skip(text);
        }
        self.bits = without_lowest(closing);
        Some(self.place_of(closing))
    }

    #[inline(always)]
    fn skip(&mut self, text: &[u8]) -> Option<usize> {
        while self.bits == 0 {
            let next = self.start.wrapping_add(BLOCK);
            self.bits = look(text, next)?;
            self.start = next;
        }
        let place = self.place_of(self.bits);
        self.bits = without_lowest(self.bits);
        Some(place)
    }

    #[inline(always)]
    fn place_of(&self, bits: u64) -> usize {
        self.start.wrapping_add(bits.trailing_zeros() as usize)
    }
}

#[inline(always)]
fn without_lowest(bits: u64) -> u64 {
    bits & bits.wrapping_sub(1)
}

/// The quotes of the block that begins at `start`; `None` at the end.
#[inline(never)]
fn look(text: &[u8], start: usize) -> Option<u64> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    Some(match rest.first_chunk::<BLOCK>() {
        Some(block) => bits_of(block),
        None => bits_of(rest) | bits_at_end(text, rest.len()),
    })
}

/// One bit for each quote in whole chunks, of which there are four at most.
#[inline]
fn bits_of(block: &[u8]) -> u64 {
    let chunks = block.as_chunks().0.iter().enumerate();
    chunks.fold(0, |bits, (index, chunk)| {
        bits | quotes_in(chunk) << (index * CHUNK)
    })
}

/// One bit for each quote of the last chunk, where the block begins `len` bytes before the end.
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
        fn quotes_are_found_behind_any_distance(before in 0usize..300, between in 0usize..300) {
            let text = format!("{}\"{}\"", " ".repeat(before), " ".repeat(between));
            let close = QuoteIndex::from_front().skip_string(text.as_bytes());
            prop_assert_eq!(close, Some(before + between + 1));
        }
    }

    #[test]
    fn of_none_no_quote_is_found() {
        assert_eq!(QuoteIndex::none().skip_string(&[b'"'; 300]), None);
    }
}
