//! A strict JSON reader that makes a single pass, [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259), and functions that
//! [write](mod@write) JSON.
//!
//! In addition to what the grammar excludes, the reader rejects nesting deeper than [`MAX_DEPTH`] and numbers that are
//! not finite as a double, because implementations interpret them differently. [`Names`] detects duplicate members.
//!
//! # Performance
//!
//! The claims are read for each request. Three modules use SIMD on 16 bytes at a time, by means of `wide`, which also
//! works on targets without SIMD:
//!
//! - `ByteClasses` looks at all bytes once, before parsing. Most tokens are ASCII without escapes, and in these each
//!   string ends at the next quote, and no UTF-8 has to be checked.
//! - `QuoteIndex` collects the quotes of 64 bytes in one word, so that the end of a string is found without a search
//!   that depends on the end of the one before.
//! - `is_plain` tells whether a string can be written without escapes.
//!
//! Skipping over claims with 10 permissions (200) takes 1835 (11306) instructions. It takes 3123 (28976) if quotes are
//! searched one after the other, 5571 (51691) if bytes are classified one at a time, and 4734 (40335) with
//! `serde_json`.
//! Without SIMD in `is_plain`, minting a token takes 3 % more instructions, and 14 % more with 200 permissions.

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

/// The maximum nesting depth. The outermost value is at depth 1.
pub const MAX_DEPTH: u8 = 64;

/// The input is not valid JSON, or a value is not of the expected kind.
// As wide as a register, for the same reason as `text::Escapes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(usize)]
pub enum JsonError {
    /// An object has two members with the same name, RFC 7519 §4.
    DuplicateName,
    /// The input is not UTF-8, RFC 8259 §8.1.
    Encoding,
    /// A number is not finite as a double, RFC 8259 §6.
    NumberRange,
    /// The input violates the grammar of RFC 8259.
    Syntax,
    /// Arrays and objects are nested deeper than [`MAX_DEPTH`], RFC 8259 §9.
    TooDeep,
    /// The value is not of the expected kind.
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

/// The set of member names read so far in an object. Names are compared after their escapes are decoded.
///
/// The cost is linear in the number of names, even if an attacker chooses them.
#[derive(Default)]
pub struct Names<'a> {
    few: [Option<&'a [u8]>; FEW],
    count: usize,
    seen: u64,
    many: Option<HashSet<Cow<'a, [u8]>>>,
}

/// The number of names that are compared one by one. Further names are hashed.
const FEW: usize = 8;

impl<'a> Names<'a> {
    /// Adds a name.
    ///
    /// # Errors
    ///
    /// [`JsonError::DuplicateName`] if the set already contains it.
    #[inline]
    pub fn insert(&mut self, name: Text<'a>) -> Result<(), JsonError> {
        match name.plain_bytes() {
            Some(plain) if self.count < FEW => self.insert_short(plain),
            Some(plain) => self.insert_hashed(Cow::Borrowed(plain)),
            None => self.insert_hashed(Cow::Owned(name.to_text().as_bytes().to_vec())),
        }
    }

    /// Inserts a name, comparing it with the others only if its fingerprint is not new.
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
