//! What a text may hold, found out at once, so that the reader need not look for it again and again.

use wide::u8x16;

/// What was seen in each of sixteen places.
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
            byte_classes.note(chunk);
        }
        match bytes.last_chunk() {
            // It overlaps the chunk before it, and noting a byte twice changes nothing.
            Some(last) => byte_classes.note(last),
            None => byte_classes.note_short(end),
        }
        byte_classes
    }

    #[inline]
    fn note(&mut self, chunk: &[u8; 16]) {
        let chunk = u8x16::new(*chunk);
        self.lowest = self.lowest.min(chunk);
        self.bits |= chunk;
        self.backslash |= chunk.simd_eq(u8x16::splat(b'\\'));
    }

    #[inline]
    fn note_short(&mut self, bytes: &[u8]) {
        let mut padded = [b' '; 16];
        padded[..bytes.len()].copy_from_slice(bytes);
        self.note(&padded);
    }

    /// Whether no escape and no control character stands anywhere.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        let control = self.lowest.simd_lt(u8x16::splat(0x20));
        (control | self.backslash).to_bitmask() == 0
    }

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
    fn an_empty_text_is_plain() {
        assert!(ByteClasses::of(b"").is_plain() && ByteClasses::of(b"").is_ascii());
    }
}
