//! Lexical analysis: the position of a reader in a JSON text, and the token at this position.
//!
//! Functions that are not inlined take and return values. A cursor that is not borrowed stays in registers.

use super::byte_classes::ByteClasses;
use super::quote_index::QuoteIndex;
use super::text::{Escapes, scan_string};
use super::{JsonError, Number, Text};

/// A position in a JSON text. It only moves forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// The JSON text has no escapes and no control characters, so each string ends at the next quote.
    pub(super) plain: bool,
    /// The quotes after this position, if the JSON text is plain.
    quotes: QuoteIndex,
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub(super) fn at_front_of(text: &'a [u8], byte_classes: &ByteClasses) -> Self {
        let plain = byte_classes.is_plain();
        Self {
            text,
            at: 0,
            plain,
            quotes: match plain {
                true => QuoteIndex::from_front(),
                false => QuoteIndex::none(),
            },
        }
    }

    /// Moves to the position of another cursor in the same JSON text.
    #[inline(always)]
    pub(super) fn go_on_from(&mut self, other: &Self) {
        (self.at, self.quotes) = (other.at, other.quotes);
    }

    /// Moves to the next token and returns its first character, or 0 at the end of the input.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u8 {
        match self.text.get(self.at) {
            Some(token) if *token > b' ' => *token,
            _ => self.skip_space(),
        }
    }

    /// Moves to the next token and returns whether its first character is `wanted`.
    #[inline(always)]
    pub(super) fn next_is(&mut self, wanted: u8) -> bool {
        self.text.get(self.at) == Some(&wanted) || self.skip_space() == wanted
    }

    #[inline(always)]
    fn skip_space(&mut self) -> u8 {
        self.at = after_space(self.text, self.at);
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Returns whether only white space is left.
    #[inline(always)]
    pub(super) fn is_at_end(&mut self) -> bool {
        if self.at < self.text.len() {
            self.skip_space();
        }
        self.at == self.text.len()
    }

    /// Skips the current character.
    #[inline(always)]
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Reads the string at this position.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Text<'a>, JsonError> {
        // In plain input, each quote opens or closes a string, and the next one opens this string.
        let Some(close) = self.quotes.skip_string(self.text) else {
            return self.string_with_escapes();
        };
        let inside = self.text.get(self.at + 1..close).ok_or(JsonError::Syntax)?;
        self.at = close + 1;
        Ok(Text::new(inside, Escapes::None))
    }

    #[inline(always)]
    fn string_with_escapes(&mut self) -> Result<Text<'a>, JsonError> {
        if self.plain {
            return Err(JsonError::Syntax);
        }
        let (inside, escapes) = scan_string(self.text, self.at + 1)?;
        self.at += inside.len() + 2;
        Ok(Text::new(inside, escapes))
    }

    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<Number<'a>, JsonError> {
        let number = Number::split(self.text.get(self.at..).unwrap_or_default())?;
        self.at += number.len();
        Ok(number)
    }

    #[inline(always)]
    pub(super) fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(JsonError::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads the strings of plain input that are separated by commas without white space.
    #[inline(always)]
    pub(super) fn plain_strings(&mut self, each: &mut impl FnMut(Text<'a>)) {
        if self.text.get(self.at) != Some(&b'"') {
            return;
        }
        let (text, mut at, mut quotes) = (self.text, self.at, self.quotes);
        while let mut ahead = quotes
            && let Some(close) = ahead.skip_string(text)
            && let Some([_, after @ ..]) = text.get(close..)
            && after.first_chunk() == Some(b",\"")
            && let Some(inside) = text.get(at + 1..close)
        {
            each(Text::new(inside, Escapes::None));
            (at, quotes) = (close + 2, ahead);
        }
        (self.at, self.quotes) = (at, quotes);
    }
}

/// Returns the position after the white space at `at`.
#[cold]
#[inline(never)]
fn after_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    at + rest.iter().take_while(|byte| is_space(byte)).count()
}
