//! Examples from the RFCs.

use boltguard_encoding::base64url::{decode, encode};
use boltguard_encoding::json::{JsonError, Reader};

#[test]
fn rfc4648_section_10_without_padding() {
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg"),
        ("fo", "Zm8"),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(encode(bytes), text);
        assert_eq!(decode(text).unwrap(), bytes.as_bytes());
    }
}

#[test]
fn rfc7515_appendix_c() {
    assert_eq!(encode([3, 236, 255, 224, 193]), "A-z_4ME");
    assert_eq!(decode("A-z_4ME").unwrap(), [3, 236, 255, 224, 193]);
}

#[test]
fn rfc8259_section_13_is_read() {
    let image = r#"{
        "Image": {
            "Width":  800,
            "Height": 600,
            "Title":  "View from 15th Floor",
            "Thumbnail": {"Url": "http://www.example.com/image/481989943", "Height": 125, "Width": 100},
            "Animated" : false,
            "IDs": [116, 943, 234, 38793]
        }
    }"#;
    let cities = r#"[{"precision": "zip", "Latitude": 37.7668, "Longitude": -122.3959, "State": "CA"},
        {"precision": "zip", "Latitude": 37.371991, "Longitude": -122.026020, "State": "CA"}]"#;
    for text in [image, cities, "\"Hello world!\"", "42", "true"] {
        let mut reader = Reader::new(text);
        assert_eq!(reader.read_raw(), Ok(text));
        assert_eq!(reader.finish(), Ok(()));
    }
}

#[test]
fn rfc8259_section_7_escapes_beyond_the_basic_plane() {
    let text = Reader::new(r#""\uD834\uDD1E""#)
        .string()
        .map(|text| text.to_text().into_owned());
    assert_eq!(text.as_deref(), Ok("\u{1d11e}"));
}

#[test]
fn rfc8259_section_8_1_has_no_byte_order_mark() {
    assert_eq!(Reader::new("\u{feff}{}").read_raw(), Err(JsonError::Syntax));
}
