//! Tests of issuing tokens.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

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

/// Verifies a token and returns its claims.
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
    Ok(payload(&token.token))
}

#[track_caller]
fn assert_error(expected: MintError, build: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>) {
    assert_eq!(mint(build).unwrap_err(), expected);
}

#[test]
fn every_token_has_reserved_claims() {
    let mut claims = mint(|token| token).unwrap();
    let token_id = claims.remove("jti").unwrap();
    let token_id: uuid::Uuid = token_id.as_str().unwrap().parse().unwrap();
    assert_eq!(token_id.get_version_num(), 7);
    assert_eq!(
        Value::from(claims),
        json!({"sub": "42", "iat": 1_800_000_000, "exp": 1_800_003_600})
    );
}

#[test]
fn tokens_with_the_same_seed_are_equal() {
    let minter = minter();
    let token = |seed, now| {
        minter
            .token("42", HOUR)
            .id_seed(seed)
            .sign(now)
            .unwrap()
            .token
    };
    assert_eq!(token(7, NOW), token(7, NOW));
    assert_ne!(token(7, NOW), token(8, NOW));
    let later = NumericDate::from_f64(NOW.as_f64() + 0.001).unwrap();
    assert_ne!(token(7, NOW), token(7, later));
}

#[test]
fn minted_token_has_its_id_and_expiry_date() {
    let minted = minter().token("42", HOUR).sign(NOW).unwrap();
    let claims = payload(&minted.token);
    assert_eq!(claims["jti"], minted.jti.as_str());
    assert_eq!(claims["exp"], minted.exp.as_secs());
    let shown = format!("{minted:?} {minted:#?}");
    let jti = claims["jti"].as_str().unwrap();
    for hidden in minted.token.split('.').chain([jti]) {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[test]
fn token_id_and_session_id_can_be_set() {
    let minter = minter();
    let minted = minter
        .token("42", HOUR)
        .token_id("a\"b")
        .session_id(String::from("s-1"));
    let minted = minted.sign(NOW).unwrap();
    assert_eq!(minted.jti.as_str(), "a\"b");
    let claims = payload(&minted.token);
    assert_eq!(
        (&claims["jti"], &claims["sid"]),
        (&json!("a\"b"), &json!("s-1"))
    );
    assert_error(MintError::EmptyId, |token| token.token_id(""));
    assert_error(MintError::EmptyId, |token| token.session_id(""));
    assert_error(MintError::DuplicateClaim, |token| {
        token.session_id("a").claim("sid", "b")
    });
}

#[test]
fn token_ids_are_unique() {
    let ids: HashSet<_> = (0..200)
        .map(|_| mint(|token| token).unwrap()["jti"].to_string())
        .collect();
    assert_eq!(ids.len(), 200);
}

#[test]
fn all_claims_are_written() {
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
fn single_audience_is_a_string() {
    let claims = mint(|token| token.audience(["a"]).permissions::<&str>([])).unwrap();
    assert_eq!(
        (&claims["aud"], &claims["permissions"]),
        (&json!("a"), &json!([]))
    );
}

#[test]
fn rejects_reserved_claims() {
    #[derive(serde::Serialize)]
    struct Reserved {
        exp: i64,
    }
    for name in ["sub", "exp", "iat", "jti"] {
        assert_error(MintError::ReservedClaim, |token| token.claim(name, &1));
        assert_error(MintError::ReservedClaim, |token| {
            token.claims(&BTreeMap::from([(name, 1)]))
        });
        assert_error(MintError::ReservedClaim, |token| {
            token.claims_json(format!("{{\"{name}\":1}}"))
        });
    }
    assert_error(MintError::ReservedClaim, |token| {
        token.claims(&Reserved { exp: 1 })
    });
    assert_error(MintError::ReservedClaim, |token| {
        token.claims_json(r#"{"\u0065xp":1}"#)
    });
}

#[test]
fn rejects_duplicate_claims() {
    assert_error(MintError::DuplicateClaim, |token| {
        token.issuer("a").issuer("b")
    });
    assert_error(MintError::DuplicateClaim, |token| {
        token.issuer("a").claim("iss", "b")
    });
    assert_error(MintError::DuplicateClaim, |token| {
        token.claim("a", &1).claims(&json!({"a": 1}))
    });
    assert_error(MintError::DuplicateClaim, |token| {
        token.claims_json(r#"{"a":1,"a":1}"#)
    });
    assert_error(MintError::DuplicateClaim, |token| {
        token.claims_json(r#"{"a":1,"\u0061":1}"#)
    });
    assert_error(MintError::DuplicateClaim, |token| {
        token.claim("\n", &1).claim("\n", &1)
    });
}

#[test]
fn names_with_equal_fingerprints_are_distinct() {
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
fn names_with_equal_fingerprints_take_linear_time() {
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
    assert_error(MintError::DuplicateClaim, |token| {
        let numbers = (0..100).chain([7]);
        numbers.fold(token, |token, n| token.claim(format!("a{n:04}z"), &0))
    });
}

#[test]
fn rejects_claims_that_are_not_a_json_object() {
    assert_error(MintError::NotAnObject, |token| token.claims(&[1, 2]));
    assert_error(MintError::NotAnObject, |token| token.claims("string"));
    assert_error(MintError::NotAnObject, |token| token.claims(&1));
    assert_error(MintError::NotAnObject, |token| token.claims_json("[]"));
    for json in [
        "",
        "{",
        "{\"a\":}",
        "{} {}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{\"a\":1e999}",
    ] {
        assert_error(MintError::NotJson, |token| token.claims_json(json));
    }
    assert_error(MintError::NotJson, |token| {
        token.claims(&BTreeMap::from([(vec![1], 1)]))
    });
    assert_error(MintError::NotJson, |token| {
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
fn rejects_empty_audience() {
    assert_error(MintError::Audience, |token| token.audience([""; 0]));
    assert_error(MintError::Audience, |token| token.audience(["shop", ""]));
}

#[test]
fn rejects_scopes_with_invalid_characters() {
    for scope in [
        "read admin",
        " read",
        "",
        "read\tadmin",
        "\u{a0}",
        "\"",
        "\\",
    ] {
        assert_error(MintError::Scope, |token| token.scopes(["a", scope]));
    }
    let claims = mint(|token| token.scopes(["https://a.example/b:c", "!#[]~"])).unwrap();
    assert_eq!(claims["scope"], "https://a.example/b:c !#[]~");
    assert_eq!(mint(|token| token.scopes::<&str>([])).unwrap()["scope"], "");
}

/// Returns arrays that are nested this many levels deep.
fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn rejects_claims_that_are_nested_too_deeply() {
    let deepest = usize::from(boltguard_encoding::json::MAX_DEPTH) - 1;
    for (levels, is_valid) in [(deepest, true), (deepest + 1, false)] {
        let value: Value = serde_json::from_str(&nested(levels)).unwrap();
        let results = [
            mint(|token| token.claim("a", &value)),
            mint(|token| token.claims(&json!({"a": value}))),
            mint(|token| token.claims_json(format!(r#"{{"a":{value}}}"#))),
        ];
        for claims in results {
            assert_eq!(claims.is_ok(), is_valid);
            assert_eq!(claims.err(), (!is_valid).then_some(MintError::TooDeep));
        }
    }
}

#[test]
fn rejects_registered_claims_of_wrong_types() {
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
        assert_error(MintError::WrongType, |token| token.claim(name, &value));
        assert_error(MintError::WrongType, |token| token.claims(&object));
        assert_error(MintError::WrongType, |token| {
            token.claims_json(object.to_string())
        });
    }
    for object in [
        json!({"aud": "a", "iss": "b", "nbf": 1}),
        json!({"aud": ["a", "b\n"], "iss": "\"", "nbf": 1.5}),
        json!({"AUD": 1, "amr": "pwd", "ver": 2, "name": ["x"]}),
    ] {
        for claims in [
            mint(|token| token.claims(&object)),
            mint(|token| token.claims_json(object.to_string())),
        ] {
            let claims = Value::from(claims.unwrap());
            for (name, value) in object.as_object().unwrap() {
                assert_eq!(claims[name], *value);
            }
        }
    }
}

#[test]
fn rejects_raw_json_that_readers_would_reject() {
    for json in ["1e999", r#""\ud800""#, r#"["\ud800"]"#, r#"{"a":1e999}"#] {
        let value = RawValue::from_string(json.to_owned()).unwrap();
        assert_error(MintError::NotJson, |token| token.claim("a", &value));
    }
    let value = RawValue::from_string(r#""\ud83d\ude00""#.to_owned()).unwrap();
    assert_eq!(mint(|token| token.claim("a", &value)).unwrap()["a"], "😀");
}

#[test]
fn first_error_is_returned() {
    assert_error(MintError::ReservedClaim, |token| {
        token.claim("sub", &1).claims_json("[]").claim("a", &1)
    });
}

#[test]
fn rejects_lifetimes_out_of_range() {
    let minter = minter();
    for lifetime in [Duration::ZERO, Duration::MAX, Duration::from_secs(1 << 60)] {
        assert_eq!(
            minter.token("42", lifetime).sign(NOW).unwrap_err(),
            MintError::Lifetime
        );
    }
}

#[test]
fn expiry_is_relative_to_whole_second() {
    let now = NumericDate::from_f64(1_800_000_000.75).unwrap();
    let minter = minter();
    let claims = |lifetime| payload(&minter.token("42", lifetime).sign(now).unwrap().token);
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
fn lifetime_of_one_second_is_valid() {
    let now = NumericDate::from_f64(1_800_000_000.999).unwrap();
    assert!(
        minter()
            .token("42", Duration::from_secs(1))
            .sign(now)
            .is_ok()
    );
}

#[test]
fn header_contains_algorithm_key_and_type() {
    let header = |minter: &Minter| {
        let token = minter.token("42", HOUR).sign(NOW).unwrap();
        let jws = UnverifiedJws::parse(&token.token).unwrap();
        let header = jws.unverified_header();
        let owned = |value: Option<&str>| value.unwrap_or("-").to_owned();
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
    let result = Minter::with_header(key, &HeaderFields::new().with("kid", 1));
    assert_eq!(result.err(), Some(JwsError::HeaderInvalid));
}

#[test]
fn tokens_of_every_algorithm_verify() {
    for algorithm in Algorithm::ALL {
        let token = Minter::new(keys::signing_key(*algorithm))
            .token("42", HOUR)
            .sign(NOW)
            .unwrap();
        assert!(
            UnverifiedJws::parse(&token.token)
                .unwrap()
                .verify(&keys::verifying_key(*algorithm))
                .is_ok()
        );
        let other = keys::other_verifying_key(*algorithm);
        assert!(
            UnverifiedJws::parse(&token.token)
                .unwrap()
                .verify(&other)
                .is_err(),
            "{algorithm}"
        );
    }
}

#[test]
fn rejects_tokens_that_are_too_long() {
    let sized = |length| mint(|token| token.claim("a", &"x".repeat(length)));
    assert!(sized(12_000).is_ok());
    assert_eq!(sized(13_000).unwrap_err(), MintError::TooLarge);
    // The names are not searched any further when the token is too long.
    let name = |number| format!("n{number}");
    let names = (0..4_000).map(name).chain([name(0)]);
    let members: Vec<String> = names.map(|name| format!(r#""{name}":0"#)).collect();
    assert_error(MintError::TooLarge, |token| {
        token.claims_json(format!("{{{}}}", members.join(",")))
    });
}

#[test]
fn debug_hides_the_key() {
    assert!(!format!("{:?}", minter()).contains("test-only"));
}

proptest! {
    #[test]
    fn strings_round_trip(value in any::<String>(), name in "[a-z\\PC\u{0}-\u{20}\"\\\\]{0,12}", list in prop::collection::vec(any::<String>(), 0..4)) {
        prop_assume!(!["sub", "exp", "iat", "jti", "nbf", "permissions"].contains(&name.as_str()));
        let claims = mint(|token| token.claim(&name, &value).permissions(&list)).unwrap();
        prop_assert_eq!(&claims[&name], &json!(value));
        prop_assert_eq!(&claims["permissions"], &json!(list));
    }

    #[test]
    fn subject_and_issuer_round_trip(subject in any::<String>(), issuer in any::<String>()) {
        let minter = minter();
        let token = minter.token(&subject, HOUR).issuer(&issuer).sign(NOW).unwrap();
        let claims = payload(&token.token);
        prop_assert_eq!(&claims["sub"], &json!(subject));
        prop_assert_eq!(&claims["iss"], &json!(issuer));
    }

    #[test]
    fn arbitrary_json_does_not_panic(json in "[\\PC]{0,60}") {
        let _ = mint(|token| token.claims_json(&json));
    }
}
