//! Exactly three segments of base64url, RFC 7515 §7.1.

use boltguard_jws::{JwsError, MAX_TOKEN_LEN};
use boltguard_keys::Algorithm::Hs256;
use boltguard_testing::{forge, keys};

use crate::{HEADER, PAYLOAD, verify};

fn genuine() -> String {
    forge::signed(HEADER, PAYLOAD, &keys::signing_key(Hs256))
}

/// The given segments, with a valid signature.
fn signed_text(header: &str, payload: &str) -> String {
    forge::sign_input(&format!("{header}.{payload}"), &keys::signing_key(Hs256))
}

#[test]
fn three_segments_and_no_other_number() {
    let segment = forge::segment(HEADER);
    for count in (0..=2).chain(4..=7) {
        let token = vec![segment.as_str(); count].join(".");
        assert_eq!(verify(&token, Hs256), Err(JwsError::Malformed), "{count}");
        assert!(verify(&".".repeat(count), Hs256).is_err());
    }
    assert!(verify(&genuine(), Hs256).is_ok());
}

#[test]
fn rejects_more_segments_with_a_valid_signature() {
    let [header, payload] = [HEADER, PAYLOAD].map(forge::segment);
    for middle in [
        format!("{payload}.{payload}"),
        format!("{payload}."),
        format!(".{payload}"),
        ".".into(),
    ] {
        let token = signed_text(&header, &middle);
        assert_eq!(verify(&token, Hs256), Err(JwsError::Malformed), "{token}");
    }
}

#[test]
fn encrypted_tokens_are_malformed() {
    // RFC 7516 §3.1: five segments. Direct encryption leaves the second empty.
    for header in [
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
        r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#,
        HEADER,
    ] {
        let header = forge::segment(header);
        for key in ["", "AAAA"] {
            let token = format!("{header}.{key}.AAAA.AAAA.AAAA");
            let refusal = verify(&token, Hs256).unwrap_err();
            assert!(
                matches!(refusal, JwsError::Malformed | JwsError::AlgorithmNotAllowed),
                "{refusal:?}"
            );
        }
    }
}

#[test]
fn empty_segments_are_refused() {
    let token = genuine();
    let segments: Vec<&str> = token.split('.').collect();
    for index in 0..3 {
        let mut fewer = segments.clone();
        fewer[index] = "";
        assert!(verify(&fewer.join("."), Hs256).is_err(), "{index}");
    }
    assert_eq!(verify("..", Hs256), Err(JwsError::HeaderInvalid));
}

#[test]
fn a_signed_empty_payload_is_accepted() {
    assert_eq!(
        verify(&signed_text(&forge::segment(HEADER), ""), Hs256),
        Ok(Vec::new())
    );
}

/// Characters that aren't in the base64url alphabet.
const FOREIGN: [&str; 24] = [
    "=", "==", " ", "\t", "\n", "\r\n", "\u{b}", "\u{c}", "\0", "+", "/", "*", "~", "!", "%2E",
    "\\", "\"", ",", ":", "é", "\u{200b}", "\u{feff}", "．", "\u{ff21}",
];

#[test]
fn a_foreign_character_anywhere_is_refused() {
    let token = genuine();
    for foreign in FOREIGN {
        for at in 0..=token.len() {
            let text = format!("{}{foreign}{}", &token[..at], &token[at..]);
            assert!(verify(&text, Hs256).is_err(), "{text:?}");
        }
    }
}

#[test]
fn rejects_signed_foreign_characters() {
    let [header, payload] = [HEADER, PAYLOAD].map(forge::segment);
    for foreign in FOREIGN {
        for token in [
            signed_text(&format!("{header}{foreign}"), &payload),
            signed_text(&format!("{foreign}{header}"), &payload),
            signed_text(&header, &format!("{payload}{foreign}")),
            signed_text(&header, &format!("{foreign}{payload}")),
            format!("{}{foreign}", signed_text(&header, &payload)),
        ] {
            assert_eq!(verify(&token, Hs256), Err(JwsError::Malformed), "{token:?}");
        }
    }
}

#[test]
fn rejects_signed_standard_base64() {
    // `~~~?` and `???>` need the two characters that the alphabets differ in.
    let payload = forge::segment(r#"{"a":"???>~~~?"}"#);
    assert!(payload.contains(['-', '_']));
    let ordinary = payload.replace('-', "+").replace('_', "/");
    let header = forge::segment(HEADER);
    assert!(verify(&signed_text(&header, &payload), Hs256).is_ok());
    assert_eq!(
        verify(&signed_text(&header, &ordinary), Hs256),
        Err(JwsError::Malformed)
    );
}

#[test]
fn rejects_signed_unused_bits_in_each_segment() {
    // RFC 4648 §3.5. Each of these lengths leaves unused bits in the last character.
    let header = forge::segment(r#"{"alg":"HS256" }"#);
    let payload = forge::segment(r#"{"sub":"1"}"#);
    assert!(header.len() % 4 > 1 && payload.len() % 4 > 1);
    assert!(verify(&signed_text(&header, &payload), Hs256).is_ok());
    for (other_header, other_payload) in [
        (with_unused_bit(&header), payload.clone()),
        (header.clone(), with_unused_bit(&payload)),
    ] {
        assert_eq!(
            verify(&signed_text(&other_header, &other_payload), Hs256),
            Err(JwsError::Malformed)
        );
    }
    let token = with_unused_bit(&signed_text(&header, &payload));
    assert_eq!(verify(&token, Hs256), Err(JwsError::Malformed));
}

/// The next character of the alphabet in the last place, which sets the lowest unused bit.
fn with_unused_bit(segment: &str) -> String {
    let last = segment.chars().last().unwrap();
    let next = char::from_u32(u32::from(last) + 1).unwrap();
    assert!(next.is_ascii_alphanumeric(), "{segment}");
    format!("{}{next}", &segment[..segment.len() - 1])
}

#[test]
fn the_limit_itself_is_accepted() {
    let of_length = |length: usize| {
        let short = signed_text(&forge::segment(HEADER), "");
        signed_text(&forge::segment(HEADER), &"A".repeat(length - short.len()))
    };
    let longest = of_length(MAX_TOKEN_LEN);
    assert_eq!(longest.len(), MAX_TOKEN_LEN);
    assert!(verify(&longest, Hs256).is_ok());
    // Four characters longer, because one more wouldn't be valid base64url.
    assert_eq!(
        verify(&of_length(MAX_TOKEN_LEN + 4), Hs256),
        Err(JwsError::TooLarge)
    );
    assert_eq!(
        verify(&format!("{longest}A"), Hs256),
        Err(JwsError::TooLarge)
    );
}

#[test]
fn the_limit_counts_bytes_and_comes_first() {
    assert_eq!(
        verify(&".".repeat(MAX_TOKEN_LEN + 1), Hs256),
        Err(JwsError::TooLarge)
    );
    assert_eq!(
        verify(&"é".repeat(MAX_TOKEN_LEN / 2 + 1), Hs256),
        Err(JwsError::TooLarge)
    );
    assert_eq!(
        verify(&"é".repeat(MAX_TOKEN_LEN / 2), Hs256),
        Err(JwsError::Malformed)
    );
}

#[test]
fn rejects_surrounding_characters() {
    let token = genuine();
    for text in [
        format!("Bearer {token}"),
        format!("{token} "),
        format!("\"{token}\""),
        format!("{token};"),
        format!("{token},{token}"),
    ] {
        assert!(verify(&text, Hs256).is_err(), "{text}");
    }
}
