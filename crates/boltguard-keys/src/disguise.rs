//! Keys, and addresses of keys, that were configured as if they were secrets.
//!
//! Whoever knows a public key could sign tokens with it if it served as an HMAC secret,
//! [RFC 8725 §2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1). So nothing that is recognised as a key,
//! in any of the forms that keys are handed around in, becomes a secret; nor does the URL where they are published.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;

use crate::KeyError;
use crate::asn1;

/// Refuses bytes that are a key, a certificate or a URL rather than a secret.
pub(crate) fn check(bytes: &[u8]) -> Result<(), KeyError> {
    if contains(bytes, b"-----BEGIN ") || is_ssh(bytes) || is_der(bytes) {
        Err(KeyError::PemAsSecret)
    } else if is_json(bytes) {
        Err(KeyError::JwkAsSecret)
    } else if is_url(bytes) {
        Err(KeyError::UrlAsKey)
    } else {
        Ok(())
    }
}

/// A URL of the web, in any case, after blanks.
pub(crate) fn is_url(bytes: &[u8]) -> bool {
    const SCHEMES: [&[u8]; 2] = [b"https://", b"http://"];
    let text = trimmed(bytes);
    SCHEMES.iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// An SSH public key: one line with its type and the base64 of its wire format, or the form of RFC 4716.
fn is_ssh(bytes: &[u8]) -> bool {
    const TYPES: [&[u8]; 4] = [b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    let text = trimmed(bytes);
    let typed = TYPES.iter().any(|kind| text.starts_with(kind));
    // A wire format begins with the length of its type, so in base64 with `AAAA`.
    let has_body = contains(bytes, b" AAAA") || contains(bytes, b"\tAAAA");
    has_body && (typed || TYPES.iter().any(|kind| contains(bytes, kind)))
        || contains(bytes, b"---- BEGIN SSH2 PUBLIC KEY")
}

/// The DER of a key or certificate, bare or in base64.
fn is_der(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    match bytes.first() {
        Some(&SEQUENCE) if asn1::is_key(bytes) => true,
        _ => decoded(bytes).is_some_and(|der| asn1::is_key(&der)),
    }
}

/// The bytes that base64 text stands for, if its first letter can be that of a DER sequence.
fn decoded(bytes: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    if trimmed(bytes).first() != Some(&b'M') {
        return None;
    }
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let dense: Vec<u8> = bytes.iter().copied().filter(|byte| !blank(byte)).collect();
    let dense = zeroize::Zeroizing::new(dense);
    let der = STANDARD
        .decode(&*dense)
        .or_else(|_| URL_SAFE_NO_PAD.decode(&*dense));
    der.ok().map(zeroize::Zeroizing::new)
}

/// JSON that is an object or a list, or that starts as one and speaks of `kty` or `keys`.
fn is_json(bytes: &[u8]) -> bool {
    let text = trimmed(bytes);
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return false;
    }
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
        || [b"\"kty\"" as &[u8], b"'kty'", b"\"keys\"", b"'keys'"]
            .iter()
            .any(|name| contains(text, name))
}

/// The text without blanks and a byte order mark before it.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.trim_ascii_start(),
        None => bytes,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    // Most windows differ in their first byte, which is cheaper to see than a whole comparison.
    let is_part = |window: &[u8]| window.first() == part.first() && window == part;
    bytes.windows(part.len()).any(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_is_no_secret_wherever_it_starts() {
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
    fn ssh_keys_are_no_secrets() {
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
    fn the_der_of_a_key_is_no_secret() {
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
    fn json_is_no_secret() {
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
    fn urls_are_no_secrets() {
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
