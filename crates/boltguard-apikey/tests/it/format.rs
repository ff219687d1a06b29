//! Parsing of generated keys and of arbitrary strings.

use boltguard_apikey::{ApiKeyError, KeyFormat};
use proptest::prelude::*;
use regex::Regex;

const PREFIX: &str = "[a-z0-9]{1,7}(_[a-z0-9]{1,7}){1,2}";

fn characters(key: &str) -> Vec<char> {
    key.chars().collect()
}

proptest! {
    #[test]
    fn generated_key_round_trips(prefix in PREFIX) {
        let format = KeyFormat::new(&prefix).unwrap();
        let key = format.generate().unwrap();
        prop_assert_eq!(format.parse(key.expose()).unwrap().id(), key.id());
    }

    #[test]
    fn composed_key_round_trips(id in "[0-9A-Za-z]{12}", secret in any::<[u8; 32]>()) {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.compose(&id, &secret).unwrap();
        let parsed = format.parse(key.expose()).unwrap();
        prop_assert_eq!((parsed.id(), parsed.secret()), (&*id, Some(secret)));
    }

    #[test]
    fn each_parsed_secret_composes_the_same_key(id in "[0-9A-Za-z]{12}") {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        if let Some(secret) = format.parse(key.expose()).unwrap().secret() {
            let [same, other] = [key.id(), &id].map(|id| format.compose(id, &secret).unwrap());
            prop_assert_eq!(same.expose(), key.expose());
            prop_assert_ne!(other.expose(), key.expose());
        }
    }

    #[test]
    fn arbitrary_string_is_an_error(text in any::<String>()) {
        prop_assert!(KeyFormat::new("sk").unwrap().parse(&text).is_err());
    }

    #[test]
    fn similar_string_is_an_error(
        text in "sk_([0-9a-z_\\PC]{0,6}_?){1,9}",
        length in 0..70_usize,
    ) {
        let text: String = text.chars().cycle().take(length).collect();
        prop_assert!(KeyFormat::new("sk").unwrap().parse(&text).is_err());
    }

    #[test]
    fn rejects_any_replaced_character(position in 0..65_usize, replacement in any::<char>()) {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let mut text = characters(key.expose());
        prop_assume!(text[position] != replacement);
        text[position] = replacement;
        prop_assert!(format.parse(&text.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn rejects_swapped_neighbours(position in 0..64_usize) {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let mut text = characters(key.expose());
        prop_assume!(text[position] != text[position + 1]);
        text.swap(position, position + 1);
        prop_assert!(format.parse(&text.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn pattern_matches_key_in_any_context(
        prefix in PREFIX,
        before in "(.*[^0-9A-Za-z_])?",
        after in "([^0-9A-Za-z_].*)?",
    ) {
        let format = KeyFormat::new(&prefix).unwrap();
        let key = format.generate().unwrap();
        // `\b` of this engine also considers letters that are not ASCII.
        prop_assume!(!before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric));
        let text = format!("{before}{}{after}", key.expose());
        let pattern = Regex::new(&format!("(?-u){}", format.pattern())).unwrap();
        prop_assert!(pattern.find_iter(&text).any(|found| found.as_str() == key.expose()));
    }

    #[test]
    fn pattern_does_not_match_other_strings(text in ".*") {
        let pattern = Regex::new(&KeyFormat::new("sk").unwrap().pattern()).unwrap();
        prop_assert!(!pattern.is_match(&text));
    }
}

#[test]
fn rejects_every_single_replacement() {
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    for (position, old) in key.expose().char_indices() {
        for new in ('0'..='z').filter(|new| *new != old) {
            let mut text = key.expose().to_owned();
            text.replace_range(position..=position, &new.to_string());
            assert!(format.parse(&text).is_err(), "{position} {new}");
        }
    }
}

#[test]
fn truncated_or_foreign_key_has_wrong_format() {
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    let other = KeyFormat::new("pk").unwrap().generate().unwrap();
    let longer = KeyFormat::new("sk_live").unwrap().generate().unwrap();
    let padded = format!(" {}", key.expose());
    let truncated = &key.expose()[..key.expose().len() - 1];
    for text in [
        other.expose(),
        longer.expose(),
        &padded,
        truncated,
        "",
        "sk_",
        "sk-prod-123abc",
    ] {
        assert_eq!(
            format.parse(text).unwrap_err(),
            ApiKeyError::Format,
            "{text}"
        );
    }
}

#[test]
fn mistyped_key_has_wrong_checksum() {
    let format = KeyFormat::new("sk").unwrap();
    let text = format.generate().unwrap().expose().to_owned();
    let last = if text.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &text[..text.len() - 1]);
    assert_eq!(format.parse(&mistyped).unwrap_err(), ApiKeyError::Checksum);
}

#[test]
fn longer_prefix_is_a_different_format() {
    let (short, long) = (
        KeyFormat::new("sk").unwrap(),
        KeyFormat::new("sk_live").unwrap(),
    );
    assert!(short.parse(long.generate().unwrap().expose()).is_err());
    assert!(long.parse(short.generate().unwrap().expose()).is_err());
}

#[test]
fn generated_keys_are_unique() {
    let format = KeyFormat::new("sk").unwrap();
    let keys: std::collections::HashSet<_> = (0..500)
        .map(|_| format.generate().unwrap())
        .flat_map(|key| [key.id().to_owned(), key.expose().to_owned()])
        .collect();
    assert_eq!(keys.len(), 1_000);
}
