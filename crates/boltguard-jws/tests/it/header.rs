//! Signed headers that are rejected or accepted, RFC 7515 §4.

use boltguard_jws::{JwsError, UnverifiedJws};
use boltguard_keys::Algorithm::{Es512, Hs256};
use boltguard_testing::{forge, keys};

use crate::{PAYLOAD, verify};

/// The result for a token with this header, signed with a key for its algorithm.
fn check(header: impl AsRef<[u8]>) -> Result<Vec<u8>, JwsError> {
    verify(
        &forge::signed(header, PAYLOAD, &keys::signing_key(Hs256)),
        Hs256,
    )
}

fn assert_all(headers: &[&str], expected: JwsError) {
    for header in headers {
        assert_eq!(check(header), Err(expected), "{header}");
    }
}

#[test]
fn the_name_of_the_algorithm_is_compared_exactly() {
    assert_all(
        &[
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"nOnE"}"#,
            r#"{"alg":""}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"Hs256"}"#,
            r#"{"alg":"HS256 "}"#,
            r#"{"alg":" HS256"}"#,
            r#"{"alg":"HS256\u0000"}"#,
            r#"{"alg":"HS256\n"}"#,
            r#"{"alg":"HMAC-SHA256"}"#,
            r#"{"alg":"ΗS256"}"#,
            r#"{"alg":"HS2560"}"#,
            r#"{"alg":"HS25"}"#,
            r#"{"alg":"HS256,HS384"}"#,
            r#"{}"#,
            r#"{"typ":"JWT"}"#,
            r#"{"ALG":"HS256"}"#,
            r#"{"alg ":"HS256"}"#,
            r#"{"header":{"alg":"HS256"}}"#,
        ],
        JwsError::AlgorithmNotAllowed,
    );
}

#[test]
fn escapes_are_decoded_before_comparison() {
    // RFC 7515 §5.3.
    for header in [
        r#"{"\u0061\u006c\u0067":"HS256"}"#,
        r#"{"alg":"\u0048\u0053256"}"#,
        "\t{ \"alg\" :\r\n\"HS256\" } ",
    ] {
        assert!(check(header).is_ok(), "{header}");
    }
    let token = forge::signed(
        r#"{"alg":"ES\u0035\u0031\u0032"}"#,
        PAYLOAD,
        &keys::signing_key(Es512),
    );
    assert!(verify(&token, Es512).is_ok());
}

#[test]
fn parameters_without_a_meaning_here_may_be_anything() {
    for header in [
        r#"{"alg":"HS256","ALG":"none","Crit":["x"],"B64":false}"#,
        r#"{"alg":"HS256","x5t":7,"cty":null,"jku":["a"],"jwk":"no key","x5u":{},"x5c":false}"#,
        r#"{"alg":"HS256","typ":7}"#,
        r#"{"alg":"HS256","typ":null}"#,
        r#"{"alg":"HS256","":"","\u0000":[[[]]],"ключ":"значение","exp":1,"iss":{}}"#,
        r#"{"alg":"HS256","nested":{"alg":"none","crit":["x"],"a":1,"a":2}}"#,
        r#"{"alg":"HS256","b64":true}"#,
    ] {
        assert!(check(header).is_ok(), "{header}");
    }
}

#[test]
fn a_parameter_of_the_wrong_type_is_refused() {
    assert_all(
        &[
            r#"{"alg":256}"#,
            r#"{"alg":true}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":{"alg":"HS256"}}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","kid":["a"]}"#,
            r#"{"alg":"HS256","kid":{"a":"b"}}"#,
            r#"{"alg":"HS256","kid":true}"#,
        ],
        JwsError::HeaderInvalid,
    );
}

#[test]
fn a_name_twice_is_refused() {
    assert_all(
        &[
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
            r#"{"\u0061lg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
            r#"{"alg":"HS256","x":1,"x":1}"#,
            r#"{"alg":"HS256","":1,"":1}"#,
            r#"{"alg":"HS256","crit":["a"],"crit":["b"]}"#,
        ],
        JwsError::HeaderInvalid,
    );
}

#[test]
fn extensions_are_refused_whatever_they_are() {
    // RFC 7515 §4.1.11 and RFC 7797 §6.
    assert_all(
        &[
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":["x"]}"#,
            r#"{"alg":"HS256","crit":["alg"]}"#,
            r#"{"alg":"HS256","crit":["b64"],"b64":true}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":[""]}"#,
            r#"{"alg":"HS256","crit":["x","x"],"x":1}"#,
            r#"{"alg":"HS256","crit":[["x"]],"x":1}"#,
            r#"{"alg":"HS256","crit":"x","x":1}"#,
            r#"{"alg":"HS256","crit":{}}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"{"alg":"HS256","crit":false}"#,
            r#"{"alg":"HS256","crit":0}"#,
            r#"{"alg":"HS256","\u0063rit":["x"],"x":1}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
            r#"{"alg":"HS256","b64":0}"#,
            r#"{"alg":"HS256","b64":"true"}"#,
            r#"{"alg":"HS256","b64":null}"#,
            r#"{"crit":["x"],"alg":"none"}"#,
        ],
        JwsError::CriticalHeader,
    );
}

