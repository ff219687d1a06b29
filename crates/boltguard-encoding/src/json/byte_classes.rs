//! The classes of bytes that occur in a JSON document, determined before parsing.
//!
//! The reader takes faster paths if there are no escapes and control characters, or only ASCII characters.

use wide::u8x16;

/// The classes of bytes that occur, for each of 16 lanes.
pub(super) struct ByteClasses {
    lowest: u8x16,
    bits: u8x16,
    backslash: u8x16,
}

impl ByteClasses {
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut byte_classes = Self {
            lowest: u8x16::splat(0xff),
            bits: u8x16::splat(0),
            backslash: u8x16::splat(0),
        };
        let (chunks, end) = bytes.as_chunks();
        for chunk in chunks {
            byte_classes.add(chunk);
        }
        match bytes.last_chunk() {
            // It overlaps the chunk before it, and adding a byte twice changes nothing.
            Some(last) => byte_classes.add(last),
            None => byte_classes.add_short(end),
        }
        byte_classes
    }

    #[inline]
    fn add(&mut self, chunk: &[u8; 16]) {
        let chunk = u8x16::new(*chunk);
        self.lowest = self.lowest.min(chunk);
        self.bits |= chunk;
        self.backslash |= chunk.simd_eq(u8x16::splat(b'\\'));
    }

    #[inline]
    fn add_short(&mut self, bytes: &[u8]) {
        let mut padded = [b' '; 16];
        padded[..bytes.len()].copy_from_slice(bytes);
        self.add(&padded);
    }

    /// Returns whether there are no escapes and no control characters.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        let control = self.lowest.simd_lt(u8x16::splat(0x20));
        (control | self.backslash).to_bitmask() == 0
    }

    /// Returns whether all bytes are ASCII.
    #[inline]
    pub(super) fn is_ascii(&self) -> bool {
        self.bits.to_bitmask() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_byte_anywhere_is_seen(len in 1usize..200, at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = vec![b'a'; len];
            bytes[at.index(len)] = byte;
            let byte_classes = ByteClasses::of(&bytes);
            prop_assert_eq!(byte_classes.is_ascii(), byte.is_ascii());
            prop_assert_eq!(byte_classes.is_plain(), byte >= 0x20 && byte != b'\\');
        }
    }

    #[test]
    fn an_empty_string_is_plain() {
        assert!(ByteClasses::of(b"").is_plain() && ByteClasses::of(b"").is_ascii());
    }
}
