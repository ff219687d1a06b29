//! Errors in building a guard.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

use crate::Guard;

/// The error of a guard that can't be built from its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardError {
    /// A list of authentication context classes is empty, or one of them isn't a string of visible ASCII characters
    /// without quotes and backslashes.
    AcrValues,
    /// A backend name is empty, or contains whitespace or a control character.
    BackendName,
    /// A check name is empty, or contains a control character.
    CheckName,
    /// A claim name is empty.
    ClaimName,
    /// A list of values of a claim test is empty, so the test would require less than it appears to.
    ClaimValues,
    /// A list of guards, permissions or roles is empty, so it would allow or deny every caller.
    Empty,
    /// The largest age of an authentication isn't a positive number of seconds.
    MaxAge,
    /// A role is empty, starts or ends with whitespace, or contains a control character, so no caller can have it.
    RoleName,
    /// A scope is empty, or contains whitespace or a control character, so no caller can have it.
    ScopeName,
    /// The guard is nested deeper than [`Guard::MAX_DEPTH`], has more than [`Guard::MAX_ATOMS`] atoms, or is longer
    /// than [`Guard::MAX_LENGTH`] bytes as a string.
    TooLarge,
}

impl GuardError {
    /// Returns the reason code: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcrValues => {
                "acr values must be visible ASCII characters without quotes and backslashes, and a list of them must not be empty"
            }
            Self::BackendName => {
                "a backend name must not be empty, or contain whitespace or control characters"
            }
            Self::CheckName => "a check name must not be empty, or contain control characters",
            Self::ClaimName => "a claim name must not be empty",
            Self::ClaimValues => "a list of claim values is empty; add a value, or omit the list",
            Self::Empty => "the list is empty; add an item, or use `deny_all` or `allow_any`",
            Self::MaxAge => "the largest age of an authentication must be a positive number of whole seconds, below 2^32",
            Self::RoleName => {
                "a role must not be empty, start or end with whitespace, or contain control characters"
            }
            Self::ScopeName => {
                "a scope must not be empty, or contain whitespace or control characters"
            }
            Self::TooLarge => return too_large(f),
        })
    }
}

fn too_large(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "the guard is too large: at most {} levels, {} atoms and {} bytes are supported; \
         replace several permissions with one, or use a custom check",
        Guard::MAX_DEPTH,
        Guard::MAX_ATOMS,
        Guard::MAX_LENGTH
    )
}

impl Error for GuardError {}
