//! Tests of the crate from outside.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use boltguard_jws::{HeaderFields, JwsError, UnverifiedJws};
use boltguard_keys::Algorithm;
use boltguard_mint::{MintError, Minter, TokenBuilder};
use boltguard_testing::keys;
use boltguard_types::NumericDate;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

const NOW: NumericDate = NumericDate::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn minter() -> Minter {
    Minter::new(keys::signing_key(Algorithm::Hs256))
}

/// The claims of the token, whose signature verifies.
fn payload(token: &str) -> Map<String, Value> {
    let verified = UnverifiedJws::parse(token).unwrap();
    let verified = verified
        .verify(&keys::verifying_key(Algorithm::Hs256))
        .unwrap();
    serde_json::from_slice(verified.payload()).unwrap()
}

fn mint(
    build: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>,
) -> Result<Map<String, Value>, MintError> {
    let minter = minter();
    let token = build(minter.token("42", HOUR)).sign(NOW)?;
    Ok(payload(&token))
}

#[track_caller]
fn refused(expected: MintError, build: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>) {
    assert_eq!(mint(build).unwrap_err(), expected);
}

#[test]
fn every_token_says_whom_it_is_about_when_it_ends_and_what_it_is_called() {
    let mut claims = mint(|token| token).unwrap();
    let name = claims.remove("jti").unwrap();
    let name: uuid::Uuid = name.as_str().unwrap().parse().unwrap();
    assert_eq!(name.get_version_num(), 7);
    assert_eq!(
        Value::from(claims),
        json!({"sub": "42", "iat": 1_800_000_000, "exp": 1_800_003_600})
    );
}

#[test]
fn no_two_tokens_have_one_name() {
    let names: HashSet<_> = (0..200)
        .map(|_| mint(|token| token).unwrap()["jti"].to_string())
        .collect();
    assert_eq!(names.len(), 200);
}

#[test]
fn claims_are_written_as_they_are_given() {
    let claims = mint(|token| {
        token
            .issuer("https://login.example/\"x\"")
            .audience(["a", "b"])
            .not_before(NumericDate::from_f64(1.5).unwrap())
            .permissions(["blog.add", "blog.\u{e9}\n"])
            .scopes(["read", "write"])
            .claim("is_staff", &true)
            .claims(&json!({"nested": {"a": [1, null]}, "big": u64::MAX}))
            .claims_json(" { \"raw\" : [ 1 ] } ")
    });
    let claims = claims.unwrap();
    for (name, value) in [
        ("iss", json!("https://login.example/\"x\"")),
        ("aud", json!(["a", "b"])),
        ("nbf", json!(1.5)),
        ("permissions", json!(["blog.add", "blog.é\n"])),
        ("scope", json!("read write")),
        ("is_staff", json!(true)),
        ("nested", json!({"a": [1, null]})),
        ("big", json!(u64::MAX)),
        ("raw", json!([1])),
    ] {
        assert_eq!(claims[name], value);
    }
    assert_eq!(claims.len(), 4 + 9);
}

#[test]
fn one_audience_is_a_text_and_no_permissions_are_a_list() {
    let claims = mint(|token| token.audience(["a"]).permissions::<&str>([])).unwrap();
    assert_eq!(
        (&claims["aud"], &claims["permissions"]),
        (&json!("a"), &json!([]))
    );
}

