use proptest::prelude::*;

use super::*;

/// Reads an entire JSON text.
fn read(text: &str) -> Result<serde_json::Value, JsonError> {
    let mut reader = Reader::new(text);
    let value = build(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

fn build(reader: &mut Reader<'_>) -> Result<serde_json::Value, JsonError> {
    Ok(match reader.kind()? {
        Kind::Array => {
            let mut list = Vec::new();
            reader.array(|reader| build(reader).map(|value| list.push(value)))?;
            list.into()
        }
        Kind::Bool => reader.bool()?.into(),
        Kind::Null => reader.null().map(|()| serde_json::Value::Null)?,
        Kind::Number => {
            let number = reader.number()?;
            let exact = number.as_str().parse::<u64>().ok().map(Into::into);
            exact
                .or(number.as_i64().filter(|whole| *whole < 0).map(Into::into))
                .unwrap_or_else(|| number.as_f64().into())
        }
        Kind::Object => {
            let mut map = serde_json::Map::new();
            reader.object(|reader, name| {
                map.insert(name.to_text().into_owned(), build(reader)?);
                Ok::<_, JsonError>(())
            })?;
            map.into()
        }
        Kind::String => reader.string()?.to_text().into(),
    })
}

fn skip(text: &str) -> Result<(), JsonError> {
    let mut reader = Reader::new(text);
    reader.read_raw()?;
    reader.finish()
}

#[test]
fn refuses_what_is_not_json() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "tru",
        "truex",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1.e3",
        "0x1",
        "1_0",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"a\nb\"",
        "\"a\0b\"",
        "\"\t\"",
        "{} {}",
        "1 2",
        "//\n1",
        "/**/1",
        "\u{feff}{}",
        "\u{a0}1",
        "{\"a\":1}x",
        "[1]]",
        "1e",
        "--1",
        "1-",
        "\u{c}1",
    ] {
        assert!(skip(text).is_err(), "{text:?}");
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn reads_every_kind_of_value() {
    let text = " {\"a\" : [ 1 , -2.5e+3,0, -0 ,\"x\\u00e9\\n\\ud83d\\ude00\" , true,false,null,{} ,[] ] }\r\n\t";
    assert_eq!(
        read(text).unwrap(),
        serde_json::from_str::<serde_json::Value>(text).unwrap()
    );
}

#[test]
fn numbers_without_a_finite_double_are_refused() {
    for text in ["1e400", "-1e400", "1e309", &"9".repeat(400), "[1e999]"] {
        assert_eq!(skip(text), Err(JsonError::NumberRange), "{text}");
    }
    for text in ["1e308", "1e-400", &"9".repeat(308), "0e999"] {
        assert_eq!(skip(text), Ok(()), "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(skip(&nested(64)), Ok(()));
    assert_eq!(skip(&nested(65)), Err(JsonError::TooDeep));
    assert_eq!(skip(&"[".repeat(100_000)), Err(JsonError::TooDeep));
    assert_eq!(skip(&"{\"a\":".repeat(100_000)), Err(JsonError::TooDeep));
    assert_eq!(
        skip(&format!("[{}]", "[[]],".repeat(1000) + "[]")),
        Ok(()),
        "siblings are no nesting"
    );
}

#[test]
fn wrong_types_are_distinguished_from_invalid_json() {
    assert_eq!(Reader::new("1").string().err(), Some(JsonError::WrongKind));
    assert_eq!(Reader::new("x").string().err(), Some(JsonError::Syntax));
    assert_eq!(
        Reader::new("\"1\"").number().err(),
        Some(JsonError::WrongKind)
    );
    assert_eq!(Reader::new("null").bool().err(), Some(JsonError::WrongKind));
    assert_eq!(Reader::new("{}").null().err(), Some(JsonError::WrongKind));
}

/// The names of an object's members, each entered once.
fn names(text: &str) -> Result<(), JsonError> {
    let mut names = Names::default();
    Reader::new(text).object(|reader, name| {
        names.insert(name)?;
        reader.read_raw().map(drop)
    })
}

#[test]
fn duplicate_names_are_found_after_their_escapes_are_decoded() {
    assert_eq!(
        names(r#"{"a":1,"\u0061":2}"#),
        Err(JsonError::DuplicateName)
    );
    assert_eq!(
        names(r#"{"\u0061":1,"a":2}"#),
        Err(JsonError::DuplicateName)
    );
    assert_eq!(
        names(r#"{"\u0061":1,"\u0061":2}"#),
        Err(JsonError::DuplicateName)
    );
    assert_eq!(names(r#"{"a":1,"A":2,"":3,"a ":4}"#), Ok(()));
    assert_eq!(names(r#"{"":1,"":2}"#), Err(JsonError::DuplicateName));
}

#[test]
fn many_names_cost_no_square() {
    let many: Vec<_> = (0..4000).map(|i| format!("\"{i}\":0")).collect();
    assert_eq!(names(&format!("{{{}}}", many.join(","))), Ok(()));
    assert_eq!(
        names(&format!("{{{},\"7\":1}}", many.join(","))),
        Err(JsonError::DuplicateName)
    );
    assert_eq!(
        names(&format!("{{{},\"3999\":1}}", many.join(","))),
        Err(JsonError::DuplicateName)
    );
}

/// Generates valid and nearly valid JSON from random fragments.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "a",
        "\"a\"",
        "\"b\":",
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
    ]);
    prop::collection::vec(fragment, 0..12).prop_map(|parts| parts.concat())
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e9..1e9f64).prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(".{0,5}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_what_is_json(text in fragments()) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert_eq!(read(&text).is_ok(), theirs.is_ok(), "{}", text);
        prop_assert_eq!(skip(&text).is_ok(), theirs.is_ok(), "{}", text);
        if let (Ok(ours), Ok(theirs)) = (read(&text), theirs) {
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn agrees_with_serde_json_on_what_it_says(value in values(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(read(&text).unwrap(), value);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        prop_assert_eq!(read(&text).is_ok(), skip(&text).is_ok());
    }
}
