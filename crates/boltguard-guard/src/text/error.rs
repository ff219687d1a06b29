//! Errors in the string of a guard.

use std::error::Error;
use std::fmt::{self, Write as _};

use boltguard_types::{PermissionError, ReasonCode};

use crate::{Guard, GuardError};

/// The error of a string that isn't a valid guard, with its position.
///
/// ```
/// use boltguard_guard::Guard;
///
/// let text = r#"authenticated & permm("blog.add")"#;
/// let error = text.parse::<Guard>().unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 17: unknown atom; did you mean `perm`?");
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
    /// Creates an error at the byte `offset` of `source`, which must be a character boundary.
    pub(super) fn new(kind: ParseErrorKind, source: &str, offset: usize) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            kind,
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Returns the position in bytes, starting at 0.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the line, starting at 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, starting at 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Returns the reason code: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }

    /// Returns the line of `text`, which is the parsed string, with a caret below the position.
    ///
    /// Long lines are truncated, and characters that a terminal would interpret are replaced.
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

/// The kind of a [`ParseGuardError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The arguments of the atom aren't valid.
    Argument(GuardError),
    /// Something else is expected at the position.
    Expected(Expected),
    /// An operator of another language, such as `and`. The value is the operator to use instead.
    ForeignOperator(&'static str),
    /// The number isn't an integer of 64 bits.
    Integer,
    /// The permission name isn't valid.
    Permission(PermissionError),
    /// A list of `claim` occurs twice.
    Repeated,
    /// The string isn't a JSON string: it is in single quotes or unterminated, or contains an invalid escape or an
    /// unescaped control character.
    String,
    /// Parentheses or operators are nested deeper than [`Guard::MAX_DEPTH`].
    TooDeep,
    /// The string is longer than [`Guard::MAX_LENGTH`] bytes or has more than [`Guard::MAX_ATOMS`] atoms.
    TooLarge,
    /// The atom is unknown. The value is an atom with a similar name.
    UnknownAtom(Option<&'static str>),
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Expected(expected) => write!(f, "expected {expected}"),
            Self::ForeignOperator(operator) => write!(
                f,
                "unknown operator; use `{operator}` (the operators are `&`, `|` and `~`)"
            ),
            Self::Integer => f.write_str("expected an integer of 64 bits"),
            Self::Permission(error) => error.fmt(f),
            Self::Repeated => f.write_str("this list occurs twice"),
            Self::String => {
                f.write_str("expected a string in double quotes, with the escapes of JSON")
            }
            Self::TooDeep => write!(
                f,
                "the guard is nested too deeply; at most {} levels are supported",
                Guard::MAX_DEPTH
            ),
            Self::TooLarge => {
                write!(
                    f,
                    "the guard is too long; at most {} bytes and {} atoms are supported",
                    Guard::MAX_LENGTH,
                    Guard::MAX_ATOMS
                )
            }
            Self::UnknownAtom(None) => f.write_str("unknown atom"),
            Self::UnknownAtom(Some(similar)) => {
                write!(f, "unknown atom; did you mean `{similar}`?")
            }
        }
    }
}

/// The tokens that are valid at the position of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// `acr`.
    Acr,
    /// `=` after the name of a list.
    Assignment,
    /// `)`.
    Closing,
    /// `&`, `|` or the end of the string.
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
    /// A string, an integer, `true` or `false`.
    Value,
    /// `&`, `|` or `)`.
    Within,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assignment => "`=`",
            Self::Closing => "`)`",
            Self::Acr => "`acr`",
            Self::End => "`&`, `|` or the end",
            Self::Guard => "an atom such as `staff` or `perm(\"…\")`, `~` or `(`",
            Self::List => "`[`",
            Self::ListName => "`any`, `all` or `none`",
            Self::ListRest => "`,` or `]`",
            Self::Opening => "`(`",
            Self::Rest => "`,` or `)`",
            Self::String => "a string in double quotes",
            Self::Value => "a string in double quotes, an integer, `true` or `false`",
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
        let truncated = first > 0;
        if truncated {
            f.write_char('…')?;
        }
        for c in self.line.chars().skip(first).take(2 * CONTEXT) {
            f.write_char(if c == '\t' { ' ' } else { printable(c) })?;
        }
        f.write_char('\n')?;
        let indent = self.column - 1 - first + usize::from(truncated);
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

/// The number of characters in a snippet before and after the position.
const CONTEXT: usize = 60;
