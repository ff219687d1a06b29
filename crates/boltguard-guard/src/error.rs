//! Why a guard can't be built.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

use crate::Guard;

/// A guard can't be built of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardError {
    /// A backend's name is empty, or holds white space or a control character.
    BackendName,
    /// A check's name is empty or holds a control character.
    CheckName,
    /// A claim's name is empty.
    ClaimName,
    /// A list of values of a claim test is empty: the test would ask for less than it says.
    ClaimValues,
    /// A list of guards or permissions is empty: it would let everybody in, or nobody, unasked.
    Empty,
    /// A scope is empty, or holds white space or a control character, so that nobody could ever hold it.
    ScopeName,
    /// The guard is nested deeper than [`Guard::MAX_DEPTH`], has more than [`Guard::MAX_ATOMS`] atoms, or a text of
    /// more than [`Guard::MAX_TEXT`] bytes.
    TooLarge,
}

impl GuardError {
    /// The code of the cause: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackendName => {
                "a backend's name is not empty and holds no white space and no control character"
            }
            Self::CheckName => "a check's name is not empty and holds no control character",
            Self::ClaimName => "a claim's name is not empty",
            Self::ClaimValues => {
                "a list of claim values is empty: give at least one value, or omit the list"
            }
            Self::Empty => "the list is empty: name at least one, or say `deny_all` or `allow_any`",
            Self::ScopeName => {
                "a scope is not empty and holds no white space and no control character"
            }
            Self::TooLarge => return too_large(f),
        })
    }
}

fn too_large(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "a guard is nested at most {} deep, and has at most {} atoms and a text of {} bytes: \
         grant one permission for many, or ask a check of your own",
        Guard::MAX_DEPTH,
        Guard::MAX_ATOMS,
        Guard::MAX_TEXT
    )
}

impl Error for GuardError {}
