//! The reader: a cursor that moves forward only.

use std::fmt;

use super::byte_classes::ByteClasses;
use super::cursor::Cursor;
use super::text::as_str;
use super::{JsonError, MAX_DEPTH, Number, Text};

/// What a value is, as its first character tells.
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

/// Reads one JSON text from front to back.
///
/// Each method reads one value, white space before it included, and refuses one of another kind. A
/// value that isn't needed is skipped by [`skip`](Self::skip), which checks it as strictly.
#[derive(Clone)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Begins at the front of `text`.
    #[must_use]
    #[inline]
    pub fn new(text: &'a str) -> Self {
        Self::at_front_of(text.as_bytes(), &ByteClasses::of(text.as_bytes()))
    }

    /// Begins at the front of `bytes`, which ought to be UTF-8.
    ///
    /// # Errors
    ///
    /// [`JsonError::Encoding`] if they are not.
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

    /// The kind of the next value.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if no value begins here.
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

    /// Reads an object; `member` is called behind each name and has to read that member's value.
    ///
    /// # Errors
    ///
    /// Those of the grammar, and what `member` returns.
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

    /// Reads an array; `element` is called before each element and has to read it.
    ///
    /// # Errors
    ///
    /// Those of the grammar, and what `element` returns.
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

    /// Reads an array, calling `each` for those of its elements that are strings; `false` if there were others, which
    /// are skipped.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
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
    /// [`JsonError::Syntax`] for a broken string, [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        if !self.cursor.next_is(b'"') {
            return Err(self.clone().mismatch());
        }
        self.cursor.string()
    }

    /// Reads a string; any other value is passed over, and gives `None`.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
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
    /// [`JsonError::Syntax`] for a broken number, [`JsonError::NumberRange`] for one without a finite
    /// double, [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn number(&mut self) -> Result<Number<'a>, JsonError> {
        match self.cursor.peek() {
            b'-' | b'0'..=b'9' => self.cursor.number(),
            _ => Err(self.clone().mismatch()),
        }
    }

    /// Reads a number; any other value is passed over, and gives `None`.
    ///
    /// # Errors
    ///
    /// Those of the grammar, and [`JsonError::NumberRange`].
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
    /// [`JsonError::Syntax`] for a broken word, [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn bool(&mut self) -> Result<bool, JsonError> {
        match self.cursor.peek() {
            b't' => self.cursor.word(b"true").map(|()| true),
            b'f' => self.cursor.word(b"false").map(|()| false),
            _ => Err(self.clone().mismatch()),
        }
    }

    /// Reads `true` or `false`; any other value is passed over, and gives `None`.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
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
    /// [`JsonError::Syntax`] for a broken word, [`JsonError::WrongKind`] for another value.
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
    /// Those of the grammar.
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

    /// Reads any value, and returns its JSON text.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
    #[inline(always)]
    pub fn read_raw(&mut self) -> Result<&'a str, JsonError> {
        self.cursor.peek();
        let start = self.cursor.at;
        self.skip()?;
        Ok(as_str(&self.cursor.text[start..self.cursor.at]))
    }

    /// The text of the next value, checked; it is yet to be read.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
    #[inline(always)]
    pub fn peek_value(&mut self) -> Result<&'a str, JsonError> {
        self.cursor.peek();
        let mut ahead = self.clone();
        ahead.read_raw()
    }

    /// Lets `read`, which is not inlined, read values from here on: it gets a copy, so that the reader itself stays in
    /// registers.
    #[inline(always)]
    pub fn with_copy<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = self.clone();
        let result = read(&mut copy);
        self.cursor.go_on_from(&copy.cursor);
        result
    }

    /// Whether the next value is an array.
    #[must_use]
    #[inline(always)]
    pub fn is_at_array(&mut self) -> bool {
        self.cursor.next_is(b'[')
    }

    /// Whether no string of the text holds an escape.
    #[must_use]
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.cursor.plain
    }

    /// The whole text, in UTF-8.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.cursor.text
    }

    /// How far it is read, in bytes.
    #[must_use]
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.cursor.at
    }

    /// Makes sure that nothing but white space is left.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if something is.
    #[inline(always)]
    pub fn finish(&mut self) -> Result<(), JsonError> {
        if self.cursor.is_at_end() {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    /// Reads a member's name, and the colon behind it.
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

    /// Reads what stands behind an element: the closing bracket, or a comma.
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

    /// A sound value of another kind, or nothing that could be one.
    #[cold]
    fn mismatch(mut self) -> JsonError {
        match self.kind() {
            Ok(_) => JsonError::WrongKind,
            Err(broken) => broken,
        }
    }
}

/// Hides the text, which may be a token's.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position())
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}
