//! Tokens: where a reader is in its text, and what stands there.

use super::quotes::Quotes;
use super::survey::Survey;
use super::text::{Escapes, scan_string};
use super::{JsonError, Number, Text};

/// A place in a text, which moves forward only.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// No escape and no control character stands anywhere, so that strings end at the next quote.
    pub(super) plain: bool,
    /// Of a plain text, those that were not read yet.
    quotes: Quotes,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn at_front_of(text: &'a [u8], survey: &Survey) -> Self {
        Self {
            text,
            at: 0,
            plain: survey.is_plain(),
            quotes: Quotes::default(),
        }
    }

    /// The same place, to look ahead from and to return to.
    #[inline]
    pub(super) fn place(&self) -> (usize, Quotes) {
        (self.at, self.quotes)
    }

    #[inline]
    pub(super) fn return_to(&mut self, place: (usize, Quotes)) {
        (self.at, self.quotes) = place;
    }

    /// The first character of the next token, to which it moves; 0 at the end, where no token begins.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u8 {
        match self.text.get(self.at) {
            Some(token) if *token > b' ' => *token,
            _ => self.skip_space(),
        }
    }

    /// Whether the next token begins with `wanted`, which is no white space.
    #[inline(always)]
    pub(super) fn next_is(&mut self, wanted: u8) -> bool {
        self.text.get(self.at) == Some(&wanted) || self.skip_space() == wanted
    }

    #[cold]
    #[inline(never)]
    pub(super) fn skip_space(&mut self) -> u8 {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied().unwrap_or(0),
            }
        }
    }

    /// Whether nothing but white space is left.
    #[inline]
    pub(super) fn is_at_end(&mut self) -> bool {
        if self.at < self.text.len() {
            self.skip_space();
        }
        self.at == self.text.len()
    }

    /// Passes the character that was looked at.
    #[inline(always)]
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Reads the string that begins here.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Text<'a>, JsonError> {
        if !self.plain {
            return self.string_with_escapes();
        }
        // Every quote of a plain text opens or closes a string, and this is the next that opens one.
        let close = self
            .quotes
            .pass_string(self.text)
            .ok_or(JsonError::Syntax)?;
        let inside = self.text.get(self.at + 1..close).ok_or(JsonError::Syntax)?;
        self.at = close + 1;
        Ok(Text::new(inside, Escapes::None))
    }

    #[cold]
    #[inline(never)]
    fn string_with_escapes(&mut self) -> Result<Text<'a>, JsonError> {
        let rest = &self.text[self.at + 1..];
        let (len, escapes) = scan_string(rest)?;
        self.at += len + 2;
        Ok(Text::new(&rest[..len], escapes))
    }

    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<Number<'a>, JsonError> {
        let number = Number::split(self.text.get(self.at..).unwrap_or_default())?;
        self.at += number.len();
        Ok(number)
    }

    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(JsonError::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads strings of a plain text as long as there is nothing but a comma between one and the next.
    #[inline]
    pub(super) fn plain_strings(&mut self, each: &mut impl FnMut(Text<'a>)) {
        let (text, mut at, mut quotes) = (self.text, self.at, self.quotes);
        while self.plain
            && text.get(at) == Some(&b'"')
            && let mut ahead = quotes
            && let Some(close) = ahead.pass_string(text)
            && text.get(close + 1) == Some(&b',')
            && let Some(inside) = text.get(at + 1..close)
        {
            each(Text::new(inside, Escapes::None));
            (at, quotes) = (close + 2, ahead);
        }
        (self.at, self.quotes) = (at, quotes);
    }
}
