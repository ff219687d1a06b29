//! `Debug` never shows input, which can be a token.

use boltguard_encoding::json::{Kind, Names, Reader};

#[test]
fn debug_shows_nothing_of_what_is_read() {
    let json = r#"{"hidden":"hidden","n":48151623}"#;
    let mut reader = Reader::new(json);
    let mut names = Names::default();
    let mut shown = vec![format!("{reader:?}")];
    reader
        .object(|reader, name| {
            shown.push(format!("{name:?} {reader:?}"));
            names.insert(name)?;
            match reader.kind()? {
                Kind::String => shown.push(format!("{:?}", reader.string()?)),
                _ => shown.push(format!("{:?}", reader.number()?)),
            }
            Ok::<_, boltguard_encoding::json::JsonError>(())
        })
        .unwrap();
    shown.push(format!("{names:?} {reader:?}"));
    let bytes = format!("{:?}", b"hidden");
    for text in shown {
        for hidden in ["hidden", "48151623", bytes.trim_matches(['[', ']'])] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}
