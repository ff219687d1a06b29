//! Claims as the types of an application.

mod claim;

use std::error::Error;
use std::fmt;

use serde::de::{self, DeserializeOwned};
use serde_json::Value;

use self::claim::Claim;
use crate::AdmittedClaims;

impl AdmittedClaims {
    /// Returns the claims as a type of the application, such as a struct with the claims that it uses.
    ///
    /// A date can be an integer or have a fraction, RFC 7519 §2. [`NumericDate`](boltguard_types::NumericDate) accepts
    /// both, and an integer type accepts `1300819380.0`.
    ///
    /// ```
    /// use boltguard_jwt::AdmittedClaims;
    /// use boltguard_types::NumericDate;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Session {
    ///     sub: String,
    ///     exp: NumericDate,
    ///     #[serde(default)]
    ///     roles: Vec<String>,
    /// }
    ///
    /// fn log(claims: &AdmittedClaims) {
    ///     match claims.deserialize::<Session>() {
    ///         Ok(session) => println!("{} has {} roles", session.sub, session.roles.len()),
    ///         Err(error) => println!("{error}"), // the claim roles[2] has another type or value than expected
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DeserializeError`] if a claim is missing, not expected, or has another type or value than expected.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, DeserializeError> {
        deserialize(self.as_json())
    }
}

fn deserialize<T: DeserializeOwned>(json: &str) -> Result<T, DeserializeError> {
    serde_json::from_str(json).or_else(|_| deserialize_again(json))
}

/// Deserializes claims after an error. The error of `serde_json` has no path, but values.
#[cold]
fn deserialize_again<T: DeserializeOwned>(json: &str) -> Result<T, DeserializeError> {
    let value: Value =
        serde_json::from_str(json).map_err(<DeserializeError as de::Error>::custom)?;
    T::deserialize(Claim(&value))
}

/// The claims don't have the form that the application expects.
///
/// It contains the path of the claim, but no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeserializeError {
    /// The segments, from the last one to the first one.
    path: Vec<Segment>,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Element(usize),
    Member(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Mismatch,
    Missing,
    Unexpected,
}

impl DeserializeError {
    /// Returns the path of the claim, such as `address.lines[2]`. It is empty if the error concerns all claims.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.path.iter().rev() {
            match segment {
                Segment::Element(index) => path.push_str(&format!("[{index}]")),
                Segment::Member(name) if path.is_empty() => path.push_str(name),
                Segment::Member(name) => path.extend([".", name]),
            }
        }
        path
    }

    fn of_member(name: &str, problem: Problem) -> Self {
        Self {
            path: vec![Segment::Member(name.into())],
            problem,
        }
    }

    fn within(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }
}

impl fmt::Display for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        match self.problem {
            Problem::Mismatch if path.is_empty() => {
                f.write_str("the claims have another type or value than expected")
            }
            Problem::Mismatch => {
                write!(
                    f,
                    "the claim {path} has another type or value than expected"
                )
            }
            Problem::Missing => write!(f, "the claim {path} is missing"),
            Problem::Unexpected => write!(f, "the claim {path} is not expected"),
        }
    }
}

impl Error for DeserializeError {}

/// The messages are ignored, because they contain values.
impl de::Error for DeserializeError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self {
            path: Vec::new(),
            problem: Problem::Mismatch,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of_member(field, Problem::Missing)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::of_member(field, Problem::Unexpected)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use boltguard_types::NumericDate;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Profile {
        iat: i64,
        exp: Option<NumericDate>,
        age: Option<u8>,
        address: Address,
        level: Level,
        limits: BTreeMap<u32, i32>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Address {
        city: String,
        #[serde(default)]
        lines: Vec<String>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        #[default]
        Basic,
        Custom {
            rank: u32,
        },
    }

    #[track_caller]
    fn error(json: &str) -> DeserializeError {
        deserialize::<Profile>(json).unwrap_err()
    }

    #[test]
    fn errors_name_the_path_of_the_claim() {
        for (json, path, problem) in [
            (r#"{"age":"SECRET"}"#, "age", Problem::Mismatch),
            (r#"{"age":256}"#, "age", Problem::Mismatch),
            (r#"{"age":1.5}"#, "age", Problem::Mismatch),
            (r#"{"exp":"SECRET"}"#, "exp", Problem::Mismatch),
            (
                r#"{"address":{"lines":[]}}"#,
                "address.city",
                Problem::Missing,
            ),
            (
                r#"{"address":{"city":"a","lines":["b",true]}}"#,
                "address.lines[1]",
                Problem::Mismatch,
            ),
            (r#"{"address":null}"#, "address", Problem::Mismatch),
            (r#"{"level":"SECRET"}"#, "level", Problem::Mismatch),
            (
                r#"{"level":{"custom":{"rank":-1}}}"#,
                "level.custom.rank",
                Problem::Mismatch,
            ),
            (
                r#"{"level":{"custom":{}}}"#,
                "level.custom.rank",
                Problem::Missing,
            ),
            (
                r#"{"limits":{"1":2,"3":"SECRET"}}"#,
                "limits.3",
                Problem::Mismatch,
            ),
            (r#"{"other":"SECRET"}"#, "other", Problem::Unexpected),
            (r#"["SECRET"]"#, "[0]", Problem::Mismatch),
            (r#""SECRET""#, "", Problem::Mismatch),
        ] {
            let error = error(json);
            assert_eq!(
                (error.path().as_str(), error.problem),
                (path, problem),
                "{json}"
            );
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{json}");
        }
    }

    #[test]
    fn messages_name_the_claim() {
        for (json, message) in [
            (
                r#"{"age":""}"#,
                "the claim age has another type or value than expected",
            ),
            (r#"{"address":{}}"#, "the claim address.city is missing"),
            (r#"{"other":1}"#, "the claim other is not expected"),
            ("1", "the claims have another type or value than expected"),
        ] {
            assert_eq!(error(json).to_string(), message);
        }
    }

    #[test]
    fn whole_numbers_with_a_fraction_are_integers() {
        let json = r#"{"iat":1300819380.0,"exp":1300819380.5,"age":4e1,"address":{"city":"a","lines":["b"]},
            "level":{"custom":{"rank":1.0}},"limits":{"7":-1.0}}"#;
        let found: Profile = deserialize(json).unwrap();
        let expected = Profile {
            iat: 1_300_819_380,
            exp: NumericDate::from_f64(1_300_819_380.5),
            age: Some(40),
            address: Address {
                city: "a".to_owned(),
                lines: vec!["b".to_owned()],
            },
            level: Level::Custom { rank: 1 },
            limits: BTreeMap::from([(7, -1)]),
        };
        assert_eq!(found, expected);
        for json in [r#"{"iat":1.5}"#, r#"{"iat":1e300}"#, r#"{"age":-1.0}"#] {
            assert!(deserialize::<Profile>(json).is_err(), "{json}");
        }
    }
}
