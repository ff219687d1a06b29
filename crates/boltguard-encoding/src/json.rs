//! A strict JSON reader that goes over its text once, [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).
//!
//! Beyond the grammar, and because a token's reader must not guess, it refuses nesting deeper than
//! [`MAX_DEPTH`] and numbers that have no finite double. [`Names`] finds duplicate members.

mod number;
mod reader;
mod text;

use std::collections::HashSet;
use std::error::Error;
use std::fmt;

pub use number::Number;
pub use reader::{Kind, Reader};
pub use text::Text;

/// The deepest nesting that is read, the outermost value counted as the first level.
pub const MAX_DEPTH: u8 = 64;

/// The text is not JSON, or not of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// An object has two members of one name, RFC 7519 §4.
    DuplicateName,
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
#[derive(Debug, Default)]
pub struct Names<'a> {
    few: [&'a str; FEW],
    count: usize,
    seen: u64,
    many: HashSet<Box<str>>,
}

/// Up to this many names are compared one by one.
const FEW: usize = 16;

impl<'a> Names<'a> {
    /// Adds a name.
    ///
    /// # Errors
    ///
    /// [`JsonError::DuplicateName`] if it was there.
    #[inline]
    pub fn insert(&mut self, name: Text<'a>) -> Result<(), JsonError> {
        match name.plain() {
            Some(plain) if self.count < FEW => self.insert_short(plain),
            _ => self.insert_hashed(name),
        }
    }

    /// A name whose bit is not set yet was not seen: one compare instead of one for each name.
    #[inline]
    fn insert_short(&mut self, name: &'a str) -> Result<(), JsonError> {
        let bit = 1u64 << (fingerprint(name) & 63);
        if self.seen & bit != 0 && self.contains(name) {
            return Err(JsonError::DuplicateName);
        }
        self.seen |= bit;
        self.few[self.count] = name;
        self.count += 1;
        Ok(())
    }

    fn contains(&self, name: &str) -> bool {
        self.few[..self.count].contains(&name) || self.many.contains(name)
    }

    #[cold]
    fn insert_hashed(&mut self, name: Text<'a>) -> Result<(), JsonError> {
        let name = name.to_text();
        if self.contains(&name) {
            return Err(JsonError::DuplicateName);
        }
        self.seen |= 1 << (fingerprint(&name) & 63);
        self.many.insert(name.into());
        Ok(())
    }
}

#[inline]
fn fingerprint(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (first, last) = match bytes {
        [] => (0, 0),
        [first, .., last] => (*first, *last),
        [only] => (*only, *only),
    };
    bytes.len() ^ usize::from(first) << 1 ^ usize::from(last) << 2
}

#[cfg(test)]
mod tests;
