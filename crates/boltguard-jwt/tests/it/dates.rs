//! `exp`, `nbf` and `iat`, RFC 7519 §4.1.4 to §4.1.6.

use std::time::Duration;

use boltguard_jwt::{ClaimsError, ClaimsPolicy};
use boltguard_types::{NumericDate, ReasonCode};

use crate::{
    NOW, admit, admit_at, assert_admitted, assert_reason, assert_refused, expired, lenient,
    missing, wrong_type,
};

/// JSON values that aren't numbers, RFC 7519 §2.
const NO_NUMBERS: [&str; 10] = [
    r#""1800000000""#,
    "true",
    "false",
    "null",
    "[]",
    "[1800000000]",
    "{}",
    r#""Infinity""#,
    r#""""#,
    r#""NaN""#,
];

/// Values that aren't JSON, RFC 8259 §6.
const NO_JSON: [&str; 16] = [
    "NaN",
    "Infinity",
    "-Infinity",
    "+1800000000",
    "01800000000",
    "0x6b49d200",
    "1_800_000_000",
    "1800000000.",
    ".18e10",
    "18e",
    "1e400",
    "-1e400",
    "1800000000L",
    "''",
    "１８",
    "",
];

fn with(name: &str, value: impl std::fmt::Display) -> String {
    format!(r#"{{"{name}":{value}}}"#)
}

fn leeway(seconds: f64) -> ClaimsPolicy {
    ClaimsPolicy::new().with_leeway(Duration::from_secs_f64(seconds))
}

fn assert_at(policy: &ClaimsPolicy, payload: &str, now: f64, expected: Result<(), ReasonCode>) {
    let verdict = admit_at(policy, payload, NumericDate::from_f64(now).unwrap());
    let verdict = verdict.map(drop).map_err(|error| error.code());
    assert_eq!(verdict, expected, "{payload} at {now}");
}

#[test]
fn a_token_ends_when_exp_begins() {
    let policy = ClaimsPolicy::new();
    let payload = with("exp", NOW);
    let now = NOW as f64;
    assert_at(&policy, &payload, now - 1.0, Ok(()));
    assert_at(&policy, &payload, now - 0.001, Ok(()));
    assert_at(&policy, &payload, now, Err(ReasonCode::TokenExpired));
    assert_at(
        &policy,
        &payload,
        now + 0.001,
        Err(ReasonCode::TokenExpired),
    );
    assert_at(&policy, &payload, f64::MAX, Err(ReasonCode::TokenExpired));
}

#[test]
fn exp_may_be_any_json_number() {
    assert_admitted(
        &ClaimsPolicy::new(),
        &[
            r#"{"exp":1700000001}"#,
            r#"{"exp":1700000000.5}"#,
            r#"{"exp":1.8e9}"#,
            r#"{"exp":1.8E+9}"#,
            r#"{"exp":18000000000000000e-7}"#,
            r#"{"exp":18446744073709551615}"#,
            r#"{"exp":18446744073709551616}"#,
            r#"{"exp":99999999999999999999999999999999999999}"#,
            r#"{"exp":1.7e308}"#,
        ],
    );
    assert_reason(
        &ClaimsPolicy::new(),
        &[
            r#"{"exp":1700000000}"#,
            r#"{"exp":1699999999.999}"#,
            r#"{"exp":1.7e9}"#,
            r#"{"exp":0}"#,
            r#"{"exp":-0}"#,
            r#"{"exp":-0.0}"#,
            r#"{"exp":1e-400}"#,
            r#"{"exp":-1}"#,
            r#"{"exp":-1800000000}"#,
            r#"{"exp":-9223372036854775809}"#,
            r#"{"exp":-1.7e308}"#,
        ],
        ReasonCode::TokenExpired,
    );
}

#[test]
fn values_that_are_not_numbers_are_not_dates() {
    for name in ["exp", "nbf", "iat"] {
        for value in NO_NUMBERS {
            assert_eq!(
                admit(&lenient(), with(name, value)).err(),
                Some(wrong_type(name)),
                "{name} {value}"
            );
        }
        for value in NO_JSON {
            assert_eq!(
                admit(&lenient(), with(name, value)).err(),
                Some(ClaimsError::Malformed),
                "{name} {value}"
            );
        }
    }
}

#[test]
fn exp_is_required_by_default() {
    assert_refused(
        &ClaimsPolicy::new(),
        &["{}", r#"{"EXP":1800000000}"#, r#"{"exp ":1800000000}"#],
        missing("exp"),
    );
    assert_refused(&ClaimsPolicy::default(), &["{}"], missing("exp"));
    assert_admitted(&lenient(), &["{}"]);
    // If present, it is checked.
    assert_refused(
        &lenient(),
        &[r#"{"exp":1600000000}"#],
        expired(1_600_000_000),
    );
}

#[test]
fn a_token_begins_when_nbf_begins() {
    let payload = with("nbf", NOW);
    let now = NOW as f64;
    assert_at(
        &lenient(),
        &payload,
        now - 0.001,
        Err(ReasonCode::TokenNotYetValid),
    );
    assert_at(
        &lenient(),
        &payload,
        now - 1.0,
        Err(ReasonCode::TokenNotYetValid),
    );
    assert_at(&lenient(), &payload, now, Ok(()));
    assert_at(&lenient(), &payload, now + 1.0, Ok(()));
    assert_at(&lenient(), &payload, f64::MAX, Ok(()));
    assert_at(
        &lenient(),
        &payload,
        -1.0,
        Err(ReasonCode::TokenNotYetValid),
    );
}

#[test]
fn nbf_may_be_any_json_number() {
    assert_admitted(
        &lenient(),
        &[
            r#"{"nbf":0}"#,
            r#"{"nbf":-1e300}"#,
            r#"{"nbf":1.7e9}"#,
            r#"{"nbf":1699999999.999}"#,
        ],
    );
    assert_reason(
        &lenient(),
        &[
            r#"{"nbf":1700000000.5}"#,
            r#"{"nbf":1267650600228229401496703205376}"#,
            r#"{"nbf":1.7e308}"#,
        ],
        ReasonCode::TokenNotYetValid,
    );
}

#[test]
fn iat_informs_and_refuses_nothing() {
    assert_admitted(
        &lenient(),
        &[
            r#"{"iat":1700000000}"#,
            r#"{"iat":1800000000}"#,
            r#"{"iat":1.7e308}"#,
            r#"{"iat":0}"#,
            r#"{"iat":-1}"#,
            r#"{"iat":0.5}"#,
        ],
    );
}

#[test]
fn a_token_is_too_old_from_its_largest_age_on() {
    let policy = lenient().with_max_age(Duration::from_secs(60));
    let tolerant = policy.clone().with_leeway(Duration::from_secs(5));
    let (now, too_old) = (NOW as f64, Err(ReasonCode::TokenTooOld));
    for (iat, exact, with_leeway) in [
        (NOW, Ok(()), Ok(())),
        (NOW - 59, Ok(()), Ok(())),
        (NOW - 60, too_old, Ok(())),
        (NOW - 64, too_old, Ok(())),
        (NOW - 65, too_old, too_old),
        (0, too_old, too_old),
        // Clocks differ, and an issuer that lies could write any `iat`.
        (NOW + 60, Ok(()), Ok(())),
    ] {
        assert_at(&policy, &with("iat", iat), now, exact);
        assert_at(&tolerant, &with("iat", iat), now, with_leeway);
    }
    assert_at(&policy, &with("iat", NOW), now + 59.999, Ok(()));
    assert_at(&policy, &with("iat", NOW), now + 60.0, too_old);
}

#[test]
fn largest_age_requires_iat() {
    let policy = lenient().with_max_age(Duration::from_secs(60));
    assert_refused(&policy, &["{}"], missing("iat"));
    assert_refused(&policy, &[r#"{"iat":null}"#], wrong_type("iat"));
    let policy = policy.ignoring_issued_at();
    assert_refused(&policy, &["{}", r#"{"iat":"x"}"#], missing("iat"));
}

#[test]
fn expiry_precedes_the_age() {
    let policy = ClaimsPolicy::new().with_max_age(Duration::from_secs(60));
    let payload = format!(r#"{{"iat":1,"exp":{}}}"#, NOW - 1);
    assert_refused(&policy, &[&payload], expired(NOW - 1));
}

#[test]
fn largest_age_is_checked_again() {
    let policy = ClaimsPolicy::new().with_max_age(Duration::from_secs(60));
    let payload = format!(r#"{{"iat":{NOW},"exp":{}}}"#, NOW + 999);
    let admitted = admit(&policy, &payload).unwrap();
    let at = |secs| policy.check_again(&admitted, NumericDate::from_secs(secs));
    assert_eq!(at(NOW + 59), Ok(()));
    let (iat, now) = (
        NumericDate::from_secs(NOW),
        NumericDate::from_secs(NOW + 60),
    );
    assert_eq!(at(NOW + 60), Err(ClaimsError::TooOld { iat, now }));
}

#[test]
fn leeway_moves_both_ends() {
    let (exp, nbf) = (
        with("exp", NOW - 60),
        format!(r#"{{"exp":{},"nbf":{}}}"#, NOW + 999, NOW + 60),
    );
    let now = NOW as f64;
    for (seconds, verdict) in [(60.001, true), (61.0, true), (60.0, false), (0.0, false)] {
        let expected = if verdict {
            Ok(())
        } else {
            Err(ReasonCode::TokenExpired)
        };
        assert_at(&leeway(seconds), &exp, now, expected);
    }
    for (seconds, verdict) in [(60.0, true), (61.0, true), (59.999, false), (0.0, false)] {
        let expected = if verdict {
            Ok(())
        } else {
            Err(ReasonCode::TokenNotYetValid)
        };
        assert_at(&leeway(seconds), &nbf, now, expected);
    }
    assert_eq!(leeway(60.0).leeway(), Duration::from_secs(60));
    assert_eq!(ClaimsPolicy::new().leeway(), Duration::ZERO);
}

#[test]
fn leeway_never_overflows() {
    let forever = lenient().with_leeway(Duration::MAX);
    for payload in [with("exp", 0), with("exp", "1.7e308"), with("nbf", "1e19")] {
        for now in [0.0, 1e9] {
            assert_at(&forever, &payload, now, Ok(()));
        }
    }
    assert_at(
        &forever,
        &with("nbf", "1.7e308"),
        0.0,
        Err(ReasonCode::TokenNotYetValid),
    );
    assert_at(
        &forever,
        &with("exp", 1),
        f64::MAX,
        Err(ReasonCode::TokenExpired),
    );
}

#[test]
fn an_ignored_date_may_be_anything() {
    for value in NO_NUMBERS.into_iter().chain(["1", "99999999999"]) {
        assert!(
            admit(&lenient().ignoring_expiry(), with("exp", value)).is_ok(),
            "{value}"
        );
        assert!(
            admit(&lenient().ignoring_not_before(), with("nbf", value)).is_ok(),
            "{value}"
        );
        assert!(
            admit(&lenient().ignoring_issued_at(), with("iat", value)).is_ok(),
            "{value}"
        );
    }
}

#[test]
fn what_is_ignored_ignores_nothing_else() {
    let ignoring = lenient().ignoring_expiry();
    assert_reason(
        &ignoring,
        &[r#"{"exp":1,"nbf":1800000000}"#],
        ReasonCode::TokenNotYetValid,
    );
    assert_refused(&ignoring, &[r#"{"exp":1,"iat":"now"}"#], wrong_type("iat"));
    assert_refused(
        &ClaimsPolicy::new().ignoring_expiry(),
        &["{}", r#"{"exp":null}"#, r#"{"exp":"1"}"#],
        missing("exp"),
    );
    assert_admitted(&ClaimsPolicy::new().ignoring_expiry(), &[r#"{"exp":1}"#]);
}

#[test]
fn dates_are_read_back() {
    let claims = admit(&lenient(), r#"{"exp":1800000000.5,"iat":17e8}"#).unwrap();
    assert_eq!(
        claims.expires().map(NumericDate::as_f64),
        Some(1_800_000_000.5)
    );
    assert_eq!(claims.issued(), Some(NumericDate::from_secs(1_700_000_000)));
    let none = admit(&lenient(), "{}").unwrap();
    assert_eq!((none.expires(), none.issued()), (None, None));
}

#[test]
fn an_error_contains_the_dates() {
    let now = NumericDate::from_secs(NOW);
    let date = NumericDate::from_f64;
    let error = admit(&leeway(5.0), r#"{"exp":1699999990.5}"#).unwrap_err();
    let exp = date(1_699_999_990.5).unwrap();
    assert_eq!(error, ClaimsError::Expired { exp, now });
    let error = admit(&lenient(), r#"{"nbf":1700000000.5}"#).unwrap_err();
    let nbf = date(1_700_000_000.5).unwrap();
    assert_eq!(error, ClaimsError::NotYetValid { nbf, now });
}

#[test]
fn dates_elsewhere_count_for_nothing() {
    // Neither in a nested object nor under another name, RFC 7519 §4: names are case-sensitive.
    assert_admitted(
        &lenient(),
        &[r#"{"a":{"exp":1},"Exp":1,"exp\u0000":1,"NBF":9999999999,"expires":1}"#],
    );
    assert_refused(&lenient(), &[r#"{"e\u0078p":1}"#], expired(1));
}
