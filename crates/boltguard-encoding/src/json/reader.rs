//! The reader: a cursor that moves forward only.

use super::text::{Escapes, as_str, check_escape};
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
/// value that nobody needs is passed over by [`skip`](Self::skip), which checks it as strictly.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u8,
    /// No escape and no control character stands anywhere, so that strings end at the next quote.
    plain: bool,
}

impl<'a> Reader<'a> {
    /// Begins at the front of `text`.
    #[must_use]
    #[inline]
    pub fn new(text: &'a str) -> Self {
        Self::at_front_of(text.as_bytes(), survey(text.as_bytes()))
    }

    /// Begins at the front of `bytes`, which ought to be UTF-8.
    ///
    /// # Errors
    ///
    /// [`JsonError::Encoding`] if they are not.
    #[inline]
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let survey = survey(bytes);
        if survey & NOT_ASCII != 0 && str::from_utf8(bytes).is_err() {
            return Err(JsonError::Encoding);
        }
        Ok(Self::at_front_of(bytes, survey))
    }

    #[inline]
    fn at_front_of(bytes: &'a [u8], survey: u8) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
            plain: survey & AWKWARD == 0,
        }
    }

    /// The kind of the next value.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if no value begins here.
    #[inline]
    pub fn kind(&mut self) -> Result<Kind, JsonError> {
        match self.peek_token() {
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
    #[inline]
    pub fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'{')?;
        if !self.closes_at_once(b'}') {
            loop {
                let name = self.string()?;
                self.expect(b':')?;
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
    #[inline]
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

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for a broken string, [`JsonError::WrongKind`] for another value.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        if self.peek_token() != b'"' {
            return Err(self.mismatch());
        }
        let rest = &self.bytes[self.at + 1..];
        let (len, escapes) = if self.plain {
            (find_quote(rest).ok_or(JsonError::Syntax)?, Escapes::None)
        } else {
            scan_string(rest)?
        };
        self.at += len + 2;
        Ok(Text::new(&rest[..len], escapes))
    }

    /// Reads an array, calling `each` for those of its elements that are strings; the others are passed over.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
    #[inline]
    pub fn strings(&mut self, mut each: impl FnMut(Text<'a>)) -> Result<(), JsonError> {
        self.array(|reader| {
            if reader.peek_token() == b'"' {
                each(reader.string()?);
                return Ok(());
            }
            reader.pass()
        })
    }

    /// Reads a number.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for a broken number, [`JsonError::NumberRange`] for one without a finite
    /// double, [`JsonError::WrongKind`] for another value.
    #[inline]
    pub fn number(&mut self) -> Result<Number<'a>, JsonError> {
        if !matches!(self.peek_token(), b'-' | b'0'..=b'9') {
            return Err(self.mismatch());
        }
        let number = Number::split(&self.bytes[self.at..])?;
        self.at += number.len();
        Ok(number)
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for a broken word, [`JsonError::WrongKind`] for another value.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, JsonError> {
        match self.peek_token() {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            _ => Err(self.mismatch()),
        }
    }

    /// Reads `null`.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] for a broken word, [`JsonError::WrongKind`] for another value.
    #[inline]
    pub fn null(&mut self) -> Result<(), JsonError> {
        match self.peek_token() {
            b'n' => self.word(b"null"),
            _ => Err(self.mismatch()),
        }
    }

    /// Passes over any value, checking it, and returns its text.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
    #[inline]
    pub fn skip(&mut self) -> Result<&'a str, JsonError> {
        self.peek_token();
        let start = self.at;
        self.pass()?;
        Ok(as_str(&self.bytes[start..self.at]))
    }

    /// The text of the next value, checked; it is yet to be read.
    ///
    /// # Errors
    ///
    /// Those of the grammar.
    pub fn peek_value(&mut self) -> Result<&'a str, JsonError> {
        self.peek_token();
        let start = self.at;
        let value = self.skip()?;
        self.at = start;
        Ok(value)
    }

    /// The whole text, in UTF-8.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How far it is read, in bytes.
    #[must_use]
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Makes sure that nothing but white space is left.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if something is.
    #[inline]
    pub fn finish(&mut self) -> Result<(), JsonError> {
        self.peek_token();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    /// Passes over any value without a look at its text, which for one inside another is looked at with that.
    #[inline]
    fn pass(&mut self) -> Result<(), JsonError> {
        match self.kind()? {
            Kind::String => self.string().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::Bool => self.bool().map(drop),
            Kind::Null => self.null(),
            Kind::Array => self.pass_array(),
            Kind::Object => self.pass_object(),
        }
    }

    fn pass_array(&mut self) -> Result<(), JsonError> {
        self.array(Self::pass)
    }

    fn pass_object(&mut self) -> Result<(), JsonError> {
        self.object(|reader, _| reader.pass())
    }

    /// The first character of the next token, to which it moves; 0 at the end, where no token begins.
    #[inline(always)]
    fn peek_token(&mut self) -> u8 {
        match self.byte() {
            token @ 0x21.. => token,
            _ => self.skip_space(),
        }
    }

    #[cold]
    fn skip_space(&mut self) -> u8 {
        while let b' ' | b'\n' | b'\r' | b'\t' = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    #[inline]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn expect(&mut self, wanted: u8) -> Result<(), JsonError> {
        if self.peek_token() != wanted {
            return Err(JsonError::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn open(&mut self, bracket: u8) -> Result<(), JsonError> {
        if self.peek_token() != bracket {
            return Err(self.mismatch());
        }
        if self.depth == MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn closes_at_once(&mut self, bracket: u8) -> bool {
        self.expect(bracket).is_ok()
    }

    /// Reads what stands behind an element: the closing bracket, or a comma.
    #[inline(always)]
    fn closes(&mut self, bracket: u8) -> Result<bool, JsonError> {
        let found = self.peek_token();
        self.at += 1;
        if found == b',' {
            return Ok(false);
        }
        if found == bracket {
            return Ok(true);
        }
        Err(JsonError::Syntax)
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(JsonError::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// A sound value of another kind, or nothing that could be one.
    #[cold]
    fn mismatch(&mut self) -> JsonError {
        match self.kind() {
            Ok(_) => JsonError::WrongKind,
            Err(broken) => broken,
        }
    }
}

/// How far the next quote is, eight bytes at a time.
#[inline(always)]
fn find_quote(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let differs = u64::from_le_bytes(*chunk) ^ (ONES * b'"' as u64);
        // The lowest set bit belongs to the first byte that is zero, that is, to the first quote.
        let zeros = differs.wrapping_sub(ONES) & !differs & HIGHS;
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    find_quote_at_end(bytes, at)
}

#[cold]
fn find_quote_at_end(bytes: &[u8], at: usize) -> Option<usize> {
    let offset = bytes.get(at..)?.iter().position(|b| *b == b'"')?;
    Some(at + offset)
}

/// How far the closing quote of a string is that may hold escapes, and whether it does.
#[cold]
fn scan_string(bytes: &[u8]) -> Result<(usize, Escapes), JsonError> {
    let (mut at, mut escapes) = (0, Escapes::None);
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escapes)),
            Some(b'\\') => {
                escapes = Escapes::Some;
                at += check_escape(&bytes[at..]).ok_or(JsonError::Syntax)?;
            }
            Some(0x20..) => at += 1,
            _ => return Err(JsonError::Syntax),
        }
    }
}

/// Finds out at once what a text may hold, so that the reader need not look for it again and again.
#[inline]
fn survey(bytes: &[u8]) -> u8 {
    // Lanes of a fixed number become vector instructions.
    let (chunks, rest) = bytes.as_chunks::<32>();
    let mut lanes = [0; 32];
    for chunk in chunks {
        for (lane, b) in lanes.iter_mut().zip(chunk) {
            *lane |= survey_one(*b);
        }
    }
    let found = lanes.iter().fold(0, |found, lane| found | lane);
    rest.iter().fold(found, |found, b| found | survey_one(*b))
}

#[inline]
fn survey_one(b: u8) -> u8 {
    u8::from(b < 0x20) | u8::from(b == b'\\') | (b & NOT_ASCII)
}

/// An escape or a control character stands somewhere.
const AWKWARD: u8 = 1;
/// A character beyond ASCII stands somewhere.
const NOT_ASCII: u8 = 0x80;
