//! Duplicate names, compared with a `HashSet`.

use std::collections::HashSet;

use boltguard_encoding::json::{JsonError, Names, Reader};
use proptest::prelude::*;

fn insert_all(text: &str) -> Result<(), JsonError> {
    let mut names = Names::default();
    Reader::new(text).object(|reader, name| {
        names.insert(name)?;
        reader.read_raw().map(drop)
    })
}

/// Returns the name in quotes, with the letters escaped whose bit is set.
fn written(name: &str, escapes: u8) -> String {
    let letters = name.chars().enumerate().map(|(index, letter)| {
        if escapes >> (index % 8) & 1 == 1 {
            format!("\\u{:04x}", u32::from(letter))
        } else {
            letter.to_string()
        }
    });
    format!("\"{}\"", letters.collect::<String>())
}

proptest! {
    #[test]
    fn a_name_is_new_once(names in prop::collection::vec(("[a-c]{0,3}|é|n[0-9]{1,2}", any::<u8>(), any::<bool>()), 0..40)) {
        let mut seen = HashSet::new();
        let distinct = names.iter().all(|(name, _, _)| seen.insert(name.clone()));
        let members = names.iter().map(|(name, escapes, escaped)| format!("{}:0", written(name, if *escaped { *escapes } else { 0 })));
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        let expected = if distinct { Ok(()) } else { Err(JsonError::DuplicateName) };
        prop_assert_eq!(insert_all(&text), expected, "{}", text);
    }
}
