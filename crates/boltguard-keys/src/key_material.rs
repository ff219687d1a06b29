//! Detection of keys and URLs that are configured as secrets by mistake.
//!
//! If a public key were used as an HMAC secret, anyone who knows it could sign tokens, [RFC 8725
//! §2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1). Therefore, keys in all common formats and the URLs where
//! they are published are rejected as secrets, also if they are encoded again (base64, hexadecimal, percent encoding,
//! UTF-16).

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use crate::KeyError;
use crate::asn1;
use crate::loose;
use crate::ssh;

/// Rejects bytes that are a key, a certificate or a URL rather than a secret.
pub(crate) fn check(bytes: &[u8]) -> Result<(), KeyError> {
    if is_json(bytes) {
        return Err(KeyError::JwkAsSecret);
    }
    check_layer(bytes, LAYERS)
}

/// Checks the bytes, and then what they decode to.
fn check_layer(bytes: &[u8], layers: usize) -> Result<(), KeyError> {
    if is_pem(bytes) || ssh::is_key(bytes) || is_der(bytes) || is_other_key(bytes) {
        return Err(KeyError::PemAsSecret);
    }
    if names_key_type(bytes) {
        return Err(KeyError::JwkAsSecret);
    }
    if is_url(bytes) {
        return Err(KeyError::UrlAsKey);
    }
    if layers == 0 {
        return Ok(());
    }
    [
        loose::without_zeros(bytes),
        loose::base64(bytes),
        loose::hexadecimal(bytes),
        loose::percent(bytes),
    ]
    .iter()
    .flatten()
    .try_for_each(|decoded| check_layer(decoded, layers - 1))
}

/// Returns whether this is an HTTP URL, in any case, after whitespace.
pub(crate) fn is_url(bytes: &[u8]) -> bool {
    const SCHEMES: [&[u8]; 2] = [b"https://", b"http://"];
    let text = trimmed(bytes);
    SCHEMES.iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Returns whether there is PEM with any label, or a damaged first or last line of PEM with the label of a key or
/// certificate.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    if contains(bytes, b"-----BEGIN ") {
        return true;
    }
    const CONTENTS: [&[u8]; 3] = [b"PUBLICKEY", b"PRIVATEKEY", b"CERTIFICATE"];
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let letters = Zeroizing::new(letters.map(u8::to_ascii_uppercase).collect::<Vec<u8>>());
    [b"BEGIN" as &[u8], b"END"].iter().any(|marker| {
        letters.windows(marker.len()).enumerate().any(|(at, one)| {
            let label = &letters[at..letters.len().min(at + LONGEST_LABEL)];
            one == *marker && CONTENTS.iter().any(|content| contains(label, content))
        })
    })
}

/// Returns whether this is the DER of a key or certificate, possibly followed by other bytes.
fn is_der(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    asn1::first_element(bytes).is_some_and(asn1::is_key)
}

/// Returns whether this is a key in XML, as in .NET, RFC 4050 and XML Signature §4.5, or a file of PuTTY.
fn is_other_key(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 3] = [b"<RSAKeyValue", b"<Modulus>", b"PuTTY-User-Key-File"];
    MARKS.iter().any(|mark| contains(bytes, mark))
}

/// Returns whether this is a JSON object or list.
fn is_json(bytes: &[u8]) -> bool {
    let text = trimmed(bytes);
    matches!(text.first(), Some(b'{' | b'['))
        && (serde_json::from_slice::<IgnoredAny>(text).is_ok()
            || KEY_MEMBERS.iter().any(|name| contains(text, name)))
}

/// Returns whether there is the member that every JWK has, in any quotes.
fn names_key_type(bytes: &[u8]) -> bool {
    const QUOTED: [&[u8]; 3] = [b"\"kty\"", b"'kty'", b"\\\"kty\\\""];
    QUOTED.iter().any(|name| contains(bytes, name))
}

/// Removes leading whitespace, quotes and byte order marks.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let is_before = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    let after = |bytes: &[u8]| bytes.iter().take_while(|byte| is_before(byte)).count();
    let bytes = &bytes[after(bytes)..];
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => &rest[after(rest)..],
        None => bytes,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    // Most windows differ in their first byte, which is cheaper to see than a whole comparison.
    let is_part = |window: &[u8]| window.first() == part.first() && window == part;
    bytes.windows(part.len()).any(is_part)
}

/// Member names that identify a string that starts like JSON as a JWK or JWK Set, even if it isn't valid JSON.
const KEY_MEMBERS: [&[u8]; 6] = [
    b"\"kty\"",
    b"'kty'",
    b"kty:",
    b"\"keys\"",
    b"'keys'",
    b"keys:",
];

