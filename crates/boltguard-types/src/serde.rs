//! Deserialization of the types in claims.

use std::fmt;

use ::serde::de::{Error, Visitor};
use ::serde::{Deserialize, Deserializer};

use crate::{KeyId, NumericDate, Subject, TokenId};

macro_rules! string {
    ($($name:ident),*) => {
        $(
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer).map(Self::from)
                }
            }
        )*
    };
}

string!(KeyId, Subject, TokenId);

/// From an integer or a number with a fraction, RFC 7519 §2.
impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
        Ok(NumericDate::from_secs(seconds))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        #[expect(clippy::cast_precision_loss, reason = "as for any other date")]
        self.visit_f64(seconds as f64)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        NumericDate::from_f64(seconds).ok_or_else(|| E::custom("the date is not finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_integers_or_have_a_fraction() {
        for (json, seconds) in [
            ("1300819380", 1_300_819_380.0),
            ("1300819380.0", 1_300_819_380.0),
            ("1300819380.5", 1_300_819_380.5),
            ("-1", -1.0),
            ("18446744073709551615", 18_446_744_073_709_551_615.0),
        ] {
            let date: NumericDate = serde_json::from_str(json).unwrap();
            assert_eq!(date.as_f64(), seconds);
        }
        for json in [r#""1300819380""#, "null", "true", "[1]"] {
            assert!(serde_json::from_str::<NumericDate>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn identifiers_are_strings() {
        let subject: Subject = serde_json::from_str(r#""\u0061da""#).unwrap();
        assert_eq!(subject.as_str(), "ada");
        assert!(serde_json::from_str::<TokenId>("1").is_err());
    }
}
