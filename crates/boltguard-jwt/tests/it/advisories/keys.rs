//! Invalid keys, and keys of other parties.

use boltguard_encoding::base64url;
use boltguard_keys::Algorithm::{self, Es256, Hs256, Ps256, Rs256};
use boltguard_keys::{Jwk, Key, KeyError, KeySet, PublicKey, Secret, SigningKey, VerifyingKey};
use boltguard_testing::{forge, keys};
use serde_json::json;

use super::{BAD_SIGNATURE, NOT_ALLOWED, PAYLOAD, forged_with, header, trusting, verdict};

const SSH: [&str; 5] = [
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 user@host",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrp user@host",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY user@host",
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5 user@host",
    "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQAB\n---- END SSH2 PUBLIC KEY ----",
];

/// All formats of public keys that a site may have.
fn public_texts() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = SSH.iter().map(|text| text.as_bytes().to_vec()).collect();
    for pair in [keys::RSA, keys::P256, keys::P384, keys::P521, keys::ED25519] {
        let key = PublicKey::from_pem(pair.public_pem).unwrap();
        let jwk = Jwk::new(key.clone()).to_json().unwrap();
        let pem = pair.public_pem;
        let body: String = pem
            .lines()
            .skip_while(|line| !line.starts_with('-'))
            .filter(|line| !line.starts_with('-'))
            .collect();
        texts.extend([pem, &body, &jwk].map(|text| text.as_bytes().to_vec()));
        texts.push(key.to_der().unwrap());
        texts.extend(
            [
                format!("{{\"keys\":[{jwk}]}}"),
                format!("[{jwk}]"),
                format!("{{\"tenant\":{{\"key\":{jwk}}}}}"),
                format!("[[{jwk}]]"),
            ]
            .map(String::into_bytes),
        );
    }
    texts
}

// CVE-2015-9235 (jsonwebtoken), CVE-2016-5431 (jose-php), CVE-2016-10555 (jwt-simple), CVE-2017-11424 and
// CVE-2022-29217 (PyJWT: PKCS#1, then SSH), CVE-2023-48223 (fast-jwt), CVE-2023-48238 (json-web-token),
// CVE-2024-33663 (python-jose: SSH), CVE-2024-37568 (Authlib), CVE-2024-54150 (cjwt), CVE-2026-48526 and
// CVE-2026-102273 (PyJWT: JWK, then JWKS and lists), CVE-2026-107724 (fast-jwt: JWK and JWKS), CVE-2026-85394
// (python-jose) and CVE-2026-102271 (PyJWT: DER).
#[test]
fn a_public_key_isnt_accepted_as_secret() {
    for bytes in public_texts() {
        let text = String::from_utf8_lossy(&bytes);
        let refusal = Secret::new(&bytes).expect_err(&text);
        assert!(
            matches!(refusal, KeyError::PemAsSecret | KeyError::JwkAsSecret),
            "{refusal:?} {text}"
        );
        // Nor encoded as base64url, or as a JWK.
        let encoded = base64url::encode(&bytes);
        assert_eq!(Secret::from_base64url(&encoded), Err(refusal), "{text}");
        let jwk = json!({"kty": "oct", "k": encoded});
        assert_eq!(Jwk::parse(jwk.to_string()).err(), Some(refusal), "{text}");
    }
}

// CVE-2026-34950 and CVE-2026-107722 (fast-jwt: white space, then anything else before the PEM), CVE-2026-102268
// (PyJWT: other line ends and indents) and CVE-2026-102272 (PyJWT: byte order mark).
#[test]
fn a_reformatted_public_key_isnt_accepted_as_secret() {
    let pem = keys::RSA.public_pem;
    let jwk = Jwk::new(PublicKey::from_pem(pem).unwrap())
        .to_json()
        .unwrap();
    let layouts: [fn(&str) -> String; 14] = [
        |text| format!("\n{text}"),
        |text| format!(" \t\r\n\u{c}{text}"),
        |text| format!("\u{feff}{text}"),
        |text| format!(" \u{feff} {text}"),
        |text| format!("{text}\n\n"),
        |text| text.replace('\n', "\r\n"),
        |text| text.replace('\n', "\r"),
        |text| text.replace('\n', " "),
        |text| text.replace('\n', ""),
        |text| text.replace('\n', "\n\t"),
        |text| text.replace("-----END", "\t-----END"),
        |text| text.replace('\n', "\\n"),
        |text| text.lines().map(|line| format!("    {line}\n")).collect(),
        |text| text.trim_end().to_owned(),
    ];
    for layout in layouts {
        assert_eq!(
            Secret::new(layout(pem).as_bytes()),
            Err(KeyError::PemAsSecret),
            "{:?}",
            layout(pem)
        );
        assert_eq!(
            Secret::new(layout(&jwk).as_bytes()),
            Err(KeyError::JwkAsSecret),
            "{:?}",
            layout(&jwk)
        );
    }
    for before in [
        "#",
        "# the key of production\n",
        "\u{1}",
        "\u{200b}",
        "Key: ",
        "Content-Type: application/x-pem-file\r\n\r\n",
    ] {
        assert_eq!(
            Secret::new(format!("{before}{pem}").as_bytes()),
            Err(KeyError::PemAsSecret),
            "{before:?}"
        );
    }
}

