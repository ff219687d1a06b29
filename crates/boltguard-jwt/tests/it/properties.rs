//! Properties of all claims.

use boltguard_jws::{HeaderFields, sign};
use boltguard_jwt::{ClaimsPolicy, UserId};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_testing::keys;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::{admit, enter, lenient};

/// Any JSON within the maximum nesting depth.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no other", |number| number.is_finite())
            .prop_map(Value::from),
        "\\PC{0,12}|[\"\\\\\u{0}-\u{20}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("\\PC{0,5}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Claims without a meaning here, except for `exp`.
fn claims() -> impl Strategy<Value = Map<String, Value>> {
    const MEANT: [&str; 9] = [
        "aud",
        "exp",
        "iat",
        "iss",
        "nbf",
        "sub",
        "jti",
        "permissions",
        "scope",
    ];
    prop::collection::hash_map("\\PC{0,6}|[a-c\"\\\\]{1,2}", values(), 0..12).prop_map(|members| {
        let mut claims: Map<_, _> = members
            .into_iter()
            .filter(|(name, _)| !MEANT.contains(&name.as_str()))
            .collect();
        claims.insert("exp".into(), 1_800_000_000.into());
        claims
    })
}

/// Writes JSON in one of many equivalent forms, depending on `seed`.
pub(crate) fn write(value: &Value, seed: &mut u64) -> String {
    let text = match value {
        Value::String(text) => write_text(text, seed),
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(|item| write(item, seed)).collect();
            format!("[{}{}]", items.join(","), space(seed))
        }
        Value::Object(members) => {
            let write_member = |(name, value): (&String, &Value)| {
                format!(
                    "{}{}{}:{}",
                    space(seed),
                    write_text(name, seed),
                    space(seed),
                    write(value, seed)
                )
            };
            let members: Vec<_> = members.iter().map(write_member).collect();
            format!("{{{}{}}}", members.join(","), space(seed))
        }
        other => other.to_string(),
    };
    format!("{}{text}{}", space(seed), space(seed))
}

fn write_text(text: &str, seed: &mut u64) -> String {
    let letters: String = text
        .chars()
        .map(|letter| write_letter(letter, seed))
        .collect();
    format!("\"{letters}\"")
}

fn write_letter(letter: char, seed: &mut u64) -> String {
    let mut units = [0; 2];
    let mut escaped = || {
        letter
            .encode_utf16(&mut units)
            .iter()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect::<String>()
    };
    match (letter, next(seed) % 8) {
        ('/', 0) => "\\/".into(),
        ('"' | '\\', 1..) => format!("\\{letter}"),
        ('\n', 1..) => "\\n".into(),
        (_, 0) | ('\0'..'\u{20}', _) => escaped(),
        _ => letter.to_string(),
    }
}

fn space(seed: &mut u64) -> &'static str {
    ["", "", "", "", " ", "\n", "\t\r", "  "][usize::try_from(next(seed) % 8).unwrap()]
}

/// A step of xorshift.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// JSON that is almost an object.
fn near_claims() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "\"exp\":",
        "\"sub\":",
        "\"aud\":",
        "\"permissions\":",
        "\"scope\":",
        "1",
        "-",
        "0",
        ".5",
        "e3",
        "true",
        "null",
        " ",
        "\n",
        "\\u0041",
        "\\ud83d",
        "é",
        "\u{1}",
        "NaN",
        "12345678901234567890",
        "\"a\":1",
        "\"x\"",
    ]);
    prop::collection::vec(fragment, 0..12).prop_map(|parts| format!("{{{}}}", parts.concat()))
}

/// Two readers may differ in the last digit of a number that has no exact representation as a double.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(name, value)| theirs.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Number(ours), Value::Number(theirs)) if ours != theirs => {
            let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
            (ours - theirs).abs() <= ours.abs() * 1e-15
        }
        _ => ours == theirs,
    }
}

proptest! {
    #[test]
    fn signed_claims_are_admitted_unchanged(claims in claims(), seed in 1..u64::MAX) {
        let claims = Value::Object(claims);
        let mut seed = seed;
        let text = write(&claims, &mut seed);
        let admitted = admit(&ClaimsPolicy::new(), &text).unwrap();
        prop_assert_eq!(admitted.as_json(), &text);
        let read: Value = serde_json::from_str(admitted.as_json()).unwrap();
        prop_assert!(same(&read, &claims), "{}", text);
        for (name, value) in claims.as_object().unwrap() {
            let found: Value = serde_json::from_str(admitted.get(name).unwrap()).unwrap();
            prop_assert!(same(&found, value), "{:?} in {}", name, text);
        }
        prop_assert_eq!(admitted.get("no such claim"), None);
    }

    #[test]
    fn names_are_read_as_any_reader_reads_them(sub in "\\PC{0,20}|[\"\\\\\u{0}-\u{1f}]{0,8}", jti in "\\PC{0,9}", seed in 1..u64::MAX) {
        let claims = serde_json::json!({"sub": sub, "jti": jti, "uid": sub});
        let mut seed = seed;
        let admitted = admit(&lenient().with_user_id_claim("uid").with_optional_user_id(), write(&claims, &mut seed)).unwrap();
        prop_assert_eq!(admitted.subject(), Some(sub.as_str().into()));
        prop_assert_eq!(admitted.token_id(), Some(jti.as_str().into()));
        prop_assert_eq!(admitted.user_id(), (!sub.is_empty()).then(|| UserId::String(sub.as_str().into())));
    }

    #[test]
    fn admitted_claims_are_an_object_for_serde(text in near_claims()) {
        let policy = lenient().ignoring_audience().ignoring_expiry().ignoring_subject();
        let theirs = serde_json::from_str::<Map<String, Value>>(&text);
        match admit(&policy, &text) {
            Ok(admitted) => {
                let theirs = theirs.unwrap();
                for (name, value) in &theirs {
                    let found: Value = serde_json::from_str(admitted.get(name).unwrap()).unwrap();
                    prop_assert_eq!(&found, value, "{}", text);
                }
            }
            // Other readers accept one of two members with the same name.
            Err(_) => {
                let members = text.replace([' ', '\n'], "").matches("\":").count();
                prop_assert!(theirs.is_err() || members > theirs.unwrap().len(), "{}", text);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,60}") {
        for payload in [bytes, text.into_bytes()] {
            let ours = admit(&lenient(), &payload).is_ok();
            prop_assert!(!ours || serde_json::from_slice::<Map<String, Value>>(&payload).is_ok());
        }
    }

    #[test]
    fn every_character_of_a_token_counts(
        algorithm in prop::sample::select(vec![Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256]),
        claims in claims(), at in any::<prop::sample::Index>(), other in any::<char>(),
    ) {
        let payload = Value::Object(claims).to_string();
        let token = sign(payload.as_bytes(), &HeaderFields::new(), &keys::signing_key(algorithm)).unwrap();
        let trusted = KeySet::new([keys::verifying_key(algorithm)]);
        prop_assert_eq!(enter(&token, &trusted, &ClaimsPolicy::new()), Ok(payload));
        let at = at.index(token.len());
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        prop_assert!(changed == token || enter(&changed, &trusted, &ClaimsPolicy::new()).is_err(), "{}", changed);
    }
}
