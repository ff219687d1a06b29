//! Where and why a text is no guard.

use std::error::Error;
use std::fmt::{self, Write as _};

use boltguard_types::{PermissionError, ReasonCode};

use crate::{Guard, GuardError};

/// The text is no guard, and where it stops being one.
///
/// ```
/// use boltguard_guard::Guard;
///
/// let text = r#"authenticated & permm("blog.add")"#;
/// let error = text.parse::<Guard>().unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 17: there is no such atom; did you mean `perm`?");
/// assert_eq!(
///     error.snippet(text).to_string(),
///     "authenticated & permm(\"blog.add\")\n                ^"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseGuardError {
    kind: ParseErrorKind,
    offset: usize,
    line: usize,
    column: usize,
}

impl ParseGuardError {
    /// An error at the byte `offset` of `text`, which is at a character's start.
    pub(super) fn new(kind: ParseErrorKind, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            kind,
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where, in bytes from the start of the text.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Where, in lines from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Where in its line, in characters from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// The code of the cause: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }

    /// The line of `text` with a caret under the place; a long line is cut, and what a terminal would obey is replaced.
    #[must_use]
    pub fn snippet<'t>(&self, text: &'t str) -> impl fmt::Display + 't {
        Snippet {
            line: text.split('\n').nth(self.line - 1).unwrap_or_default(),
            column: self.column,
        }
    }
}

impl fmt::Display for ParseGuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.kind
        )
    }
}

impl Error for ParseGuardError {}

/// What is wrong with a guard's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else was expected.
    Expected(Expected),
    /// An operator in another language's spelling; this is ours.
    Foreign(&'static str),
    /// The number is not whole, or takes more than 64 bits.
    Integer,
    /// The name is not one that the atom takes.
    Name(GuardError),
    /// The text is no permission's name.
    Permission(PermissionError),
    /// A list of `claim` is given twice.
    Repeated,
    /// The string has no end, or an escape that JSON does not know, or a bare control character.
    String,
    /// Parentheses or operators are nested deeper than [`Guard::MAX_DEPTH`].
    TooDeep,
    /// The text is longer than [`Guard::MAX_TEXT`] bytes or has more than [`Guard::MAX_ATOMS`] atoms.
    TooLarge,
    /// There is no atom of this name; perhaps one of a similar name was meant.
    UnknownAtom(Option<&'static str>),
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(expected) => write!(f, "expected {expected}"),
            Self::Foreign(ours) => write!(f, "the operators are `&`, `|` and `~`: write `{ours}`"),
            Self::Integer => f.write_str("numbers are whole and take 64 bits"),
            Self::Name(error) => error.fmt(f),
            Self::Permission(error) => error.fmt(f),
            Self::Repeated => f.write_str("this list is given twice"),
            Self::String => f.write_str("expected a string in double quotes, with JSON's escapes"),
            Self::TooDeep => write!(f, "guards are nested at most {} deep", Guard::MAX_DEPTH),
            Self::TooLarge => {
                write!(
                    f,
                    "a guard's text has at most {} bytes and {} atoms",
                    Guard::MAX_TEXT,
                    Guard::MAX_ATOMS
                )
            }
            Self::UnknownAtom(None) => f.write_str("there is no such atom"),
            Self::UnknownAtom(Some(similar)) => {
                write!(f, "there is no such atom; did you mean `{similar}`?")
            }
        }
    }
}

/// What could have stood at the place of the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// `=` after the name of a list.
    Assignment,
    /// `)`.
    Closing,
    /// `&`, `|` or the end of the text.
    End,
    /// An atom, `~` or `(`.
    Guard,
    /// `[`.
    List,
    /// `any`, `all` or `none`.
    ListName,
    /// `,` or `]`.
    ListRest,
    /// `(`.
    Opening,
    /// `,` or `)`.
    Rest,
    /// A string.
    String,
    /// A string, a whole number, `true` or `false`.
    Value,
    /// `&`, `|` or `)`.
    Within,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assignment => "`=`",
            Self::Closing => "`)`",
            Self::End => "`&`, `|` or the end",
            Self::Guard => "an atom such as `staff` or `perm(\"…\")`, `~` or `(`",
            Self::List => "`[`",
            Self::ListName => "`any`, `all` or `none`",
            Self::ListRest => "`,` or `]`",
            Self::Opening => "`(`",
            Self::Rest => "`,` or `)`",
            Self::String => "a string in double quotes",
            Self::Value => "a string in double quotes, a whole number, `true` or `false`",
            Self::Within => "`&`, `|` or `)`",
        })
    }
}

struct Snippet<'t> {
    line: &'t str,
    column: usize,
}

impl fmt::Display for Snippet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.column.saturating_sub(CONTEXT + 1);
        let cut = first > 0;
        if cut {
            f.write_char('…')?;
        }
        for c in self.line.chars().skip(first).take(2 * CONTEXT) {
            f.write_char(if c == '\t' { ' ' } else { printable(c) })?;
        }
        f.write_char('\n')?;
        let indent = self.column - 1 - first + usize::from(cut);
        write!(f, "{:indent$}^", "")
    }
}

fn printable(c: char) -> char {
    if super::write::needs_escape(c) {
        char::REPLACEMENT_CHARACTER
    } else {
        c
    }
}

/// How many characters a snippet shows before the place, and after it.
const CONTEXT: usize = 60;