// The URL of a JWK Set is as public as the keys that it names.
#[test]
fn url_is_never_a_secret() {
    for text in ["https://id.example.com/jwks.json", " HTTP://id.example.com"] {
        assert_eq!(Secret::new(text.as_bytes()), Err(KeyError::UrlAsKey));
        let encoded = base64url::encode(text.as_bytes());
        assert_eq!(Secret::from_base64url(&encoded), Err(KeyError::UrlAsKey));
        let jwk = json!({"kty": "oct", "k": encoded});
        assert_eq!(
            Jwk::parse(jwk.to_string()).err(),
            Some(KeyError::UrlAsKey),
            "{text}"
        );
    }
}

// The same advisories with forged tokens and correct keys.
#[test]
fn rejects_a_token_signed_with_a_public_key() {
    for text in public_texts() {
        let token = forged_with(&text);
        assert_eq!(verdict(&token, &trusting(&[Rs256])), Err(NOT_ALLOWED));
        assert_eq!(
            verdict(&token, &trusting(&[Rs256, Es256, Hs256])),
            Err(BAD_SIGNATURE)
        );
    }
}

// CVE-2021-46743 (php-jwt), CVE-2022-23541 (jsonwebtoken), CVE-2026-22817 and CVE-2026-22818 (Hono), CVE-2026-44699
// (LibJWT, which took a key of RSA without `alg` for the empty secret).
#[test]
fn the_header_doesnt_choose_a_keys_algorithm() {
    let jwk = Jwk::new(PublicKey::from_pem(keys::RSA.public_pem).unwrap())
        .with_kid("a")
        .to_json()
        .unwrap();
    assert!(!jwk.contains("alg"));
    let all = Algorithm::ALL;
    let trusted = KeySet::from_jwks(format!("{{\"keys\":[{jwk}]}}"), all).unwrap();
    assert!(
        trusted
            .algorithms()
            .all(|algorithm| algorithm.name().ends_with("256") || !algorithm.is_symmetric())
    );
    assert!(
        trusted
            .algorithms()
            .all(|algorithm| !algorithm.is_symmetric())
    );
    let members: serde_json::Value = serde_json::from_str(&jwk).unwrap();
    let modulus = base64url::decode(members["n"].as_str().unwrap()).unwrap();
    for key in [
        b"" as &[u8],
        jwk.as_bytes(),
        keys::RSA.public_pem.as_bytes(),
        &modulus,
        b"a",
        b"null",
    ] {
        assert_eq!(verdict(&forged_with(key), &trusted), Err(NOT_ALLOWED));
    }
    let genuine = forge::signed(
        r#"{"alg":"RS256","kid":"a"}"#,
        PAYLOAD,
        &keys::signing_key(Rs256),
    );
    assert_eq!(verdict(&genuine, &trusted), Ok(()));
}

// CVE-2026-48523 (PyJWT): the list of algorithms was compared with the header, and the key's own one was used.
#[test]
fn rejects_an_algorithm_that_isnt_the_keys() {
    let jwk = Jwk::new(PublicKey::from_pem(keys::RSA.public_pem).unwrap()).with_algorithm(Ps256);
    assert_eq!(
        KeySet::from_jwk(&jwk, &[Rs256]).unwrap_err(),
        KeyError::JwkAlgorithm
    );
    let token = forge::signed(header(Rs256), PAYLOAD, &keys::signing_key(Ps256));
    assert_eq!(verdict(&token, &trusting(&[Rs256])), Err(BAD_SIGNATURE));
    assert_eq!(verdict(&token, &trusting(&[Ps256])), Err(NOT_ALLOWED));
}

// CVE-2020-15084 (express-jwt) and CVE-2022-23540 (jsonwebtoken): what may be used was left open.
#[test]
fn no_algorithm_allowed_is_none_allowed() {
    let jwk = Jwk::new(PublicKey::from_pem(keys::RSA.public_pem).unwrap());
    assert_eq!(
        KeySet::from_jwk(&jwk, &[]).unwrap_err(),
        KeyError::NoUsableKey
    );
    let genuine = forge::signed(header(Rs256), PAYLOAD, &keys::signing_key(Rs256));
    assert_eq!(verdict(&genuine, &KeySet::default()), Err(NOT_ALLOWED));
}

