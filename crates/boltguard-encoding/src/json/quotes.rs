//! Where the quotes of a text are.
//!
//! To look for each from where the one before was found is to wait for each search before the next begins; the bits
//! of a block are all there at once.

use wide::u8x16;

const CHUNK: usize = 16;
const BLOCK: usize = 64;

/// The quotes of one text, in their order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quotes {
    /// Where the block ends that was looked at last.
    end: usize,
    /// A bit for each quote of that block which was not given out yet.
    bits: u64,
}

impl Quotes {
    /// The place of the next quote of `text`.
    #[inline(always)]
    pub(super) fn next(&mut self, text: &[u8]) -> Option<usize> {
        while self.bits == 0 {
            self.bits = look(text, self.end)?;
            self.end += BLOCK;
        }
        let at = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(self.end - BLOCK + at)
    }
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
