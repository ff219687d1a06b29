//! Numbers, compared with the standard library and `serde_json`.

use boltguard_encoding::json::{JsonError, Reader};
use proptest::prelude::*;

fn read(text: &str) -> Result<(String, f64, Option<i64>), JsonError> {
    let mut reader = Reader::new(text);
    let number = reader.number()?;
    reader.finish()?;
    Ok((number.as_str().to_owned(), number.as_f64(), number.as_i64()))
}

/// Returns the double that the standard library reads, which accepts each number of JSON.
fn expected(text: &str) -> Option<f64> {
    text.parse().ok().filter(|double: &f64| double.is_finite())
}

#[test]
fn numbers_at_the_edges_are_exact() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "9007199254740993",
        "0.1",
        "1e23",
        "2.2250738585072014e-308",
        "5e-324",
        "2e-324",
        "1.7976931348623157e308",
        "123456789012345678901234567890.123456789e-20",
        "1E+2",
        "1e-0",
        "0e99999",
        "-0e-99999",
    ] {
        let (written, double, whole) = read(text).unwrap();
        assert_eq!(written, text);
        assert_eq!(Some(double), expected(text), "{text}");
        assert_eq!(whole, text.parse().ok(), "{text}");
    }
}

#[test]
fn a_number_without_a_finite_double_is_refused_at_any_length() {
    for digits in [290, 299, 300, 301, 302, 308, 309] {
        let ones = "1".repeat(digits);
        for text in [
            ones.clone(),
            format!("-{ones}"),
            format!("{ones}.5"),
            format!("{ones}e0"),
        ] {
            assert_eq!(
                read(&text).is_ok(),
                digits <= 309 && expected(&text).is_some(),
                "{text}"
            );
        }
        let nines = "9".repeat(digits);
        assert_eq!(
            read(&nines).ok().map(|read| read.1),
            expected(&nines),
            "{nines}"
        );
    }
    for text in [
        "1.8e308",
        "-1.8e308",
        "1e309",
        "1e99999999999999999999",
        "0.1e310",
        &format!("{}e-1", "9".repeat(310)),
    ] {
        assert_eq!(read(text).err(), Some(JsonError::NumberRange), "{text}");
    }
    assert!(read("1e-99999999999999999999").is_ok());
}

proptest! {
    #[test]
    fn a_number_says_what_it_says_elsewhere(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?") {
        let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
        match read(&text) {
            Ok((written, double, whole)) => {
                prop_assert_eq!(Some(double), expected(&text));
                prop_assert_eq!(theirs.unwrap().as_f64(), Some(double));
                prop_assert_eq!(whole, text.parse().ok());
                prop_assert_eq!(written, text);
            }
            Err(error) => {
                prop_assert_eq!(error, JsonError::NumberRange);
                prop_assert!(theirs.is_err() && expected(&text).is_none());
            }
        }
    }

    #[test]
    fn both_readers_agree_about_numbers(text in "[-+.eE0-9]{1,8}") {
        prop_assert_eq!(read(&text).is_ok(), serde_json::from_str::<f64>(&text).is_ok(), "{}", text);
    }
}
