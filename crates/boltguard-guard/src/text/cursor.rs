//! A cursor over the string of a guard.

use super::error::{Expected, ParseErrorKind, ParseGuardError};

pub(super) struct Cursor<'t> {
    source: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(source: &'t str) -> Self {
        let mut cursor = Self { source, at: 0 };
        cursor.skip_space();
        cursor
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t str {
        self.source.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Skips `token` and returns true if it is next.
    pub(super) fn take(&mut self, token: char) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.advance(token.len_utf8());
        }
        found
    }

    pub(super) fn expect(
        &mut self,
        token: char,
        expected: Expected,
    ) -> Result<(), ParseGuardError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    /// Skips and returns the next word, which is empty if there is none.
    pub(super) fn word(&mut self) -> &'t str {
        let word = self.next_word();
        self.advance(word.len());
        word
    }

    pub(super) fn next_word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Skips and returns a JSON string.
    pub(super) fn string(&mut self) -> Result<String, ParseGuardError> {
        let rest = self.rest();
        if rest.starts_with('\'') {
            return Err(self.error(ParseErrorKind::String));
        }
        if !rest.starts_with('"') {
            return Err(self.expected(Expected::String));
        }
        let raw = string_end(rest).map(|end| &rest[..end]);
        let raw = raw.ok_or_else(|| self.error(ParseErrorKind::String))?;
        let value = serde_json::from_str(raw).map_err(|_| self.error(ParseErrorKind::String))?;
        self.advance(raw.len());
        Ok(value)
    }

    /// Skips and returns an integer.
    pub(super) fn integer(&mut self) -> Result<i64, ParseGuardError> {
        let rest = self.rest();
        let in_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
        let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
        let number: i64 = rest[..end]
            .parse()
            .map_err(|_| self.error(ParseErrorKind::Integer))?;
        self.advance(end);
        Ok(number)
    }

    pub(super) fn expected(&self, expected: Expected) -> ParseGuardError {
        self.error(ParseErrorKind::Expected(expected))
    }

    pub(super) fn error(&self, kind: ParseErrorKind) -> ParseGuardError {
        self.error_at(kind, self.at)
    }

    pub(super) fn error_at(&self, kind: ParseErrorKind, offset: usize) -> ParseGuardError {
        ParseGuardError::new(kind, self.source, offset)
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.skip_space();
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }
}

/// Returns the length of the quoted string at the start of `source`, including the quotes.
fn string_end(source: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in source.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
