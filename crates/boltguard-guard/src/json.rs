//! Serialization of guards: as a string with serde, or as a JSON document with a version.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;
use serde::de::Visitor;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Guard, GuardError, ParseGuardError};

impl Guard {
    /// The version of the string syntax, which is part of the JSON document.
    pub const VERSION: u64 = 1;

    /// Serializes the guard to a JSON document with a version, such as `{"version":1,"guard":"staff"}`.
    ///
    /// # Errors
    ///
    /// [`GuardError::TooLarge`] if [`from_json`](Self::from_json) would reject the guard.
    pub fn to_json(&self) -> Result<String, GuardError> {
        let guard = serde_json::Value::from(self.checked_string()?);
        Ok(format!(
            r#"{{"version":{},"guard":{guard}}}"#,
            Self::VERSION
        ))
    }

    /// Parses a document of [`to_json`](Self::to_json).
    ///
    /// ```
    /// use boltguard_guard::{Guard, GuardDocumentError};
    ///
    /// let guard = Guard::from_json(r#"{"version": 1, "guard": "staff & perm(\"blog.add\")"}"#)?;
    /// assert_eq!(guard.to_json()?, r#"{"version":1,"guard":"staff & perm(\"blog.add\")"}"#);
    /// let newer = Guard::from_json(r#"{"version": 2, "guard": {"staff": true}}"#);
    /// assert_eq!(newer, Err(GuardDocumentError::Version));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`GuardDocumentError::Guard`] if the string isn't a valid guard.
    /// - [`GuardDocumentError::Json`] if the document isn't a JSON object with exactly `version` and `guard`.
    /// - [`GuardDocumentError::Version`] if the version isn't 1. The rest of the document is ignored then.
    pub fn from_json(json: &str) -> Result<Self, GuardDocumentError> {
        let Head { version } = read(json)?;
        if version != Self::VERSION {
            return Err(GuardDocumentError::Version);
        }
        let document: Document = read(json)?;
        document.guard.parse().map_err(GuardDocumentError::Guard)
    }

    /// Returns the string of the guard, if it is within the limits.
    pub(crate) fn checked_string(&self) -> Result<String, GuardError> {
        // The cheapest check comes first.
        if self.atoms().count() > Self::MAX_ATOMS || self.depth() > Self::MAX_DEPTH {
            return Err(GuardError::TooLarge);
        }
        let string = self.to_string();
        if string.len() > Self::MAX_LENGTH {
            Err(GuardError::TooLarge)
        } else {
            Ok(string)
        }
    }
}

/// The part of a document that all versions have in common.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u64,
    guard: String,
}

fn read<'j, T: Deserialize<'j>>(json: &'j str) -> Result<T, GuardDocumentError> {
    serde_json::from_str(json).map_err(|error| GuardDocumentError::Json {
        line: error.line(),
        column: error.column(),
    })
}

/// The error of a JSON document that isn't a valid guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardDocumentError {
    /// The string isn't a valid guard. The position is relative to that string.
    Guard(ParseGuardError),
    /// The document isn't valid JSON, or not an object with `version` and `guard`.
    Json {
        /// The line of the error, starting at 1.
        line: usize,
        /// The column of the error, in bytes.
        column: usize,
    },
    /// The version isn't supported.
    Version,
}

impl GuardDocumentError {
    /// Returns the reason code: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }
}

impl fmt::Display for GuardDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guard(error) => write!(f, "in `guard`, {error}"),
            Self::Json { line, column } => {
                write!(
                    f,
                    "line {line}, column {column}: expected an object with exactly `version` and `guard`"
                )
            }
            Self::Version => write!(
                f,
                "unsupported version of the guard document; expected {}",
                Guard::VERSION
            ),
        }
    }
}

impl Error for GuardDocumentError {}

/// Serializes the guard as a string in its own syntax.
impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.checked_string().map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Guard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(GuardVisitor)
    }
}

struct GuardVisitor;

impl Visitor<'_> for GuardVisitor {
    type Value = Guard;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a guard such as `staff & perm(\"blog.add\")`")
    }

    fn visit_str<E: serde::de::Error>(self, guard: &str) -> Result<Guard, E> {
        guard.parse().map_err(E::custom)
    }
}
