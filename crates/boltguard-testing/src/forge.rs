//! Tokens assembled from arbitrary parts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use boltguard_keys::SigningKey;

/// Encodes a segment: base64url without padding.
pub fn segment(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Assembles a token with any signature.
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

/// Signs a token with the key, regardless of the header.
///
/// # Panics
///
/// If signing fails.
pub fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>, key: &SigningKey) -> String {
    sign_input(&format!("{}.{}", segment(header), segment(payload)), key)
}

/// Signs the encoded header and payload with the key.
///
/// # Panics
///
/// If signing fails.
pub fn sign_input(input: &str, key: &SigningKey) -> String {
    let signature = key.sign(input.as_bytes()).expect("test keys can sign");
    format!("{input}.{}", segment(signature))
}

/// Replaces the header of a token, and keeps its payload and signature.
///
/// # Panics
///
/// If the token doesn't contain a dot.
pub fn with_header(token: &str, header: impl AsRef<[u8]>) -> String {
    let (_, rest) = token.split_once('.').expect("tokens contain dots");
    format!("{}.{rest}", segment(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7519_section_6_1_unsecured_token() {
        let payload =
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(
            token(r#"{"alg":"none"}"#, payload, ""),
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
             Ijp0cnVlfQ."
        );
    }
}
