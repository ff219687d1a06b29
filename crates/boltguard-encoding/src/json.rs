//! A strict JSON reader that goes over its text once, [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).
//!
//! Beyond the grammar, and because a token's reader must not guess, it refuses nesting deeper than
//! [`MAX_DEPTH`] and numbers that have no finite double. [`Names`] finds duplicate members.

mod byte_classes;
mod cursor;
mod number;
mod plain;
mod quote_index;
mod reader;
mod text;
pub mod write;

use std::borrow::Cow;
use std::collections::HashSet;
use std::error::Error;
use std::fmt;

pub use number::Number;
pub use plain::is_plain;
pub use reader::{Kind, Reader};
pub use text::Text;

/// The deepest nesting that is read, the outermost value counted as the first level.
pub const MAX_DEPTH: u8 = 64;

/// The text is not JSON, or not of the kind that was asked for.
// As wide as a register, for the reason that `text::Escapes` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(usize)]
pub enum JsonError {
    /// An object has two members of one name, RFC 7519 §4.
    DuplicateName,
    /// The text is not UTF-8, RFC 8259 §8.1.
    Encoding,
    /// A number has no finite double, RFC 8259 §6.
    NumberRange,
    /// The text breaks the grammar of RFC 8259.
    Syntax,
    /// Arrays and objects are nested over [`MAX_DEPTH`], RFC 8259 §9.
    TooDeep,
    /// The value is of another kind than the one asked for.
    WrongKind,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateName => "two members of one object have the same name",
            Self::Encoding => "not UTF-8",
            Self::NumberRange => "a number is out of range",
            Self::Syntax => "not valid JSON",
            Self::TooDeep => "nested too deep",
            Self::WrongKind => "a value is of the wrong kind",
        })
    }
}

impl Error for JsonError {}

/// The member names seen so far in one object; names are compared after their escapes are decoded.
///
/// Its cost grows with the number of names, not with its square, whoever chose them.
#[derive(Default)]
pub struct Names<'a> {
    few: [Option<&'a [u8]>; FEW],
    count: usize,
    seen: u64,
    many: Option<HashSet<Cow<'a, [u8]>>>,
}

/// Up to this many names are compared one by one.
const FEW: usize = 8;

impl<'a> Names<'a> {
    /// Adds a name.
    ///
    /// # Errors
    ///
    /// [`JsonError::DuplicateName`] if it was there.
    #[inline]
    pub fn insert(&mut self, name: Text<'a>) -> Result<(), JsonError> {
        match name.plain_bytes() {
            Some(plain) if self.count < FEW => self.insert_short(plain),
            Some(plain) => self.insert_hashed(Cow::Borrowed(plain)),
            None => self.insert_hashed(Cow::Owned(name.to_text().as_bytes().to_vec())),
        }
    }

    /// A name whose bit is not set yet was not seen: one compare instead of one for each name.
    #[inline]
    fn insert_short(&mut self, name: &'a [u8]) -> Result<(), JsonError> {
        let bit = fingerprint(name);
        if self.seen & bit != 0 && self.contains(name) {
            return Err(JsonError::DuplicateName);
        }
        self.seen |= bit;
        self.few[self.count] = Some(name);
        self.count += 1;
        Ok(())
    }

    fn contains(&self, name: &[u8]) -> bool {
        let hashed = || self.many.as_ref().is_some_and(|many| many.contains(name));
        self.few.contains(&Some(name)) || hashed()
    }

    #[cold]
    #[inline(never)]
    fn insert_hashed(&mut self, name: Cow<'a, [u8]>) -> Result<(), JsonError> {
        self.seen |= fingerprint(&name);
        let among_few = self.few.contains(&Some(&*name));
        if among_few || !self.many.get_or_insert_default().insert(name) {
            return Err(JsonError::DuplicateName);
        }
        Ok(())
    }
}

/// Returns one bit for a name, which differs between most names of an object.
///
/// A set of these bits tells in one comparison that a name is new. Different names can have the same bit.
#[must_use]
#[inline]
pub fn fingerprint(name: &[u8]) -> u64 {
    let end = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0));
    1 << ((name.len() ^ end(name.first()) << 1 ^ end(name.last()) << 2) & 63)
}

/// Hides the names, which may come from a token.
impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