// CVE-2022-23539 (jsonwebtoken): keys of any type were accepted for any algorithm.
#[test]
fn a_key_serves_the_algorithms_of_its_kind() {
    let pairs = [keys::RSA, keys::P256, keys::P384, keys::P521, keys::ED25519];
    for pair in pairs {
        let key = Key::Public(PublicKey::from_pem(pair.public_pem).unwrap());
        for algorithm in Algorithm::ALL {
            let fits = key.public_key().unwrap().key_type() == algorithm.key_type();
            assert_eq!(
                VerifyingKey::new(&key, *algorithm).is_ok(),
                fits,
                "{algorithm}"
            );
        }
    }
}

// CVE-2019-20933 (InfluxDB), CVE-2026-44351 and CVE-2026-107720 (fast-jwt), CVE-2026-45363 (ruby-jwt), CVE-2026-49852
// (joserfc) and CVE-2026-102266 (PyJWT, by way of a JWK).
#[test]
fn empty_secret_is_not_a_key() {
    assert_eq!(Secret::new(b""), Err(KeyError::Empty));
    assert_eq!(Secret::from_base64url(""), Err(KeyError::Empty));
    assert_eq!(
        Jwk::parse(r#"{"kty":"oct","k":""}"#).unwrap_err(),
        KeyError::Empty
    );
    let set = r#"{"keys":[{"kty":"oct","k":"","kid":"a","alg":"HS256"}]}"#;
    assert_eq!(
        KeySet::from_jwks(set, &[Hs256]).unwrap_err(),
        KeyError::NoUsableKey
    );
    for secret in [b"" as &[u8], b"\0", &[0; 64]] {
        assert_eq!(
            verdict(&forged_with(secret), &trusting(&[Hs256])),
            Err(BAD_SIGNATURE)
        );
    }
}

// CVE-2025-45768 (PyJWT, disputed): a short key is used, and reported as weak.
#[test]
fn a_secret_shorter_than_its_hash_is_weak() {
    let weak = |length: usize| {
        SigningKey::new(&Key::Secret(Secret::new(&vec![7; length]).unwrap()), Hs256)
            .unwrap()
            .is_weak()
    };
    assert!(weak(1) && weak(31) && !weak(32));
}

// CVE-2024-31033 (JJWT, disputed): characters that aren't base64 were ignored in a key.
#[test]
fn a_key_is_read_strictly() {
    let key = base64url::encode(keys::SECRET);
    for text in [
        format!("{key}="),
        format!("{key}_é"),
        format!(" {key}"),
        format!("{key}\n"),
        format!("{}*{}", &key[..9], &key[9..]),
    ] {
        assert_eq!(
            Secret::from_base64url(&text),
            Err(KeyError::Base64),
            "{text:?}"
        );
        let jwk = json!({"kty": "oct", "k": text});
        assert_eq!(
            Jwk::parse(jwk.to_string()).unwrap_err(),
            KeyError::Base64,
            "{jwk}"
        );
    }
}

// CVE-2017-12974 (Nimbus JOSE+JWT).
#[test]
fn rejects_a_point_outside_its_curve() {
    let zeros = base64url::encode([0; 32]);
    let ones = base64url::encode([1; 32]);
    for (x, y) in [(&ones, &ones), (&zeros, &zeros), (&zeros, &ones)] {
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        assert_eq!(
            Jwk::parse(jwk.to_string()).unwrap_err(),
            KeyError::InvalidPoint,
            "{jwk}"
        );
    }
}

// CVE-2026-102275 (PyJWT): the private half of a JWK did not belong to the public one.
#[test]
fn rejects_mismatched_halves_of_a_key() {
    // RFC 8037 A.1, with the public key of RFC 8032 §7.1, test 2.
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    });
    assert_eq!(
        Jwk::parse(jwk.to_string()).unwrap_err(),
        KeyError::InvalidPrivateKey
    );
}

// CVE-2026-102274 (PyJWT): other errors than its own came out of odd members of a set.
#[test]
fn an_unusable_member_is_skipped_or_rejected() {
    let good = Jwk::new(PublicKey::from_pem(keys::P256.public_pem).unwrap())
        .to_json()
        .unwrap();
    for odd in [
        "{}",
        r#"{"kty":null}"#,
        r#"{"kty":7}"#,
        r#"{"kty":["RSA"]}"#,
        r#"{"kty":"RSA","n":7,"e":"AQAB"}"#,
        r#"{"kty":"RSA","n":"","e":""}"#,
        r#"{"kty":"EC","crv":{},"x":[],"y":null}"#,
        r#"{"kty":"oct","k":true}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":7}"#,
    ] {
        let set = KeySet::from_jwks(format!("{{\"keys\":[{odd},{good}]}}"), &[Es256]);
        assert_eq!(set.map(|set| set.len()), Ok(1), "{odd}");
    }
    for set in [
        r#"{"keys":[null]}"#,
        r#"{"keys":[[]]}"#,
        r#"{"keys":["a"]}"#,
        r#"{"keys":7}"#,
        r#"{"keys":{}}"#,
        "[]",
        "null",
        "7",
        "",
    ] {
        assert!(KeySet::from_jwks(set, &[Es256]).is_err(), "{set}");
    }
}
