//! Properties of all tokens.

use boltguard_jws::{HeaderFields, UnverifiedJws, Verifier, insecure, sign};
use boltguard_keys::Algorithm::{EdDsa, Es256, Hs256, Hs384, Hs512, Rs256};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_testing::{forge, keys};
use proptest::prelude::*;

use crate::{HEADER, PAYLOAD, verify, verify_with};

/// Every byte that a character may be replaced with: base64url, dots, and much that is neither.
fn replacements() -> impl Iterator<Item = char> {
    ('\0'..='\u{7f}').chain(['é', '\u{200b}', '\u{ff0e}'])
}

/// Tokens that differ from `token` in the character at `at`.
fn changed_at(token: &str, at: usize) -> impl Iterator<Item = String> {
    let was = token[at..].chars().next().unwrap();
    let others = replacements().filter(move |other| *other != was);
    others.map(move |other| format!("{}{other}{}", &token[..at], &token[at + was.len_utf8()..]))
}

#[test]
fn no_character_of_a_token_may_change() {
    let token = forge::signed(HEADER, PAYLOAD, &keys::signing_key(Hs256));
    for at in 0..token.len() {
        for changed in changed_at(&token, at) {
            assert!(verify(&changed, Hs256).is_err(), "{changed:?}");
        }
    }
}

