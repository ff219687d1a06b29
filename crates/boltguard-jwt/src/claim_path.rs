//! The paths of claims.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The path of a claim: the name of a member, or a dotted path such as `realm_access.roles`.
///
/// A claim whose whole name is the path is used first, such as `https://example.com/roles`. Otherwise, the path is
/// split at every dot, and each part is the name of a member of the object before it.
///
/// ```
/// use boltguard_jwt::{ClaimPath, ClaimPathError};
///
/// let path = ClaimPath::new("realm_access.roles")?;
/// assert_eq!(path.as_str(), "realm_access.roles");
/// assert_eq!(ClaimPath::new("realm_access..roles"), Err(ClaimPathError::EmptyPart));
/// # Ok::<(), ClaimPathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimPath(Box<str>);

impl ClaimPath {
    /// The maximum length in bytes.
    pub const MAX_LENGTH: usize = 256;
    /// The maximum number of parts.
    pub const MAX_DEPTH: usize = 16;

    /// Creates a path.
    ///
    /// # Errors
    ///
    /// - [`ClaimPathError::Control`] if it contains a control character.
    /// - [`ClaimPathError::EmptyPart`] if it is empty, starts or ends with a dot, or contains two dots in a row.
    /// - [`ClaimPathError::TooLong`] if it is longer than [`MAX_LENGTH`](Self::MAX_LENGTH).
    /// - [`ClaimPathError::TooDeep`] if it has more than [`MAX_DEPTH`](Self::MAX_DEPTH) parts.
    pub fn new(path: &str) -> Result<Self, ClaimPathError> {
        if path.len() > Self::MAX_LENGTH {
            return Err(ClaimPathError::TooLong);
        }
        if path.contains(char::is_control) {
            return Err(ClaimPathError::Control);
        }
        if path.split('.').any(str::is_empty) {
            return Err(ClaimPathError::EmptyPart);
        }
        if path.split('.').count() > Self::MAX_DEPTH {
            return Err(ClaimPathError::TooDeep);
        }
        Ok(Self(path.into()))
    }

    /// Creates a path from a name without dots and control characters.
    pub(crate) fn of_name(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the path as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first part, and the other parts if there are any.
    pub(crate) fn split(&self) -> (&str, Option<&str>) {
        match self.0.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (&self.0, None),
        }
    }
}

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(path: &str) -> Result<Self, ClaimPathError> {
        Self::new(path)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error of a string that isn't the path of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimPathError {
    /// The path contains a control character.
    Control,
    /// The path is empty, starts or ends with a dot, or contains two dots in a row.
    EmptyPart,
    /// The path has more than [`ClaimPath::MAX_DEPTH`] parts.
    TooDeep,
    /// The path is longer than [`ClaimPath::MAX_LENGTH`] bytes.
    TooLong,
}

impl fmt::Display for ClaimPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control => {
                f.write_str("the path of a claim must not contain control characters")
            }
            Self::EmptyPart => f.write_str(
                "the path of a claim has an empty part; use the name of a claim, or names separated by single dots, \
                 such as realm_access.roles",
            ),
            Self::TooDeep => write!(
                f,
                "the path of a claim can have at most {} parts",
                ClaimPath::MAX_DEPTH
            ),
            Self::TooLong => write!(
                f,
                "the path of a claim can have at most {} bytes",
                ClaimPath::MAX_LENGTH
            ),
        }
    }
}

impl Error for ClaimPathError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_checked() {
        for valid in [
            "roles",
            "a.b.c",
            "https://example.com/roles",
            "cognito:groups",
            "a b",
        ] {
            assert_eq!(
                ClaimPath::new(valid).map(|path| path.to_string()),
                Ok(valid.into())
            );
        }
        for empty in ["", ".", ".a", "a.", "a..b"] {
            assert_eq!(
                ClaimPath::new(empty),
                Err(ClaimPathError::EmptyPart),
                "{empty}"
            );
        }
        assert_eq!(ClaimPath::new("a\nb"), Err(ClaimPathError::Control));
        let deep = |parts| vec!["a"; parts].join(".");
        assert!(ClaimPath::new(&deep(ClaimPath::MAX_DEPTH)).is_ok());
        assert_eq!(
            ClaimPath::new(&deep(ClaimPath::MAX_DEPTH + 1)),
            Err(ClaimPathError::TooDeep)
        );
        assert!(ClaimPath::new(&"a".repeat(ClaimPath::MAX_LENGTH)).is_ok());
        assert_eq!(
            ClaimPath::new(&"a".repeat(ClaimPath::MAX_LENGTH + 1)),
            Err(ClaimPathError::TooLong)
        );
    }
}
