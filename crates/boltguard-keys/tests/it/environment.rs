//! Keys in the forms of environment variables, `.env` files and secret stores.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use boltguard_keys::{Algorithm, Key, KeyError, PrivateKey, PublicKey, Secret};
use boltguard_testing::keys::{self, KeyPair};
use proptest::prelude::*;

const PAIRS: [KeyPair; 5] = [keys::RSA, keys::P256, keys::P384, keys::P521, keys::ED25519];

/// Variants of a PEM with other line endings and surroundings.
fn layouts(pem: &str) -> Vec<String> {
    let pem = pem.trim_end();
    let lines = |end: &str| pem.replace('\n', end);
    vec![
        lines(" "),
        lines(""),
        lines("\\n"),
        lines("\\\\n"),
        lines("\\r\\n"),
        lines("\r\n"),
        lines("\r"),
        lines("\\n\n"),
        lines("\\\n"),
        lines("\n    "),
        lines("\n\t"),
        lines("\n\n"),
        format!("\"{pem}\""),
        format!("'{pem}\n'"),
        format!("\"{}\"", lines("\\n")),
        format!("  \"{}\\n\"\n", lines("\\n")),
        format!("\u{feff}{pem}"),
        format!("\u{feff}\"{}\"", lines(" ")),
        format!("KEY={}", lines("\\n")),
        STANDARD.encode(pem),
        STANDARD.encode(format!("{pem}\n")),
        URL_SAFE_NO_PAD.encode(pem),
        format!("\"{}\"", STANDARD.encode(pem)),
        STANDARD.encode(STANDARD.encode(pem)),
    ]
}

fn der_of(pem: &str) -> Vec<u8> {
    let lines = pem
        .lines()
        .skip_while(|line| !line.starts_with('-'))
        .skip(1);
    let body: String = lines.take_while(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

#[test]
fn pem_is_read_in_each_layout() {
    for pair in PAIRS {
        let key = PublicKey::from_pem(pair.public_pem).unwrap();
        for text in layouts(pair.public_pem) {
            assert_eq!(PublicKey::from_pem(&text).as_ref(), Ok(&key), "{text}");
            assert_eq!(
                PrivateKey::from_pem(&text).unwrap_err(),
                KeyError::NotPrivate
            );
            assert!(Secret::new(text.as_bytes()).is_err(), "{text}");
        }
        for text in layouts(pair.private_pem) {
            let private =
                PrivateKey::from_pem(&text).unwrap_or_else(|error| panic!("{error} {text}"));
            assert_eq!(private.public_key(), &key);
            assert_eq!(
                PublicKey::from_pem(&text).unwrap_err(),
                KeyError::PrivateKey
            );
            assert!(Secret::new(text.as_bytes()).is_err(), "{text}");
        }
    }
}

#[test]
fn der_is_read_bare_and_in_base64() {
    for pair in PAIRS {
        let key = PublicKey::from_pem(pair.public_pem).unwrap();
        for pem in [pair.public_pem, pair.private_pem] {
            let der = der_of(pem);
            let texts = [STANDARD.encode(&der), URL_SAFE_NO_PAD.encode(&der)];
            let texts = texts.iter().map(|text| text.as_bytes().to_vec());
            for bytes in texts.chain([der]) {
                let read = Key::from_bytes(&bytes).unwrap();
                assert_eq!(read.public_key(), Some(&key));
                assert_eq!(matches!(read, Key::Private(_)), pem == pair.private_pem);
            }
        }
    }
}

#[test]
fn bytes_are_read_as_text_and_as_utf_16() {
    let key = PublicKey::from_pem(keys::P256.public_pem).unwrap();
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}{}", keys::P256.public_pem);
        let little = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big, text.clone().into_bytes()] {
            let read = Key::from_bytes(&bytes).unwrap();
            assert_eq!(read.public_key(), Some(&key));
        }
    }
    for bytes in [b"" as &[u8], b"\xff", b"\0", b"\xff\0", b"\x30\x03"] {
        assert_eq!(
            Key::from_bytes(bytes).unwrap_err(),
            KeyError::NoPem,
            "{bytes:?}"
        );
    }
}

#[test]
fn public_keys_of_openssh_are_read() {
    for (line, pair) in include_str!("../data/openssh.pub").lines().zip([
        keys::RSA,
        keys::P256,
        keys::P384,
        keys::P521,
        keys::ED25519,
    ]) {
        let key = PublicKey::from_pem(pair.public_pem).unwrap();
        let (name, body) = line.split_once(' ').unwrap();
        for text in [
            line.to_owned(),
            format!("{line} user@host\n"),
            format!("\n  {name}\t{body}"),
            format!("restrict,pty {line} user@host"),
            format!("---- BEGIN SSH2 PUBLIC KEY ----\n{body}\n---- END SSH2 PUBLIC KEY ----\n"),
            format!(
                "---- BEGIN SSH2 PUBLIC KEY ----\nSubject: me\nComment: \"a key, \\\nof mine\"\n{}\n{}\n\
                 ---- END SSH2 PUBLIC KEY ----\n",
                &body[..64.min(body.len())],
                &body[64.min(body.len())..]
            ),
            STANDARD.encode(line),
        ] {
            assert_eq!(PublicKey::from_pem(&text).as_ref(), Ok(&key), "{text}");
            assert_eq!(
                PrivateKey::from_pem(&text).unwrap_err(),
                KeyError::NotPrivate
            );
            assert_eq!(
                Secret::new(text.as_bytes()),
                Err(KeyError::PemAsSecret),
                "{text}"
            );
        }
    }
}