#[test]
fn values_that_are_not_json_objects_are_rejected() {
    assert_all(
        &[
            "",
            " ",
            "null",
            "true",
            "1",
            "\"alg\"",
            "[]",
            r#"[{"alg":"HS256"}]"#,
            r#"[["alg","HS256"]]"#,
            "alg=HS256",
            r#"{"alg":"HS256""#,
            r#"{"alg":"HS256"}}"#,
            r#"{"alg":"HS256"} {}"#,
            r#"{"alg":"HS256"}x"#,
            r#"{"alg":"HS256",}"#,
            r#"{'alg':'HS256'}"#,
            r#"{alg:"HS256"}"#,
            "{\"alg\":\"HS256\" // c\n}",
            r#"{"alg":"HS256","a":NaN}"#,
            r#"{"alg":"HS256","a":Infinity}"#,
            r#"{"alg":"HS256","a":1e400}"#,
            r#"{"alg":"HS256","a":01}"#,
            "{\"alg\":\"HS256\",\"a\":\"\n\"}",
            r#"{"alg":"HS256","a":"\ud800"}"#,
            "\u{feff}{\"alg\":\"HS256\"}",
            "{\"alg\":\"HS256\"}\u{feff}",
            "\u{a0}{\"alg\":\"HS256\"}",
        ],
        JwsError::HeaderInvalid,
    );
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        r#"{"alg":"HS256"}"#.encode_utf16().flat_map(bytes).collect()
    };
    let latin1 = b"{\"alg\":\"HS256\",\"a\":\"\xe9\"}".to_vec();
    let surrogate = b"{\"alg\":\"HS256\",\"a\":\"\xed\xa0\x80\"}".to_vec();
    let overlong = b"{\"alg\":\"HS256\",\"a\":\"\xc0\xaf\"}".to_vec();
    for header in [
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        latin1,
        surrogate,
        overlong,
    ] {
        assert_eq!(check(&header), Err(JwsError::HeaderInvalid), "{header:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    // The header itself is the first level.
    let nested = |depth: usize, open: &str, close: &str| {
        format!(
            r#"{{"alg":"HS256","a":{}1{}}}"#,
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    assert!(check(nested(63, "[", "]")).is_ok());
    assert!(check(nested(63, "{\"a\":", "}")).is_ok());
    for deep in [64, 500, 1500] {
        assert_eq!(
            check(nested(deep, "[", "]")),
            Err(JwsError::HeaderInvalid),
            "{deep}"
        );
        assert_eq!(
            check(nested(deep, "{\"a\":", "}")),
            Err(JwsError::HeaderInvalid),
            "{deep}"
        );
    }
    assert_eq!(
        check(format!("{{\"a\":{}", "[".repeat(10_000))),
        Err(JwsError::HeaderInvalid)
    );
}

#[test]
fn a_header_may_be_long() {
    let long = format!(r#"{{"alg":"HS256","a":"{}"}}"#, "x".repeat(9_000));
    assert!(check(long).is_ok());
    let members: String = (0..500).map(|index| format!(",\"{index}\":0")).collect();
    assert!(check(format!(r#"{{"alg":"HS256"{members}}}"#)).is_ok());
    assert_eq!(
        check(format!(r#"{{"alg":"HS256"{members},"499":1}}"#)),
        Err(JwsError::HeaderInvalid)
    );
}

#[test]
fn the_unverified_header_can_be_read() {
    let header = r#"{"alg":"HS256","kid":"k\u0031","typ":"at+jwt","x":[1]}"#;
    let token = forge::signed(header, PAYLOAD, &keys::signing_key(Hs256));
    let jws = UnverifiedJws::parse(&token).unwrap();
    let read = jws.unverified_header();
    assert_eq!(
        (read.algorithm(), read.key_id(), read.media_type()),
        (Hs256, Some("k1"), Some("at+jwt"))
    );
    assert_eq!(read.as_json(), header);
}

#[test]
fn typ_that_is_not_a_string_is_ignored() {
    for value in ["7", "null", "[\"JWT\"]", "{}", "true"] {
        let token = forge::signed(
            format!(r#"{{"alg":"HS256","typ":{value}}}"#),
            PAYLOAD,
            &keys::signing_key(Hs256),
        );
        assert_eq!(
            UnverifiedJws::parse(&token)
                .unwrap()
                .unverified_header()
                .media_type(),
            None,
            "{value}"
        );
    }
}
