//! Strings, their escapes, and input that isn't UTF-8.

use boltguard_encoding::json::{JsonError, Reader};
use proptest::prelude::*;

fn read(json: &[u8]) -> Result<String, JsonError> {
    let mut reader = Reader::from_bytes(json)?;
    let text = reader.string()?.to_text().into_owned();
    reader.finish()?;
    Ok(text)
}

#[test]
fn every_character_may_be_escaped() {
    for letter in ('\0'..='\u{d7ff}')
        .chain('\u{e000}'..='\u{ffff}')
        .step_by(7)
        .chain(['\u{10000}', '\u{1f600}', '\u{10ffff}'])
    {
        let mut units = [0; 2];
        let escaped: String = letter
            .encode_utf16(&mut units)
            .iter()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect();
        assert_eq!(
            read(format!("\"a{escaped}b\"").as_bytes()),
            Ok(format!("a{letter}b")),
            "{escaped}"
        );
    }
}

#[test]
fn halves_of_a_pair_that_do_not_meet_are_refused() {
    for escapes in [
        "\\ud800",
        "\\udbff",
        "\\udc00",
        "\\udfff",
        "\\ud800\\ud800",
        "\\udc00\\ud800",
        "\\ud800x\\udc00",
        "\\ud800 \\udc00",
        "\\ud800\\n",
        "\\ud800\\u",
        "\\ud800\\u00",
        "\\ud800\\udc0",
        "\\ud800\\ue000",
        "\\ud83d\\ude0",
        "\\ud83d\\ude0g",
    ] {
        assert_eq!(
            read(format!("\"{escapes}\"").as_bytes()),
            Err(JsonError::Syntax),
            "{escapes}"
        );
    }
}

#[test]
fn control_characters_are_refused_and_delete_is_none() {
    for control in '\0'..'\u{20}' {
        for text in [
            format!("\"{control}\""),
            format!("\"abcdefgh{control}\""),
            format!("\"\\n{control}\""),
        ] {
            assert_eq!(read(text.as_bytes()), Err(JsonError::Syntax), "{control:?}");
        }
    }
    assert_eq!(read(b"\"\x7f\""), Ok("\u{7f}".into()));
}

#[test]
fn invalid_utf_8_is_rejected_anywhere() {
    for broken in [
        b"\x80" as &[u8],
        b"\xc0\xaf",
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
    ] {
        for length in [0, 1, 7, 8, 30, 31, 32, 33, 64, 100] {
            let padding = "x".repeat(length);
            for (before, after) in [("\"", "\""), ("", "\"\""), ("\"\"", "")] {
                let json = [
                    padding.as_bytes(),
                    before.as_bytes(),
                    broken,
                    after.as_bytes(),
                    padding.as_bytes(),
                ]
                .concat();
                assert_eq!(
                    Reader::from_bytes(&json).err(),
                    Some(JsonError::Encoding),
                    "{json:?}"
                );
            }
        }
    }
}

#[test]
fn quotes_are_found_at_every_distance() {
    for length in 0..80 {
        for letter in ["x", "é", "\u{1f600}", "!", "#", "\u{a2}"] {
            let text = letter.repeat(length);
            assert_eq!(read(format!("\"{text}\"").as_bytes()), Ok(text.clone()));
            assert_eq!(
                read(format!("\"{text}\\\"{text}\"").as_bytes()),
                Ok(format!("{text}\"{text}"))
            );
            assert_eq!(read(format!("\"{text}").as_bytes()), Err(JsonError::Syntax));
        }
    }
}

proptest! {
    #[test]
    fn a_text_comes_back_however_it_is_escaped(text in any::<String>(), escapes in any::<u64>()) {
        let letters = text.chars().enumerate().map(|(index, letter)| {
            if escapes >> (index % 64) & 1 == 0 && letter >= ' ' && letter != '"' && letter != '\\' {
                return letter.to_string();
            }
            let mut units = [0; 2];
            letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        });
        let json = format!("\"{}\"", letters.collect::<String>());
        prop_assert_eq!(read(json.as_bytes()).unwrap(), text);
    }

    #[test]
    fn any_bytes_are_text_to_both_or_to_none(bytes in prop::collection::vec(prop::sample::select(b"\"\\ua0d8c\x00\x80\xc3\xa9 /n".to_vec()), 0..14)) {
        let json = [b"\"", &*bytes, b"\""].concat();
        let theirs = serde_json::from_slice::<String>(&json).ok();
        prop_assert_eq!(read(&json).ok(), theirs, "{:?}", json);
    }
}
