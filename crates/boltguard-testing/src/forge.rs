//! Tokens put together by hand.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use boltguard_keys::SigningKey;

/// A segment: base64url without padding.
pub fn segment(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with any signature.
pub fn token(
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
    signature: impl AsRef<[u8]>,
) -> String {
    format!(
        "{}.{}.{}",
        segment(header),
        segment(payload),
        segment(signature)
    )
}

/// A token that the key signs, whatever its header says.
///
/// # Panics
///
/// If the key can't sign.
pub fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>, key: &SigningKey) -> String {
    sign_input(&format!("{}.{}", segment(header), segment(payload)), key)
}

/// A token that the key signs, with the header and payload segments as they are given.
///
/// # Panics
///
/// If the key can't sign.
pub fn sign_input(input: &str, key: &SigningKey) -> String {
    let signature = key.sign(input.as_bytes()).expect("the test keys sign");
    format!("{input}.{}", segment(signature))
}

/// The token with another header, its payload and signature as they were.
///
/// # Panics
///
/// If the token has no dot.
pub fn with_header(token: &str, header: impl AsRef<[u8]>) -> String {
    let (_, rest) = token.split_once('.').expect("a token has dots");
    format!("{}.{rest}", segment(header))
}

/// Every token that differs from this one in one character, by its replacement with another of base64url or a dot.
pub fn changed_by_one(token: &str) -> impl Iterator<Item = String> {
    const OTHERS: [char; 4] = ['A', '_', '0', '.'];
    token.char_indices().flat_map(move |(index, was)| {
        let others = OTHERS.into_iter().filter(move |other| *other != was);
        others.map(move |other| {
            let rest = &token[index + was.len_utf8()..];
            format!("{}{other}{rest}", &token[..index])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_is_changed() {
        let changed: Vec<_> = changed_by_one("A.b").collect();
        assert_eq!(
            changed,
            [
                "_.b", "0.b", "..b", "AAb", "A_b", "A0b", "A.A", "A._", "A.0", "A.."
            ]
        );
    }

    #[test]
    fn the_unsecured_token_of_rfc7519() {
        // RFC 7519 §6.1.
        let payload =
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(
            token(r#"{"alg":"none"}"#, payload, ""),
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
             Ijp0cnVlfQ."
        );
    }
}
