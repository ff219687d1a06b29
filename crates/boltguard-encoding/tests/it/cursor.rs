//! The position of a reader.

use boltguard_encoding::json::{JsonError, Kind, MAX_DEPTH, Reader};

#[test]
fn a_value_ahead_is_seen_and_not_passed() {
    let mut reader = Reader::new(" [ {\"a\": 1} , \"b\" ] ");
    assert_eq!(reader.peek_value(), Ok("[ {\"a\": 1} , \"b\" ]"));
    assert_eq!(reader.position(), 1);
    let mut seen = Vec::new();
    reader
        .array(|reader| {
            seen.push((
                reader.peek_value()?.to_owned(),
                reader.position(),
                reader.kind()?,
            ));
            assert_eq!(reader.peek_value(), reader.read_raw());
            Ok::<_, JsonError>(())
        })
        .unwrap();
    let expected = [
        ("{\"a\": 1}".to_owned(), 3, Kind::Object),
        ("\"b\"".to_owned(), 14, Kind::String),
    ];
    assert_eq!(seen, expected);
    assert_eq!(reader.finish(), Ok(()));
    assert_eq!(reader.position(), 20);
}

#[test]
fn a_broken_value_ahead_is_broken() {
    for text in ["", "[", "{\"a\":}", "tru", "\"", "[1,]"] {
        assert_eq!(
            Reader::new(text).peek_value(),
            Err(JsonError::Syntax),
            "{text}"
        );
    }
}

#[test]
fn the_text_is_there_from_end_to_end() {
    let text = " {\"é\":1} ";
    let mut reader = Reader::new(text);
    assert_eq!(reader.bytes(), text.as_bytes());
    assert_eq!(reader.read_raw(), Ok("{\"é\":1}"));
    assert_eq!(
        (reader.bytes(), reader.position()),
        (text.as_bytes(), text.len() - 1)
    );
}

#[test]
fn strings_of_a_list_are_passed_to_the_callback() {
    let strings = |text: &str| {
        let mut found = Vec::new();
        let read = Reader::new(text).strings(|text| found.push(text.to_text().into_owned()));
        read.map(|_| found)
    };
    assert_eq!(
        strings(r#"["a", 1, "\u0062", null, ["c"], {"d":"e"}, ""]"#).unwrap(),
        ["a", "b", ""]
    );
    assert_eq!(strings("[]").unwrap(), [""; 0]);
    for text in [
        r#"["a",]"#,
        r#"["a" "b"]"#,
        r#"["a", x]"#,
        r#"["a""#,
        r#"["a", "b]"#,
        r#"["a", [}]"#,
    ] {
        assert_eq!(strings(text), Err(JsonError::Syntax), "{text}");
    }
    for text in ["\"a\"", "{}", "null", "1"] {
        assert_eq!(strings(text), Err(JsonError::WrongKind), "{text}");
    }
}

#[test]
fn closed_values_do_not_count_as_nesting() {
    let deep = |open: &str, close: &str| {
        let levels = usize::from(MAX_DEPTH) - 1;
        format!("{}{}", open.repeat(levels), close.repeat(levels))
    };
    let objects = deep("{\"a\":", "}").replace(":}", ":0}");
    for part in [deep("[", "]"), objects] {
        let list = format!("[{part},{part},{part}]");
        assert_eq!(Reader::new(&list).read_raw(), Ok(list.as_str()));
        let object = format!("{{\"x\":{part},\"y\":{part}}}");
        assert_eq!(Reader::new(&object).read_raw(), Ok(object.as_str()));
        let deeper = format!("[[{part}]]");
        assert_eq!(Reader::new(&deeper).read_raw(), Err(JsonError::TooDeep));
        let deeper = format!("[{{\"x\":{part}}}]");
        assert_eq!(Reader::new(&deeper).read_raw(), Err(JsonError::TooDeep));
    }
}

#[test]
fn messages_are_lower_case_without_a_full_stop() {
    let errors = [
        JsonError::DuplicateName,
        JsonError::Encoding,
        JsonError::NumberRange,
        JsonError::Syntax,
        JsonError::TooDeep,
        JsonError::WrongKind,
    ];
    for text in errors
        .map(|error| error.to_string())
        .into_iter()
        .chain([boltguard_encoding::base64url::Base64Error.to_string()])
    {
        assert!(text.len() > 5 && !text.ends_with('.'), "{text}");
        assert!(
            text.starts_with(char::is_lowercase) || text == "not UTF-8",
            "{text}"
        );
    }
}
