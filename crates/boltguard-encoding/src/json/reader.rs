//! The reader, which checks the grammar.

use std::fmt;

use super::byte_classes::ByteClasses;
use super::cursor::Cursor;
use super::text::as_str;
use super::{JsonError, MAX_DEPTH, Number, Text};

/// The kind of a value, which its first character determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[…]`
    Array,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// `"…"`
    String,
}

/// A reader of one JSON text.
///
/// Each method reads one value and the white space before it, and rejects values of another kind. Use
/// [`skip`](Self::skip) for values that you don't need. It is just as strict.
#[derive(Clone)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Creates a reader at the start of `text`.
    #[must_use]
    #[inline]
    pub fn new(text: &'a str) -> Self {
        Self::at_front_of(text.as_bytes(), &ByteClasses::of(text.as_bytes()))
    }

    /// Creates a reader at the start of `bytes`.
    ///
    /// # Errors
    ///
    /// [`JsonError::Encoding`] if they are not UTF-8.
    #[inline(always)]
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let byte_classes = ByteClasses::of(bytes);
        if !byte_classes.is_ascii() && str::from_utf8(bytes).is_err() {
            return Err(JsonError::Encoding);
        }
        Ok(Self::at_front_of(bytes, &byte_classes))
    }

    #[inline(always)]
    fn at_front_of(text: &'a [u8], byte_classes: &ByteClasses) -> Self {
        Self {
            cursor: Cursor::at_front_of(text, byte_classes),
            depth: 0,
        }
    }

    /// Returns the kind of the next value.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if there is no value.
    #[inline(always)]
    pub fn kind(&mut self) -> Result<Kind, JsonError> {
        match self.cursor.peek() {
            b'"' => Ok(Kind::String),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::Array),
            b't' | b'f' => Ok(Kind::Bool),
            b'n' => Ok(Kind::Null),
            _ => Err(JsonError::Syntax),
        }
    }

    /// Reads an object. `member` is called with each name, and must read the value of the member.
    ///
    /// # Errors
    ///
    /// Syntax errors, and the errors that `member` returns.
    #[inline(always)]
    pub fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'{')?;
        if !self.closes_at_once(b'}') {
            loop {
                let name = self.name()?;
                member(self, name)?;
                if self.closes(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an array. `element` is called before each element, and must read it.
    ///
    /// # Errors
    ///
    /// Syntax errors, and the errors that `element` returns.
    #[inline(always)]
    pub fn array<E: From<JsonError>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'[')?;
        if !self.closes_at_once(b']') {
            loop {
                element(self)?;
                if self.closes(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an array and calls `each` for its strings. Other elements are skipped, and the result is `false` if there
    /// are any.
    ///
    /// # Errors
    ///
    /// Syntax errors.
    #[inline(always)]
    pub fn strings(&mut self, mut each: impl FnMut(Text<'a>)) -> Result<bool, JsonError> {
        let mut are_all = true;
        self.array(|reader| {
            reader.cursor.plain_strings(&mut each);
            match reader.try_string()? {
                Some(text) => each(text),
                None => are_all = false,
            }
            Ok::<_, JsonError>(())
        })?;
        Ok(are_all)
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for an invalid string, and [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        if !self.cursor.next_is(b'"') {
            return Err(self.clone().mismatch());
        }
        self.cursor.string()
    }

    /// Reads a string. Returns `None` for any other value, which is skipped.
    ///
    /// # Errors
    ///
    /// Syntax errors.
    #[inline(always)]
    pub fn try_string(&mut self) -> Result<Option<Text<'a>>, JsonError> {
        if self.cursor.next_is(b'"') {
            return self.cursor.string().map(Some);
        }
        self.with_copy(Self::skip_unexpected).map(|()| None)
    }

    /// Reads a number.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for an invalid number, [`JsonError::NumberRange`] if it is not finite as a double, and
    /// [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn number(&mut self) -> Result<Number<'a>, JsonError> {
        match self.cursor.peek() {
            b'-' | b'0'..=b'9' => self.cursor.number(),
            _ => Err(self.clone().mismatch()),
        }
    }

    /// Reads a number. Returns `None` for any other value, which is skipped.
    ///
    /// # Errors
    ///
    /// Syntax errors, and [`JsonError::NumberRange`].
    #[inline(always)]
    pub fn try_number(&mut self) -> Result<Option<Number<'a>>, JsonError> {
        match self.cursor.peek() {
            b'-' | b'0'..=b'9' => self.cursor.number().map(Some),
            _ => self.with_copy(Self::skip_unexpected).map(|()| None),
        }
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for an invalid literal, and [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn bool(&mut self) -> Result<bool, JsonError> {
        match self.cursor.peek() {
            b't' => self.cursor.word(b"true").map(|()| true),
            b'f' => self.cursor.word(b"false").map(|()| false),
            _ => Err(self.clone().mismatch()),
        }
    }

    /// Reads `true` or `false`. Returns `None` for any other value, which is skipped.
    ///
    /// # Errors
    ///
    /// Syntax errors.
    #[inline(always)]
    pub fn try_bool(&mut self) -> Result<Option<bool>, JsonError> {
        match self.cursor.peek() {
            b't' => self.cursor.word(b"true").map(|()| Some(true)),
            b'f' => self.cursor.word(b"false").map(|()| Some(false)),
            _ => self.with_copy(Self::skip_unexpected).map(|()| None),
        }
    }

    /// Reads `null`.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for an invalid literal, and [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn null(&mut self) -> Result<(), JsonError> {
        match self.cursor.peek() {
            b'n' => self.cursor.word(b"null"),
            _ => Err(self.clone().mismatch()),
        }
    }

    /// Skips any value, checking it as strictly as [`read_raw`](Self::read_raw).
    ///
    /// # Errors
    ///
    /// Syntax errors.
    #[inline(always)]
    pub fn skip(&mut self) -> Result<(), JsonError> {
        self.with_copy(Self::skip_any)
    }

    #[cold]
    #[inline(never)]
    fn skip_unexpected(&mut self) -> Result<(), JsonError> {
        self.skip_any()
    }

    fn skip_any(&mut self) -> Result<(), JsonError> {
        match self.cursor.peek() {
            b'"' => self.cursor.string().map(drop),
            b'-' | b'0'..=b'9' => self.cursor.number().map(drop),
            b'{' => self.object(|reader, _| reader.skip_any()),
            b'[' => self.strings(|_| ()).map(drop),
            b't' => self.cursor.word(b"true"),
            b'f' => self.cursor.word(b"false"),
            b'n' => self.cursor.word(b"null"),
            _ => Err(JsonError::Syntax),
        }
    }

    /// Reads any value and returns its JSON.
    ///
    /// # Errors
    ///
    /// Syntax errors.
    #[inline(always)]
    pub fn read_raw(&mut self) -> Result<&'a str, JsonError> {
        self.cursor.peek();
        let start = self.cursor.at;
        self.skip()?;
        Ok(as_str(&self.cursor.text[start..self.cursor.at]))
    }

    /// Checks the next value and returns its JSON, without reading it.
    ///
    /// # Errors
    ///
    /// Syntax errors.
    #[inline(always)]
    pub fn peek_value(&mut self) -> Result<&'a str, JsonError> {
        self.cursor.peek();
        let mut ahead = self.clone();
        ahead.read_raw()
    }

    /// Calls `read`, a function that is not inlined, with a copy of the reader, and continues where it stops. In this
    /// way the reader itself stays in registers.
    #[inline(always)]
    pub fn with_copy<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = self.clone();
        let result = read(&mut copy);
        self.cursor.go_on_from(&copy.cursor);
        result
    }

    /// Returns whether the next value is an array.
    #[must_use]
    #[inline(always)]
    pub fn is_at_array(&mut self) -> bool {
        self.cursor.next_is(b'[')
    }

    /// Returns whether no string in the JSON text has escapes.
    #[must_use]
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.cursor.plain
    }

    /// Returns the entire JSON text, in UTF-8.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.cursor.text
    }

    /// Returns the current position, in bytes.
    #[must_use]
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.cursor.at
    }

    /// Checks that only white space is left.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if there is more.
    #[inline(always)]
    pub fn finish(&mut self) -> Result<(), JsonError> {
        if self.cursor.is_at_end() {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    /// Reads the name of a member, and the colon after it.
    #[inline(always)]
    fn name(&mut self) -> Result<Text<'a>, JsonError> {
        let name = self.string()?;
        if !self.cursor.next_is(b':') {
            return Err(JsonError::Syntax);
        }
        self.cursor.advance();
        Ok(name)
    }

    #[inline(always)]
    fn open(&mut self, bracket: u8) -> Result<(), JsonError> {
        if !self.cursor.next_is(bracket) {
            return Err(self.clone().mismatch());
        }
        if self.depth == MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.depth += 1;
        self.cursor.advance();
        Ok(())
    }

    #[inline(always)]
    fn closes_at_once(&mut self, bracket: u8) -> bool {
        let closes = self.cursor.peek() == bracket;
        if closes {
            self.cursor.advance();
        }
        closes
    }

    /// Reads the closing bracket or the comma after an element.
    #[inline(always)]
    fn closes(&mut self, bracket: u8) -> Result<bool, JsonError> {
        let found = self.cursor.peek();
        self.cursor.advance();
        if found == b',' {
            return Ok(false);
        }
        if found == bracket {
            return Ok(true);
        }
        Err(JsonError::Syntax)
    }

    /// Returns the error for a value of another kind, or for invalid JSON.
    #[cold]
    fn mismatch(mut self) -> JsonError {
        match self.kind() {
            Ok(_) => JsonError::WrongKind,
            Err(broken) => broken,
        }
    }
}

/// Hides the JSON text, which may come from a token.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position())
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}
