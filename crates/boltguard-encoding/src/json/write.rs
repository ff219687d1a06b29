//! Writes compact JSON, [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).
//!
//! ```
//! use boltguard_encoding::json::write;
//!
//! let mut json = String::from("{");
//! write::push_member(&mut json, "sub", "a \"b\"");
//! write::push_name(&mut json, "scopes");
//! write::push_strings(&mut json, ["read", "write"]);
//! json.push('}');
//! assert_eq!(json, r#"{"sub":"a \"b\"","scopes":["read","write"]}"#);
//! ```

use super::plain::{is_plain, is_plain_byte};

/// A buffer that JSON is appended to.
pub trait Buffer {
    /// Appends JSON.
    fn push_json(&mut self, json: &str);

    /// Returns whether this is the last byte in the buffer.
    fn ends_with_byte(&self, byte: u8) -> bool;
}

impl Buffer for String {
    #[inline]
    fn push_json(&mut self, json: &str) {
        self.push_str(json);
    }

    #[inline]
    fn ends_with_byte(&self, byte: u8) -> bool {
        self.as_bytes().last() == Some(&byte)
    }
}

impl Buffer for Vec<u8> {
    #[inline]
    fn push_json(&mut self, json: &str) {
        self.extend_from_slice(json.as_bytes());
    }

    #[inline]
    fn ends_with_byte(&self, byte: u8) -> bool {
        self.last() == Some(&byte)
    }
}

/// Appends a string.
#[inline]
pub fn push_string(json: &mut impl Buffer, string: &str) {
    json.push_json("\"");
    if is_plain(string) {
        json.push_json(string);
    } else {
        push_escaped(json, string);
    }
    json.push_json("\"");
}

/// Appends an array of strings.
#[inline]
pub fn push_strings<S: AsRef<str>>(json: &mut impl Buffer, strings: impl IntoIterator<Item = S>) {
    let mut strings = strings.into_iter();
    json.push_json("[");
    if let Some(first) = strings.next() {
        push_string(json, first.as_ref());
    }
    for string in strings {
        json.push_json(",");
        push_string(json, string.as_ref());
    }
    json.push_json("]");
}

/// Appends the name of the next member to an object, with the comma before it and the colon after it.
#[inline]
pub fn push_name(json: &mut impl Buffer, name: &str) {
    // A string ends with a quote, so a brace has opened this object.
    if !json.ends_with_byte(b'{') {
        json.push_json(",");
    }
    push_string(json, name);
    json.push_json(":");
}

/// Appends the next member to an object. Its value is a string.
#[inline]
pub fn push_member(json: &mut impl Buffer, name: &str, value: &str) {
    push_name(json, name);
    push_string(json, value);
}

#[cold]
#[inline(never)]
fn push_escaped(json: &mut impl Buffer, string: &str) {
    let mut rest = string;
    while let Some(at) = rest.bytes().position(|byte| !is_plain_byte(byte)) {
        json.push_json(&rest[..at]);
        push_escape(json, rest.as_bytes()[at]);
        rest = &rest[at + 1..];
    }
    json.push_json(rest);
}

fn push_escape(json: &mut impl Buffer, byte: u8) {
    match byte {
        b'"' => json.push_json("\\\""),
        b'\\' => json.push_json("\\\\"),
        0x08 => json.push_json("\\b"),
        b'\t' => json.push_json("\\t"),
        b'\n' => json.push_json("\\n"),
        0x0c => json.push_json("\\f"),
        b'\r' => json.push_json("\\r"),
        control => json.push_json(&format!("\\u{control:04x}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(string: &str) -> String {
        let mut json = String::new();
        push_string(&mut json, string);
        json
    }

    #[test]
    fn control_characters_are_escaped_like_serde_json() {
        for character in '\0'..='\u{ff}' {
            let string = format!("a{character}b");
            let expected = serde_json::to_string(&string).unwrap();
            assert_eq!(written(&string), expected);
        }
    }

    #[test]
    fn commas_separate_members_and_elements() {
        let mut json = b"{".to_vec();
        push_member(&mut json, "{", "{");
        push_name(&mut json, "a");
        push_strings(&mut json, [""; 0]);
        push_name(&mut json, "\n");
        push_strings(&mut json, ["x", "y"]);
        json.push(b'}');
        assert_eq!(json, br#"{"{":"{","a":[],"\n":["x","y"]}"#);
    }

    proptest! {
        #[test]
        fn strings_are_written_like_serde_json(string: String, plain in "[a-zé]{0,40}") {
            for string in [&string, &plain, &format!("{plain}\"{string}\\")] {
                prop_assert_eq!(written(string), serde_json::to_string(string).unwrap());
            }
        }
    }
}