#[test]
fn what_a_token_stands_on_is_not_replaced() {
    #[derive(serde::Serialize)]
    struct Escape {
        exp: i64,
    }
    for name in ["sub", "exp", "iat", "jti"] {
        refused(MintError::ReservedClaim, |token| token.claim(name, &1));
        refused(MintError::ReservedClaim, |token| {
            token.claims(&BTreeMap::from([(name, 1)]))
        });
        refused(MintError::ReservedClaim, |token| {
            token.claims_json(&format!("{{\"{name}\":1}}"))
        });
    }
    refused(MintError::ReservedClaim, |token| {
        token.claims(&Escape { exp: 1 })
    });
    refused(MintError::ReservedClaim, |token| {
        token.claims_json(r#"{"\u0065xp":1}"#)
    });
}

#[test]
fn a_claim_is_not_given_twice() {
    refused(MintError::DuplicateClaim, |token| {
        token.issuer("a").issuer("b")
    });
    refused(MintError::DuplicateClaim, |token| {
        token.issuer("a").claim("iss", "b")
    });
    refused(MintError::DuplicateClaim, |token| {
        token.claim("a", &1).claims(&json!({"a": 1}))
    });
    refused(MintError::DuplicateClaim, |token| {
        token.claims_json(r#"{"a":1,"a":1}"#)
    });
    refused(MintError::DuplicateClaim, |token| {
        token.claims_json(r#"{"a":1,"\u0061":1}"#)
    });
    refused(MintError::DuplicateClaim, |token| {
        token.claim("\n", &1).claim("\n", &1)
    });
}

#[test]
fn names_that_resemble_each_other_are_two_claims() {
    let claims = mint(|token| {
        token
            .claim("axb", &1)
            .claim("ayb", &2)
            .claims_json(r#"{"azb":3}"#)
    })
    .unwrap();
    assert_eq!(
        (&claims["axb"], &claims["ayb"], &claims["azb"]),
        (&json!(1), &json!(2), &json!(3))
    );
}

#[test]
fn names_that_resemble_each_other_are_found_in_time_that_grows_with_their_number() {
    let add = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("a{number:04}z")).collect();
        let (steps, token) = boltguard_types::work::steps(|| {
            mint(|token| {
                names
                    .iter()
                    .fold(token, |token, name| token.claim(name, &0))
            })
        });
        assert!(
            token.is_ok() && steps <= 16 * count as u64,
            "{steps} steps for {count}"
        );
    };
    [1, 10, 100, 800].into_iter().for_each(add);
    refused(MintError::DuplicateClaim, |token| {
        let again = (0..100).chain([7]);
        again.fold(token, |token, n| token.claim(&format!("a{n:04}z"), &0))
    });
}

#[test]
fn claims_are_an_object_of_json() {
    refused(MintError::NotAnObject, |token| token.claims(&[1, 2]));
    refused(MintError::NotAnObject, |token| token.claims("text"));
    refused(MintError::NotAnObject, |token| token.claims(&1));
    refused(MintError::NotAnObject, |token| token.claims_json("[]"));
    for text in [
        "",
        "{",
        "{\"a\":}",
        "{} {}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{\"a\":1e999}",
    ] {
        refused(MintError::NotJson, |token| token.claims_json(text));
    }
    refused(MintError::NotJson, |token| {
        token.claims(&BTreeMap::from([(vec![1], 1)]))
    });
    refused(MintError::NotJson, |token| {
        token.claim("a", &BTreeMap::from([(vec![1], 1)]))
    });
    assert_eq!(
        mint(|token| token.claims(&None::<Value>).claims(&()))
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn a_token_for_no_audience_is_refused() {
    refused(MintError::Audience, |token| token.audience([""; 0]));
    refused(MintError::Audience, |token| token.audience(["shop", ""]));
}

#[test]
fn one_scope_is_never_two() {
    for scope in [
        "read admin",
        " read",
        "",
        "read\tadmin",
        "\u{a0}",
        "\"",
        "\\",
    ] {
        refused(MintError::Scope, |token| token.scopes(["a", scope]));
    }
    let claims = mint(|token| token.scopes(["https://a.example/b:c", "!#[]~"])).unwrap();
    assert_eq!(claims["scope"], "https://a.example/b:c !#[]~");
    assert_eq!(mint(|token| token.scopes::<&str>([])).unwrap()["scope"], "");
}

/// A list in a list, so many levels deep.
fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn claims_are_nested_no_deeper_than_they_are_read() {
    let deepest = usize::from(boltguard_encoding::json::MAX_DEPTH) - 1;
    for (levels, fits) in [(deepest, true), (deepest + 1, false)] {
        let value: Value = serde_json::from_str(&nested(levels)).unwrap();
        let minted = [
            mint(|token| token.claim("a", &value)),
            mint(|token| token.claims(&json!({"a": value}))),
            mint(|token| token.claims_json(&format!(r#"{{"a":{value}}}"#))),
        ];
        for claims in minted {
            assert_eq!(claims.is_ok(), fits);
            assert_eq!(claims.err(), (!fits).then_some(MintError::TooDeep));
        }
    }
}

#[test]
fn registered_claims_have_their_types() {
    for (name, value) in [
        ("aud", json!(7)),
        ("aud", json!(null)),
        ("aud", json!({"a": "b"})),
        ("aud", json!(["a", 7])),
        ("aud", json!([["a"]])),
        ("iss", json!(1)),
        ("iss", json!(["a"])),
        ("iss", json!(null)),
        ("nbf", json!("1800000000")),
        ("nbf", json!(true)),
        ("nbf", json!(null)),
    ] {
        let object = json!({name: value});
        refused(MintError::WrongType, |token| token.claim(name, &value));
        refused(MintError::WrongType, |token| token.claims(&object));
        refused(MintError::WrongType, |token| {
            token.claims_json(&object.to_string())
        });
    }
    for object in [
        json!({"aud": "a", "iss": "b", "nbf": 1}),
        json!({"aud": ["a", "b\n"], "iss": "\"", "nbf": 1.5}),
        json!({"AUD": 1, "amr": "pwd", "ver": 2, "name": ["x"]}),
    ] {
        for claims in [
            mint(|token| token.claims(&object)),
            mint(|token| token.claims_json(&object.to_string())),
        ] {
            let claims = Value::from(claims.unwrap());
            for (name, value) in object.as_object().unwrap() {
                assert_eq!(claims[name], *value);
            }
        }
    }
}

#[test]
fn json_that_a_caller_wrote_is_no_looser_than_what_is_read() {
    for text in ["1e999", r#""\ud800""#, r#"["\ud800"]"#, r#"{"a":1e999}"#] {
        let value = RawValue::from_string(text.to_owned()).unwrap();
        refused(MintError::NotJson, |token| token.claim("a", &value));
    }
    let value = RawValue::from_string(r#""\ud83d\ude00""#.to_owned()).unwrap();
    assert_eq!(mint(|token| token.claim("a", &value)).unwrap()["a"], "😀");
}

#[test]
fn the_first_refusal_is_told() {
    refused(MintError::ReservedClaim, |token| {
        token.claim("sub", &1).claims_json("[]").claim("a", &1)
    });
}

#[test]
fn a_lifetime_is_longer_than_nothing_and_ends_at_some_date() {
    let minter = minter();
    for lifetime in [Duration::ZERO, Duration::MAX, Duration::from_secs(1 << 60)] {
        assert_eq!(
            minter.token("42", lifetime).sign(NOW).unwrap_err(),
            MintError::Lifetime
        );
    }
}

#[test]
fn a_lifetime_counts_from_the_whole_second_and_its_fraction_is_kept() {
    let now = NumericDate::from_f64(1_800_000_000.75).unwrap();
    let minter = minter();
    let claims = |lifetime| payload(&minter.token("42", lifetime).sign(now).unwrap());
    let whole = claims(HOUR);
    assert_eq!(
        (&whole["iat"], &whole["exp"]),
        (&json!(1_800_000_000), &json!(1_800_003_600))
    );
    let half = claims(Duration::from_millis(500));
    assert_eq!(
        (&half["iat"], &half["exp"]),
        (&json!(1_800_000_000), &json!(1_800_000_001.25))
    );
}

#[test]
fn one_second_is_enough_even_late_in_a_second() {
    let now = NumericDate::from_f64(1_800_000_000.999).unwrap();
    assert!(
        minter()
            .token("42", Duration::from_secs(1))
            .sign(now)
            .is_ok()
    );
}

#[test]
fn the_header_names_algorithm_key_and_type() {
    let header = |minter: &Minter| {
        let token = minter.token("42", HOUR).sign(NOW).unwrap();
        let jws = UnverifiedJws::parse(&token).unwrap();
        let header = jws.unverified_header();
        let owned = |text: Option<&str>| text.unwrap_or("-").to_owned();
        (
            header.algorithm(),
            owned(header.key_id()),
            owned(header.media_type()),
        )
    };
    let key = keys::signing_key(Algorithm::Es256);
    let expected = |kid: &str, typ: &str| (Algorithm::Es256, kid.to_owned(), typ.to_owned());
    assert_eq!(header(&Minter::new(key.clone())), expected("-", "JWT"));
    assert_eq!(
        header(&Minter::with_type(
            key.clone().with_key_id("k\"1"),
            "at+jwt"
        )),
        expected("k\"1", "at+jwt")
    );
    assert_eq!(
        header(&Minter::with_header(key.clone(), &HeaderFields::empty()).unwrap()),
        expected("-", "-")
    );
    let refused = Minter::with_header(key, &HeaderFields::new().with("kid", 1));
    assert_eq!(refused.err(), Some(JwsError::HeaderInvalid));
}

#[test]
fn every_algorithm_mints_what_its_key_verifies() {
    for algorithm in Algorithm::ALL {
        let token = Minter::new(keys::signing_key(*algorithm))
            .token("42", HOUR)
            .sign(NOW)
            .unwrap();
        assert!(
            UnverifiedJws::parse(&token)
                .unwrap()
                .verify(&keys::verifying_key(*algorithm))
                .is_ok()
        );
        let other = keys::other_verifying_key(*algorithm);
        assert!(
            UnverifiedJws::parse(&token)
                .unwrap()
                .verify(&other)
                .is_err(),
            "{algorithm}"
        );
    }
}

#[test]
fn a_token_that_would_be_refused_for_its_length_is_not_made() {
    let sized = |length| mint(|token| token.claim("a", &"x".repeat(length)));
    assert!(sized(12_000).is_ok());
    assert_eq!(sized(13_000).unwrap_err(), MintError::TooLarge);
    // Nor are more names looked at than fit into one.
    let name = |number| format!("n{number}");
    let names = (0..4_000).map(name).chain([name(0)]);
    let members: Vec<String> = names.map(|name| format!(r#""{name}":0"#)).collect();
    refused(MintError::TooLarge, |token| {
        token.claims_json(&format!("{{{}}}", members.join(",")))
    });
}

#[test]
fn a_minter_prints_no_secret() {
    assert!(!format!("{:?}", minter()).contains("test-only"));
}

proptest! {
    #[test]
    fn texts_come_back(text in any::<String>(), name in "[a-z\\PC\u{0}-\u{20}\"\\\\]{0,12}", list in prop::collection::vec(any::<String>(), 0..4)) {
        prop_assume!(!["sub", "exp", "iat", "jti", "nbf", "permissions"].contains(&name.as_str()));
        let claims = mint(|token| token.claim(&name, &text).permissions(&list)).unwrap();
        prop_assert_eq!(&claims[&name], &json!(text));
        prop_assert_eq!(&claims["permissions"], &json!(list));
    }

    #[test]
    fn subjects_and_issuers_come_back(subject in any::<String>(), issuer in any::<String>()) {
        let minter = minter();
        let token = minter.token(&subject, HOUR).issuer(&issuer).sign(NOW).unwrap();
        let claims = payload(&token);
        prop_assert_eq!(&claims["sub"], &json!(subject));
        prop_assert_eq!(&claims["iss"], &json!(issuer));
    }

    #[test]
    fn anything_may_be_offered_as_claims(text in "[\\PC]{0,60}") {
        let _ = mint(|token| token.claims_json(&text));
    }
}
