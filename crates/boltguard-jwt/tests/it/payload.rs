//! The payload as a whole, RFC 7519 §7.2 and RFC 8259.

use boltguard_jwt::ClaimsError;

use crate::{admit, assert_admitted, assert_refused, lenient};

#[test]
fn values_that_are_not_objects_are_rejected() {
    assert_refused(
        &lenient(),
        &[
            "",
            " ",
            "null",
            "true",
            "0",
            "\"sub\"",
            "[]",
            "[{}]",
            r#"[["sub","42"]]"#,
            "<sub/>",
            "sub=42",
            "sub: 42",
        ],
        ClaimsError::Malformed,
    );
    assert_admitted(&lenient(), &["{}", " {} ", "\t\r\n{\n\t}\r\n"]);
}

#[test]
fn invalid_json_is_rejected() {
    assert_refused(
        &lenient(),
        &[
            "{",
            "}",
            "{}}",
            "{}{}",
            "{},",
            "{} x",
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{,"a":1}"#,
            r#"{"a":1 "b":2}"#,
            r#"{'a':1}"#,
            r#"{a:1}"#,
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a"=1}"#,
            r#"{"a":undefined}"#,
            r#"{"a":NaN}"#,
            r#"{"a":-Infinity}"#,
            r#"{"a":[NaN]}"#,
            r#"{"a":True}"#,
            r#"{"a":nul}"#,
            r#"{"a":01}"#,
            r#"{"a":+1}"#,
            r#"{"a":.5}"#,
            r#"{"a":5.}"#,
            r#"{"a":0x1}"#,
            r#"{"a":1e}"#,
            r#"{"a":--1}"#,
            r#"{"a":1e400}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00\ud800"}"#,
            "{\"a\":\"\n\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\0\"}",
            "{\"a\":1/*c*/}",
            "//c\n{}",
            "{}\0",
            "\u{a0}{}",
            "{}\u{2028}",
            "{\"a\":1\u{c}}",
        ],
        ClaimsError::Malformed,
    );
}

