//! Guards in settings and files: a string in serde's formats, or a JSON document with a version.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;
use serde::de::Visitor;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Guard, GuardError, ParseGuardError};

impl Guard {
    /// The version of the text form, which [`to_json`](Self::to_json) writes.
    pub const VERSION: u64 = 1;

    /// Writes the guard with the version of its form: `{"version":1,"guard":"staff"}`.
    ///
    /// # Errors
    ///
    /// [`GuardError::TooLarge`] for what [`from_json`](Self::from_json) would refuse.
    pub fn to_json(&self) -> Result<String, GuardError> {
        let text = serde_json::Value::from(self.checked_text()?);
        Ok(format!(r#"{{"version":{},"guard":{text}}}"#, Self::VERSION))
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
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
    /// - [`GuardDocumentError::Guard`] if the text in it is no guard.
    /// - [`GuardDocumentError::Json`] if it is not a JSON object with `version` and `guard`, once each and no more.
    /// - [`GuardDocumentError::Version`] for a version other than 1, whatever else is in it.
    pub fn from_json(json: &str) -> Result<Self, GuardDocumentError> {
        let Head { version } = read(json)?;
        if version != Self::VERSION {
            return Err(GuardDocumentError::Version);
        }
        let document: Document = read(json)?;
        document.guard.parse().map_err(GuardDocumentError::Guard)
    }

    /// The text, if it can be read again.
    pub(crate) fn checked_text(&self) -> Result<String, GuardError> {
        // In this order: counting is cheaper than looking at how they are nested, and that than writing them down.
        if self.atoms().count() > Self::MAX_ATOMS || self.depth() > Self::MAX_DEPTH {
            return Err(GuardError::TooLarge);
        }
        let text = self.to_string();
        if text.len() > Self::MAX_TEXT {
            Err(GuardError::TooLarge)
        } else {
            Ok(text)
        }
    }
}

/// All of a document that another version must have too.
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

/// A JSON document holds no guard that this version can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardDocumentError {
    /// The text in it is no guard; the place is one of that text.
    Guard(ParseGuardError),
    /// It is not the JSON of a guard.
    Json {
        /// Where reading stopped, in lines from 1.
        line: usize,
        /// Where reading stopped in its line, in bytes.
        column: usize,
    },
    /// It is of another version.
    Version,
}

impl GuardDocumentError {
    /// The code of the cause: [`ReasonCode::GuardInvalid`].
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
                    "line {line}, column {column}: expected an object of `version` and `guard`"
                )
            }
            Self::Version => write!(f, "only guards of version {} can be read", Guard::VERSION),
        }
    }
}

impl Error for GuardDocumentError {}

/// The text form, as a string.
impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.checked_text().map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Guard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Guard;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a guard such as `staff & perm(\"blog.add\")`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Guard, E> {
        text.parse().map_err(E::custom)
    }
}
