//! Walks over a text, a word or a mark at a time.

use super::error::{Expected, ParseErrorKind, ParseGuardError};

pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut cursor = Self { text, at: 0 };
        cursor.skip_space();
        cursor
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Takes a mark if it is next.
    pub(super) fn take(&mut self, mark: char) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.go_on(mark.len_utf8());
        }
        found
    }

    pub(super) fn expect(&mut self, mark: char, expected: Expected) -> Result<(), ParseGuardError> {
        if self.take(mark) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    /// Takes the word that is next; the empty one if there is none.
    pub(super) fn word(&mut self) -> &'t str {
        let word = self.next_word();
        self.go_on(word.len());
        word
    }

    pub(super) fn next_word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Takes a JSON string.
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
        let text = serde_json::from_str(raw).map_err(|_| self.error(ParseErrorKind::String))?;
        self.go_on(raw.len());
        Ok(text)
    }

    /// Takes a whole number.
    pub(super) fn integer(&mut self) -> Result<i64, ParseGuardError> {
        let rest = self.rest();
        let in_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
        let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
        let number: i64 = rest[..end]
            .parse()
            .map_err(|_| self.error(ParseErrorKind::Integer))?;
        self.go_on(end);
        Ok(number)
    }

    pub(super) fn expected(&self, expected: Expected) -> ParseGuardError {
        self.error(ParseErrorKind::Expected(expected))
    }

    pub(super) fn error(&self, kind: ParseErrorKind) -> ParseGuardError {
        self.error_at(kind, self.at)
    }

    pub(super) fn error_at(&self, kind: ParseErrorKind, offset: usize) -> ParseGuardError {
        ParseGuardError::new(kind, self.text, offset)
    }

    fn go_on(&mut self, bytes: usize) {
        self.at += bytes;
        self.skip_space();
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }
}

/// Where the string that `text` begins with ends, both quotes included.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