#[test]
fn invalid_openssh_keys_have_their_own_error() {
    let refused = |text: &str| PublicKey::from_pem(text).unwrap_err();
    let ed25519 = include_str!("../data/openssh.pub").lines().nth(4).unwrap();
    let (_, body) = ed25519.split_once(' ').unwrap();
    for (text, error) in [
        (format!("ssh-rsa {body}"), KeyError::Ssh),
        (
            format!("ssh-ed25519 {}", &body[..body.len() - 4]),
            KeyError::Ssh,
        ),
        (format!("ssh-ed25519 {body}AAAA"), KeyError::Ssh),
        ("ssh-ed25519 AAAA*".to_owned(), KeyError::Ssh),
        ("ssh-rsa AAAAB3NzaC1yc2E".to_owned(), KeyError::Ssh),
        (
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t".to_owned(),
            KeyError::Unsupported,
        ),
        ("ssh-dss AAAAB3NzaC1kc3M=".to_owned(), KeyError::Unsupported),
    ] {
        assert_eq!(refused(&text), error, "{text}");
    }
}

#[test]
fn what_can_not_be_read_says_what_to_do() {
    let pem = keys::P256.public_pem;
    for (text, error) in [
        (pem.replace("-----", "----"), KeyError::PemMarkers),
        (pem.replace("-----", ""), KeyError::PemMarkers),
        (
            pem.replace("-----BEGIN PUBLIC KEY-----\n", ""),
            KeyError::PemMarkers,
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----"
                .to_owned(),
            KeyError::OpenSshPrivate,
        ),
        (pem.replace("-----END", "-----"), KeyError::NoPem),
        ("secret".to_owned(), KeyError::NoPem),
        (STANDARD.encode("secret"), KeyError::NoPem),
    ] {
        assert_eq!(Key::from_pem(&text).unwrap_err(), error, "{text}");
    }
    assert!(
        KeyError::OpenSshPrivate
            .to_string()
            .contains("ssh-keygen -p -m PKCS8")
    );
    assert!(KeyError::PemMarkers.to_string().contains("five hyphens"));
}

/// RFC 5958 §2 tags it implicitly, `81 21 00 …`.
#[test]
fn a_public_key_in_pkcs8_may_be_tagged_explicitly() {
    let key = PublicKey::from_pem(keys::ED25519.public_pem).unwrap();
    let (inner, public) = (
        der_of(keys::ED25519.private_pem),
        der_of(keys::ED25519.public_pem),
    );
    let version_2 = |tag: &[u8], public: &[u8]| {
        // After the header and the version number of the first version.
        let body = [&[2, 1, 1], &inner[5..], tag, public].concat();
        let length = u8::try_from(body.len()).unwrap();
        [&[0x30, length][..], &body].concat()
    };
    let point = &public[public.len() - 32..];
    for tag in [
        &[0xa1_u8, 0x23, 0x03, 0x21, 0x00] as &[u8],
        &[0x81, 0x21, 0x00],
    ] {
        let der = version_2(tag, point);
        assert_eq!(PrivateKey::from_der(&der).unwrap().public_key(), &key);
        assert_eq!(Key::from_der(&der).unwrap().public_key(), Some(&key));
        assert_eq!(PublicKey::from_der(&der), Err(KeyError::PrivateKey));
        assert_eq!(Secret::new(&der), Err(KeyError::PemAsSecret));
        let other = version_2(tag, &[7; 32]);
        assert_eq!(
            PrivateKey::from_der(&other).unwrap_err(),
            KeyError::InvalidPrivateKey
        );
    }
}

proptest! {
    /// A string that can be read as a key in any form is never accepted as a secret.
    #[test]
    fn a_key_that_is_read_is_never_a_secret(
        pair in 0..PAIRS.len(),
        is_private: bool,
        at in any::<proptest::sample::Index>(),
        noise in "[ -~\\n\\r\\t]{0,3}",
        layout in 0..24_usize,
    ) {
        let pair = PAIRS[pair];
        let pem = if is_private { pair.private_pem } else { pair.public_pem };
        let mut text = layouts(pem).swap_remove(layout);
        let at = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &noise);
        if Key::from_bytes(text.as_bytes()).is_ok() {
            prop_assert!(Secret::new(text.as_bytes()).is_err(), "{}", text);
        }
        if let Ok(key) = Key::from_pem(&text) {
            prop_assert!(key.algorithms().all(|algorithm| !algorithm.is_symmetric()));
            prop_assert!(key.algorithms().next().is_some_and(|one| Algorithm::ALL.contains(&one)));
        }
    }
}