/// Base64 of the base64 of a UTF-16 string has three encodings.
const LAYERS: usize = 3;

/// From the first letter of `BEGIN` to the last of the longest label, `ENCRYPTED PRIVATE KEY`, with room.
const LONGEST_LABEL: usize = 40;

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";
    const JWK: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh";

    fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter()
            .chain(text.encode_utf16())
            .flat_map(bytes)
            .collect()
    }

    /// Returns the string in each encoding that is detected.
    fn encoded(text: &[u8]) -> Vec<Vec<u8>> {
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = text.iter().map(|byte| format!("%{byte:02X}")).collect();
        let lines = STANDARD.encode(text);
        let lines: Vec<&str> = lines
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        let texts = [
            STANDARD.encode(text),
            STANDARD_NO_PAD.encode(text),
            URL_SAFE.encode(text),
            URL_SAFE_NO_PAD.encode(text),
            format!(" \"{}\"\n", STANDARD.encode(text)),
            lines.join("\n"),
            lines.join("\\n"),
            lines.join("\r\n  "),
            hex.to_uppercase(),
            hex,
            percent,
        ];
        texts.into_iter().map(String::into_bytes).collect()
    }

    #[test]
    fn encoded_key_is_not_a_secret() {
        let der = STANDARD.decode(&PEM[27..87]).unwrap();
        for (text, refusal) in [
            (PEM.as_bytes(), KeyError::PemAsSecret),
            (JWK.as_bytes(), KeyError::JwkAsSecret),
            (SSH.as_bytes(), KeyError::PemAsSecret),
            (&der, KeyError::PemAsSecret),
            (b"https://id.example.com/jwks.json", KeyError::UrlAsKey),
        ] {
            for once in encoded(text) {
                let shown = String::from_utf8_lossy(&once);
                assert_eq!(check(&once), Err(refusal), "{shown}");
                for twice in encoded(&once) {
                    let shown = String::from_utf8_lossy(&twice);
                    assert_eq!(check(&twice), Err(refusal), "{shown}");
                }
            }
        }
    }

    #[test]
    fn key_in_utf_16_is_not_a_secret() {
        for (text, refusal) in [
            (PEM, KeyError::PemAsSecret),
            (JWK, KeyError::JwkAsSecret),
            (r#"{"kty":"RSA","kid":"ключ"}"#, KeyError::JwkAsSecret),
            (SSH, KeyError::PemAsSecret),
        ] {
            for mark in [false, true] {
                for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                    let text = utf16(text, mark, bytes);
                    assert_eq!(check(&text), Err(refusal), "{text:?}");
                    for text in encoded(&text) {
                        assert_eq!(check(&text), Err(refusal), "{text:?}");
                    }
                }
            }
            let wide: Vec<u8> = text
                .chars()
                .flat_map(|one| u32::from(one).to_be_bytes())
                .collect();
            assert_eq!(check(&wide), Err(refusal), "{wide:?}");
        }
    }

    #[test]
    fn pem_with_damaged_markers_is_not_a_secret() {
        for text in [
            PEM.replace("-----", "----"),
            PEM.replace("-----", "------"),
            PEM.replace("-----", ""),
            PEM.replace("-----", "\u{2014}"),
            PEM.replace("-----BEGIN ", "-----BEGIN"),
            PEM.replace("-----BEGIN PUBLIC KEY-----\n", ""),
            PEM.replace("-----END PUBLIC KEY-----\n", ""),
            PEM.replace(' ', "_"),
            PEM.replace(' ', "+"),
            PEM.replace(' ', "%20"),
            PEM.to_lowercase(),
            "----BEGIN CERTIFICATE----\nMIIB".to_owned(),
            "BEGIN RSA PRIVATE KEY".to_owned(),
        ] {
            assert_eq!(check(text.as_bytes()), Err(KeyError::PemAsSecret), "{text}");
        }
    }

    #[test]
    fn keys_of_other_systems_are_not_secrets() {
        let wire = STANDARD.decode(&SSH[12..]).unwrap();
        for text in [
            b"<RSAKeyValue><Modulus>AQAB</Modulus></RSAKeyValue>" as &[u8],
            b"<?xml version=\"1.0\"?>\n<x:RSAKeyValue/><Modulus>AQAB</Modulus>",
            b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none",
            &wire,
            &SSH.as_bytes()[12..],
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(check(text), Err(KeyError::PemAsSecret), "{shown}");
        }
    }

    #[test]
    fn embedded_jwk_is_not_a_secret() {
        for text in [
            format!("'{JWK}'"),
            format!("\"{}\"", JWK.replace('"', "\\\"")),
            format!("KEY={JWK}"),
            format!("# the key\n{JWK}"),
            JWK.replace("\"kty\"", "kty"),
        ] {
            assert_eq!(check(text.as_bytes()), Err(KeyError::JwkAsSecret), "{text}");
        }
    }

    #[test]
    fn der_with_trailing_bytes_is_not_a_secret() {
        let mut der = STANDARD.decode(&PEM[27..87]).unwrap();
        der.extend(b"\r\n");
        assert_eq!(check(&der), Err(KeyError::PemAsSecret));
        der.insert(0, b'\n');
        assert_eq!(check(&der), Err(KeyError::PemAsSecret));
    }

    proptest! {
        #[test]
        fn random_bytes_are_secrets(bytes in proptest::collection::vec(any::<u8>(), 1..100)) {
            prop_assert_eq!(check(&bytes), Ok(()));
            let texts = encoded(&bytes);
            for text in &texts {
                prop_assert_eq!(check(text), Ok(()), "{:?}", text);
            }
        }

        #[test]
        fn random_texts_are_secrets(text in "[!-~]{1,80}") {
            let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assume!(!is_json && !text.contains("://"));
            prop_assert_eq!(check(text.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn pem_at_any_position_is_not_a_secret() {
        let pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        for before in [
            "",
            "\n",
            " \t\r\n",
            "\u{feff}",
            "Subject: CN=issuer\n",
            "x\r\n ",
        ] {
            let text = format!("{before}{pem}");
            assert_eq!(
                check(text.as_bytes()),
                Err(KeyError::PemAsSecret),
                "{before:?}"
            );
        }
        for label in [
            "CERTIFICATE",
            "EC PRIVATE KEY",
            "RSA PUBLIC KEY",
            "OPENSSH PRIVATE KEY",
            "X",
        ] {
            let text = pem.replace("PUBLIC KEY", label);
            assert_eq!(
                check(text.as_bytes()),
                Err(KeyError::PemAsSecret),
                "{label}"
            );
        }
    }

    #[test]
    fn ssh_keys_are_not_secrets() {
        for text in [
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ user@host",
            "\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY",
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5",
            "no-pty ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ",
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3Nza\n---- END SSH2 PUBLIC KEY ----",
        ] {
            assert_eq!(check(text.as_bytes()), Err(KeyError::PemAsSecret), "{text}");
        }
    }

    #[test]
    fn der_of_a_key_is_not_a_secret() {
        // The Ed25519 key of RFC 8410 §10.1.
        let base64 = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        let der = STANDARD.decode(base64).unwrap();
        assert_eq!(check(&der), Err(KeyError::PemAsSecret));
        assert_eq!(check(base64.as_bytes()), Err(KeyError::PemAsSecret));
        assert_eq!(
            check(format!("{}\n{}\n", &base64[..20], &base64[20..]).as_bytes()),
            Err(KeyError::PemAsSecret)
        );
        assert_eq!(check(&der[..43]), Ok(()));
    }

    #[test]
    fn json_is_not_a_secret() {
        for text in [
            r#"{"kty":"oct","k":"AA"}"#,
            "\n\t {\"kty\": \"RSA\"}",
            "\u{feff}{\"keys\": []}",
            r#"[{"kty":"oct"}]"#,
            r#"{"\u006bty":"oct"}"#,
            "{'kty': 'oct', 'k': 'AA'}",
            r#"{"kty":"oct","k":"AA",}"#,
            "{}",
        ] {
            assert_eq!(check(text.as_bytes()), Err(KeyError::JwkAsSecret), "{text}");
        }
    }

    #[test]
    fn urls_are_not_secrets() {
        for text in [
            "https://id.example.com/.well-known/jwks.json",
            "http://id.example.com/jwks.json",
            "HTTPS://ID.EXAMPLE.COM",
            " \t\r\nHttp://id.example.com",
            "\u{feff}https://id.example.com",
            "https://",
        ] {
            assert_eq!(check(text.as_bytes()), Err(KeyError::UrlAsKey), "{text:?}");
        }
    }

    #[test]
    fn secrets_that_only_resemble_keys_are_secrets() {
        for text in [
            "-- BEGIN my own secret, not a key --",
            "the BEGIN of something",
            "{not json at all",
            "[]{}:kty",
            "12345678",
            "\"quoted\"",
            "ssh-rsa is what I like",
            "MIIB-this-is-no-key",
            "MAAAAAAA",
            "https:/one-slash",
            "https",
            "httpx://id.example.com",
            "see https://id.example.com",
        ] {
            assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
        }
    }
}