#[test]
fn a_broken_value_is_refused_wherever_it_stands() {
    // Each of these claims is read by separate code.
    for name in [
        "aud",
        "exp",
        "iat",
        "iss",
        "nbf",
        "sub",
        "jti",
        "is_staff",
        "is_superuser",
        "permissions",
        "scope",
        "other",
    ] {
        for value in [
            "",
            "x",
            "\"",
            "[",
            "{",
            "[1,",
            "{\"a\":",
            "tru",
            "-",
            "\"\\\"",
            "[\"a\" \"b\"]",
            "\"a\"\"b\"",
        ] {
            assert_refused(
                &lenient(),
                &[
                    &format!(r#"{{"{name}":{value}}}"#),
                    &format!(r#"{{"{name}":{value}"#),
                ],
                ClaimsError::Malformed,
            );
        }
    }
}

#[test]
fn every_form_of_json_is_read() {
    assert_admitted(
        &lenient(),
        &[
            r#"{"a":{},"b":[],"c":"","d":[[]],"e":{"":{}},"f":0,"g":-0,"h":1E2,"i":1.5e-3,"j":true,"k":null}"#,
            "{ \"a\" :\t1 ,\r\n\"b\"\n: [ 1 , 2 ] }",
            r#"{"\u0000":"\u0000","\"":"\\\/\b\f\n\r\t"}"#,
            r#"{"a":123456789012345678901234567890,"b":0.1000000000000000055511151231257827}"#,
            "{\"\u{fffd}\u{10ffff}\u{fdd0}\":\"\u{7f}\u{e000}\"}",
        ],
    );
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let utf16 =
        |order: fn(u16) -> [u8; 2]| -> Vec<u8> { "{}".encode_utf16().flat_map(order).collect() };
    for payload in [
        b"{\"a\":\"\xe9\"}".to_vec(),
        b"{\"a\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"a\":\"\xc0\xaf\"}".to_vec(),
        b"{\"a\":\"\xf4\x90\x80\x80\"}".to_vec(),
        b"{\"a\":\"\xc3\"}".to_vec(),
        b"{\"\x80\":1}".to_vec(),
        b"{}\xff".to_vec(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(),
        "{}".bytes()
            .flat_map(|byte| u32::from(byte).to_le_bytes())
            .collect(),
    ] {
        assert_eq!(
            admit(&lenient(), &payload).err(),
            Some(ClaimsError::Malformed),
            "{payload:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_refused() {
    assert_refused(
        &lenient(),
        &["\u{feff}{}", "{}\u{feff}", "{\u{feff}}"],
        ClaimsError::Malformed,
    );
    assert_admitted(&lenient(), &["{\"\u{feff}\":\"\u{feff}\"}"]);
}

/// The names of all claims with a meaning, and of two without.
const NAMES: [&str; 13] = [
    "aud",
    "exp",
    "iat",
    "iss",
    "nbf",
    "sub",
    "jti",
    "is_staff",
    "is_superuser",
    "permissions",
    "scope",
    "other",
    "",
];

/// The name with one letter escaped, if it has one.
fn escaped(name: &str) -> Option<String> {
    let (index, letter) = name.char_indices().next_back()?;
    Some(format!("{}\\u{:04x}", &name[..index], u32::from(letter)))
}

#[test]
fn a_name_twice_is_refused() {
    for name in NAMES {
        let value = if ["exp", "iat", "nbf"].contains(&name) {
            "1"
        } else {
            "\"a\""
        };
        let mut spellings = vec![name.to_owned()];
        spellings.extend(escaped(name));
        for first in &spellings {
            for second in &spellings {
                for between in ["", r#""x":1,"y":{"z":[]},"#] {
                    let payload = format!(r#"{{"{first}":{value},{between}"{second}":{value}}}"#);
                    assert_refused(&lenient(), &[&payload], ClaimsError::Malformed);
                }
            }
        }
    }
}

#[test]
fn a_name_twice_is_refused_among_many() {
    for count in [1, 7, 8, 9, 15, 16, 17, 40, 500] {
        let names: Vec<_> = (0..count).map(|index| format!("n{index}")).collect();
        let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":0")).collect();
        assert_admitted(&lenient(), &[&format!("{{{}}}", members.join(","))]);
        for twice in [&names[0], &names[count / 2], &names[count - 1]] {
            assert_refused(
                &lenient(),
                &[&format!("{{{},\"{twice}\":0}}", members.join(","))],
                ClaimsError::Malformed,
            );
            let twice = escaped(twice).unwrap();
            assert_refused(
                &lenient(),
                &[&format!("{{{},\"{twice}\":0}}", members.join(","))],
                ClaimsError::Malformed,
            );
        }
    }
}

#[test]
fn names_that_only_resemble_each_other_are_two() {
    assert_admitted(
        &lenient(),
        &[
            r#"{"a":1,"A":1,"a ":1," a":1,"a\u0000":1,"aa":1,"":1}"#,
            "{\"\u{e9}\":1,\"e\u{301}\":1}",
            r#"{"exp":1800000000,"EXP":1,"Exp":"x"}"#,
            r#"{"list":[{"a":1},{"a":1}],"a":{"a":{"a":1}}}"#,
            r#"{"abc":1,"adc":1,"aec":1,"abcc":1,"acbc":1}"#,
        ],
    );
}

#[test]
fn duplicate_value_is_not_a_duplicate_name() {
    assert_admitted(
        &lenient().ignoring_audience(),
        &[r#"{"a":[1,1],"b":"a","c":"a","aud":["x","x"],"permissions":["p","p"]}"#],
    );
}

#[test]
fn nesting_is_bounded() {
    // The claims set itself is the first level.
    for name in ["a", "aud", "sub", "permissions", "scope", "exp", "is_staff"] {
        let policy = lenient()
            .ignoring_audience()
            .ignoring_subject()
            .ignoring_expiry();
        let nested = |depth: usize, open: &str, close: &str| {
            format!(
                r#"{{"{name}":{}0{}}}"#,
                open.repeat(depth),
                close.repeat(depth)
            )
        };
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":[", "]}]")] {
            let levels = open.matches(['[', '{']).count();
            assert_admitted(&policy, &[&nested(63 / levels, open, close)]);
            assert_refused(
                &policy,
                &[&nested(66 / levels, open, close)],
                ClaimsError::Malformed,
            );
        }
        assert_refused(
            &policy,
            &[&nested(64, "[", "]"), &nested(2_000, "[", "]")],
            ClaimsError::Malformed,
        );
        assert_refused(
            &policy,
            &[&format!(r#"{{"{name}":{}"#, "[".repeat(12_000))],
            ClaimsError::Malformed,
        );
    }
}

#[test]
fn siblings_do_not_count_as_nesting() {
    let many = "[[]],".repeat(500);
    assert_admitted(
        &lenient(),
        &[&format!(r#"{{"a":[{many}[]],"b":[{many}{{}}]}}"#)],
    );
}

#[test]
fn a_claim_without_a_meaning_may_be_anything() {
    assert_admitted(
        &lenient(),
        &[
            r#"{"ver":"2.0","amr":"pwd","azp":["x"],"crit":["exp"],"b64":false,"alg":"none","typ":7,"kid":null,"cnf":{"jkt":"x"}}"#,
            r#"{"is_staff":"yes","is_superuser":1,"permissions":"all","scope":["a"]}"#,
            r#"{"permissions":null,"scope":null,"is_staff":null}"#,
            r#"{"permissions":{"a":1},"scope":7}"#,
            r#"{"__proto__":{"exp":9999999999},"constructor":{},"toString":1}"#,
        ],
    );
}