#[test]
fn rejects_a_missing_doubled_or_moved_character() {
    for algorithm in [Hs256, Es256, EdDsa] {
        let token = forge::signed(
            format!(r#"{{"alg":"{algorithm}"}}"#),
            PAYLOAD,
            &keys::signing_key(algorithm),
        );
        for at in 0..token.len() {
            let (before, after) = token.split_at(at);
            let mut others = vec![
                format!("{before}{}", &after[1..]),
                format!("{before}{}{after}", &after[..1]),
            ];
            if let Some((first, second)) = after
                .chars()
                .next()
                .zip(after.chars().nth(1))
                .filter(|(a, b)| a != b)
            {
                others.push(format!("{before}{second}{first}{}", &after[2..]));
            }
            for other in others {
                assert!(verify(&other, algorithm).is_err(), "{other}");
            }
        }
    }
}

#[test]
fn no_prefix_of_a_token_is_one() {
    let token = forge::signed(HEADER, PAYLOAD, &keys::signing_key(Hs256));
    for at in 0..token.len() {
        assert!(verify(&token[..at], Hs256).is_err());
        assert!(at == 0 || verify(&token[at..], Hs256).is_err());
    }
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(Algorithm::ALL)
}

/// Strings that may follow a header: about as long as a signature, with dots anywhere.
fn dotted() -> impl Strategy<Value = String> {
    let len = prop::sample::select(vec![43_usize, 64, 86]).prop_flat_map(|len| len - 1..len + 3);
    (len, prop::collection::vec(0_usize..90, 0..4)).prop_map(|(len, dots)| {
        let dot_or_zero = |at| if dots.contains(&at) { '.' } else { 'A' };
        (0..len).map(dot_or_zero).collect()
    })
}

/// Members of a header that the reader ignores.
fn fields() -> impl Strategy<Value = HeaderFields> {
    prop::collection::hash_map("[a-z\\PC]{0,6}", "\\PC{0,12}", 0..5).prop_map(|members| {
        let named = members
            .into_iter()
            .filter(|(name, _)| !["crit", "b64"].contains(&name.as_str()));
        named.fold(HeaderFields::new(), |fields, (name, value)| {
            fields.with(&name, value)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_signed_verifies(
        algorithm in algorithms(), payload in prop::collection::vec(any::<u8>(), 0..400), fields in fields(),
    ) {
        let token = sign(&payload, &fields, &keys::signing_key(algorithm)).unwrap();
        prop_assert_eq!(verify(&token, algorithm), Ok(payload.clone()));
        prop_assert_eq!(insecure::payload(&token), Ok(payload));
    }

    #[test]
    fn one_changed_character_is_refused_for_every_algorithm(
        algorithm in algorithms(), at in any::<prop::sample::Index>(), pick in any::<prop::sample::Index>(),
    ) {
        let token = sign(PAYLOAD.as_bytes(), &HeaderFields::new(), &keys::signing_key(algorithm)).unwrap();
        let others: Vec<_> = changed_at(&token, at.index(token.len())).collect();
        let changed = pick.get(&others);
        prop_assert!(verify(changed, algorithm).is_err(), "{}", changed);
    }

    #[test]
    fn another_text_of_the_same_bytes_is_refused(
        payload in prop::collection::vec(any::<u8>(), 0..40), segment in 0..3usize, unused in 1..16u8, end in "(=|==|\n|\r\n| |\\.|\0)?",
    ) {
        // A decoder that accepts unused bits, padding or white space would read the same bytes from another string.
        let token = sign(&payload, &HeaderFields::new(), &keys::signing_key(Hs256)).unwrap();
        let mut segments: Vec<String> = token.split('.').map(String::from).collect();
        segments[segment] = respelled(&segments[segment], unused) + &end;
        let other = segments.join(".");
        prop_assert!(other == token || verify(&other, Hs256).is_err(), "{}", other);
        // Signing the other string isn't accepted either.
        let other = forge::sign_input(&segments[..2].join("."), &keys::signing_key(Hs256));
        prop_assert!(other == token || verify(&other, Hs256).is_err(), "{}", other);
    }

    #[test]
    fn every_text_is_read_or_refused(text in "\\PC{0,80}|[A-Za-z0-9_.-]{0,200}|(\\PC{0,9}\\.){0,9}") {
        let set = KeySet::new([Hs256, Hs384, Hs512, Rs256, Es256, EdDsa].map(keys::verifying_key));
        prop_assert!(verify_with(&text, set).is_err());
        let _ = (insecure::header_text(&text), insecure::payload(&text), insecure::signature(&text));
    }

    #[test]
    fn common_headers_dont_change_verdicts(
        algorithm in algorithms(),
tail in dotted(),
    ) {
        let header = forge::segment(format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
        let token = format!("{header}.{tail}");
        let keys = KeySet::new([keys::signing_key(algorithm).verifying_key().clone()]);
        let read = UnverifiedJws::parse(&token)
            .and_then(|jws| jws.verify_among(&keys))
            .map(|jws| jws.payload().to_vec());
        let known = Verifier::new(keys);
        let known = known.verify(&token).map(|jws| jws.payload().to_vec());
        prop_assert_eq!(known, read);
    }

    #[test]
    fn every_header_is_read_or_refused(header in prop::collection::vec(any::<u8>(), 0..120), json in near_header()) {
        for header in [header, json.into_bytes()] {
            let token = forge::signed(&header, PAYLOAD, &keys::signing_key(Hs256));
            let verdict = verify(&token, Hs256);
            if verdict.is_ok() {
                // An accepted header is an object with this one algorithm, to any reader.
                let read: serde_json::Value = serde_json::from_slice(&header).unwrap();
                prop_assert_eq!(&read["alg"], "HS256");
                prop_assert!(read.get("crit").is_none());
            }
            prop_assert_eq!(UnverifiedJws::parse(&token).is_ok(), verdict.is_ok());
        }
    }
}

/// Unusual combinations of members.
fn near_header() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "alg",
        "\\u0061lg",
        "typ",
        "kid",
        "crit",
        "b64",
        "x",
        "",
        "ALG",
    ]);
    let value = prop::sample::select(vec![
        "\"HS256\"",
        "\"none\"",
        "\"\\u0048S256\"",
        "1",
        "null",
        "[]",
        "true",
        "{\"alg\":1}",
        "\"é\"",
    ]);
    let members = prop::collection::vec((name, value), 0..5);
    members.prop_map(|members| {
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

/// The segment with unused bits set, if its length has any.
fn respelled(segment: &str, unused: u8) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mask = match segment.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => return segment.to_owned(),
    };
    let (start, last) = segment.split_at(segment.len() - 1);
    let value = ALPHABET.find(last).unwrap() | usize::from(unused & mask);
    format!("{start}{}", &ALPHABET[value..=value])
}
