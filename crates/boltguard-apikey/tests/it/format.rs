//! Generated keys and whatever else may be presented.

use boltguard_apikey::{ApiKeyError, KeyFormat};
use proptest::prelude::*;
use regex::Regex;

const PREFIX: &str = "[a-z0-9]{1,7}(_[a-z0-9]{1,7}){1,2}";

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

proptest! {
    #[test]
    fn a_generated_key_is_read_back(prefix in PREFIX) {
        let format = KeyFormat::new(&prefix).unwrap();
        let key = format.generate().unwrap();
        prop_assert_eq!(format.parse(key.expose()).unwrap().id(), key.id());
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        prop_assert!(KeyFormat::new("sk").unwrap().parse(&text).is_err());
    }

    #[test]
    fn any_text_of_the_right_length_is_read_without_panic(
        text in "sk_([0-9a-z_\\PC]{0,6}_?){1,9}",
        length in 0..70_usize,
    ) {
        let text: String = text.chars().cycle().take(length).collect();
        prop_assert!(KeyFormat::new("sk").unwrap().parse(&text).is_err());
    }

    #[test]
    fn no_single_mistyped_character_passes(place in 0..65_usize, typed in any::<char>()) {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let mut text = characters(key.expose());
        prop_assume!(text[place] != typed);
        text[place] = typed;
        prop_assert!(format.parse(&text.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn no_two_exchanged_neighbours_pass(place in 0..64_usize) {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let mut text = characters(key.expose());
        prop_assume!(text[place] != text[place + 1]);
        text.swap(place, place + 1);
        prop_assert!(format.parse(&text.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn the_pattern_finds_a_key_whole_in_any_surroundings(
        prefix in PREFIX,
        before in "(.*[^0-9A-Za-z_])?",
        after in "([^0-9A-Za-z_].*)?",
    ) {
        let format = KeyFormat::new(&prefix).unwrap();
        let key = format.generate().unwrap();
        // `\b` of this engine knows letters beyond ASCII, and so do the surroundings here.
        prop_assume!(!before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric));
        let text = format!("{before}{}{after}", key.expose());
        let pattern = Regex::new(&format!("(?-u){}", format.pattern())).unwrap();
        prop_assert!(pattern.find_iter(&text).any(|found| found.as_str() == key.expose()));
    }

    #[test]
    fn the_pattern_finds_no_other_text(text in ".*") {
        let pattern = Regex::new(&KeyFormat::new("sk").unwrap().pattern()).unwrap();
        prop_assert!(!pattern.is_match(&text));
    }
}

#[test]
fn every_single_replacement_within_the_alphabet_is_refused() {
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    for (place, old) in key.expose().char_indices() {
        for new in ('0'..='z').filter(|new| *new != old) {
            let mut text = key.expose().to_owned();
            text.replace_range(place..=place, &new.to_string());
            assert!(format.parse(&text).is_err(), "{place} {new}");
        }
    }
}

#[test]
fn a_cut_or_foreign_key_is_told_apart_before_its_checksum() {
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    let other = KeyFormat::new("pk").unwrap().generate().unwrap();
    let longer = KeyFormat::new("sk_live").unwrap().generate().unwrap();
    let blank = format!(" {}", key.expose());
    let cut = &key.expose()[..key.expose().len() - 1];
    for text in [
        other.expose(),
        longer.expose(),
        &blank,
        cut,
        "",
        "sk_",
        "sk-prod-123abc",
    ] {
        assert_eq!(
            format.parse(text).unwrap_err(),
            ApiKeyError::Foreign,
            "{text}"
        );
    }
}

#[test]
fn a_mistyped_key_is_called_so() {
    let format = KeyFormat::new("sk").unwrap();
    let text = format.generate().unwrap().expose().to_owned();
    let last = if text.ends_with('0') { "1" } else { "0" };
    let typed = format!("{}{last}", &text[..text.len() - 1]);
    assert_eq!(format.parse(&typed).unwrap_err(), ApiKeyError::Checksum);
}

#[test]
fn a_prefix_that_begins_like_another_is_no_prefix_of_it() {
    let (short, long) = (
        KeyFormat::new("sk").unwrap(),
        KeyFormat::new("sk_live").unwrap(),
    );
    assert!(short.parse(long.generate().unwrap().expose()).is_err());
    assert!(long.parse(short.generate().unwrap().expose()).is_err());
}

#[test]
fn no_two_keys_are_alike() {
    let format = KeyFormat::new("sk").unwrap();
    let keys: std::collections::HashSet<_> = (0..500)
        .map(|_| format.generate().unwrap())
        .flat_map(|key| [key.id().to_owned(), key.expose().to_owned()])
        .collect();
    assert_eq!(keys.len(), 1_000);
}
