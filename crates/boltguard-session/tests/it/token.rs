//! Issuing, parsing and verifying tokens.

use std::collections::HashSet;

use boltguard_apikey::KeyFormat;
use boltguard_session::{RefreshToken, SessionId, SessionKeys, UnverifiedRefreshToken};
use proptest::prelude::*;
use regex::Regex;

use crate::support::{id, keys, secret};

fn verify(keys: &SessionKeys, token: &str) -> Option<(SessionId, u32)> {
    let verified = keys.verify(&UnverifiedRefreshToken::parse(token)?)?;
    Some((verified.session_id().clone(), verified.generation()))
}

/// All versions must issue and accept these tokens, which were computed with Python's `hmac` and `zlib`.
#[test]
fn tokens_of_the_first_version() {
    for (generation, expected) in [(0, FIRST), (1, SECOND), (u32::MAX, LAST)] {
        let session = id("0123456789ab");
        let token = keys().issue(&session, generation);
        assert_eq!(token.expose(), expected);
        assert_eq!(verify(&keys(), expected), Some((session, generation)));
    }
}

proptest! {
    #[test]
    fn seed_of_an_access_token_is_its_own(
        session in "[0-9A-Za-z]{12}",
        other in "[0-9A-Za-z]{12}",
        generation in 0..u32::MAX,
    ) {
        prop_assume!(session != other);
        let seed = keys().access_token_seed(&id(&session), generation);
        prop_assert_eq!(keys().access_token_seed(&id(&session), generation), seed);
        prop_assert_ne!(keys().access_token_seed(&id(&session), generation + 1), seed);
        prop_assert_ne!(keys().access_token_seed(&id(&other), generation), seed);
        let elsewhere = SessionKeys::new(&secret("another secret that is long enough"));
        prop_assert_ne!(elsewhere.access_token_seed(&id(&session), generation), seed);
    }

    #[test]
    fn issued_token_is_verified(session in "[0-9A-Za-z]{12}", generation in any::<u32>()) {
        let session = id(&session);
        let token = keys().issue(&session, generation);
        prop_assert_eq!(token.session_id(), session.as_str());
        prop_assert_eq!(verify(&keys(), token.expose()), Some((session, generation)));
        prop_assert!(Regex::new(&RefreshToken::pattern()).unwrap().is_match(token.expose()));
    }

    #[test]
    fn other_secret_with_correct_checksum_is_rejected(
        session in "[0-9A-Za-z]{12}",
        generation in any::<u32>(),
        bit in 0..256_usize,
    ) {
        let format = KeyFormat::new("bgr").unwrap();
        let token = keys().issue(&id(&session), generation);
        let mut secret = format.parse(token.expose()).unwrap().secret().unwrap();
        secret[bit / 8] ^= 1 << (bit % 8);
        let forged = format.compose(&session, &secret).unwrap();
        prop_assert!(UnverifiedRefreshToken::parse(forged.expose()).is_some());
        prop_assert_eq!(verify(&keys(), forged.expose()), None);
    }

    #[test]
    fn secret_of_another_session_is_rejected(one in "[0-9A-Za-z]{12}", other in "[0-9A-Za-z]{12}") {
        prop_assume!(one != other);
        let format = KeyFormat::new("bgr").unwrap();
        let token = keys().issue(&id(&one), 0);
        let secret = format.parse(token.expose()).unwrap().secret().unwrap();
        let forged = format.compose(&other, &secret).unwrap();
        prop_assert_eq!(verify(&keys(), forged.expose()), None);
    }

    #[test]
    fn arbitrary_string_is_rejected(text in "(bgr_)?\\PC{0,70}") {
        prop_assert!(UnverifiedRefreshToken::parse(&text).is_none());
    }
}

#[test]
fn random_secret_is_rejected() {
    let format = KeyFormat::new("bgr").unwrap();
    for _ in 0..100 {
        assert_eq!(verify(&keys(), format.generate().unwrap().expose()), None);
    }
}

#[test]
fn api_key_is_not_a_refresh_token() {
    let key = KeyFormat::new("bgk")
        .unwrap()
        .compose("0123456789ab", &[0; 32]);
    assert!(UnverifiedRefreshToken::parse(key.unwrap().expose()).is_none());
}

#[test]
fn generations_and_sessions_have_distinct_tokens() {
    let sessions = [id("0123456789ab"), id("0123456789aB")];
    let all = sessions
        .iter()
        .flat_map(|session| (0..100).map(move |generation| keys().issue(session, generation)));
    let distinct: HashSet<_> = all.map(|token| token.expose().to_owned()).collect();
    assert_eq!(distinct.len(), 200);
}

#[test]
fn only_listed_secrets_are_accepted() {
    let [one, two, three] =
        ["the first secret", "the second secret", "the third secret"].map(secret);
    let token = SessionKeys::new(&one).issue(&id("0123456789ab"), 7);
    let expected = Some((id("0123456789ab"), 7));
    for (keys, expected) in [
        (SessionKeys::new(&one), expected.clone()),
        (SessionKeys::new(&two), None),
        (SessionKeys::new(&two).with_old(&three), None),
        (
            SessionKeys::new(&two).with_old(&one).with_old(&three),
            expected.clone(),
        ),
        (
            SessionKeys::new(&two).with_old(&three).with_old(&one),
            expected,
        ),
    ] {
        assert_eq!(verify(&keys, token.expose()), expected);
    }
}

#[test]
fn new_tokens_use_the_current_secret() {
    let [old, current] = ["the first secret", "the second secret"].map(secret);
    let session = id("0123456789ab");
    let rotated = SessionKeys::new(&current).with_old(&old);
    assert_eq!(
        rotated.issue(&session, 0).expose(),
        SessionKeys::new(&current).issue(&session, 0).expose()
    );
}

#[test]
fn debug_hides_secrets() {
    let token = keys().issue(&id("0123456789ab"), 0);
    let parsed = UnverifiedRefreshToken::parse(token.expose()).unwrap();
    for output in [format!("{token:?}"), format!("{parsed:?}")] {
        assert!(output.contains("0123456789ab"), "{output}");
        assert!(!output.contains(&token.expose()[22..50]), "{output}");
    }
    assert_eq!(
        format!("{:?}", keys()),
        "SessionKeys { current: Secret(..), old: [] }"
    );
}

#[test]
fn session_ids_are_12_digits_and_letters() {
    let generated = SessionId::generate().unwrap();
    assert_eq!(SessionId::parse(&generated.to_string()), Some(generated));
    for text in ["", "0123456789a", "0123456789abc", "0123456789a-"] {
        assert_eq!(SessionId::parse(text), None, "{text}");
    }
}

const FIRST: &str = "bgr_0123456789ab_000001H2RwgbRwgfsnptPZxC7lTxKZlkJRJdhEDX3sO1KO0Df";
const SECOND: &str = "bgr_0123456789ab_00000JBH50tve0aljCo7r7Bk9mqKlUCdP2XgTpdJLzg1cCZft";
const LAST: &str = "bgr_0123456789ab_yhjsku9Q5AOny2sFbXp3BKltDGJWx66rDb9sRnuF5Sa1vr7IS";
