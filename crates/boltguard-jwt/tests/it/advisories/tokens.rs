//! Unsigned tokens, and tokens with two encodings.

use boltguard_encoding::base64url;
use boltguard_jws::{JwsError, MAX_TOKEN_LEN};
use boltguard_jwt::ClaimsPolicy;
use boltguard_keys::Algorithm::{self, Es256, Es384, Hs256, Ps256, Rs256};
use boltguard_keys::{Jwk, KeySet, PublicKey};
use boltguard_testing::{forge, keys};

use super::{BAD_SIGNATURE, NOT_ALLOWED, PAYLOAD, header, trusting, verdict};
use crate::{Refused, enter};

// CVE-2015-2951 (F21 JWT), CVE-2018-1000531 (prime-jwt), CVE-2022-23540 (jsonwebtoken), CVE-2025-61152 (python-jose),
// CVE-2026-28802 (Authlib, which took an empty signature).
#[test]
fn rejects_none_in_any_spelling() {
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "none\\u0000",
        "n\\u006fne",
        "",
        "null",
    ] {
        for signature in [&b""[..], b"x", &[0; 32]] {
            let token = forge::token(format!(r#"{{"alg":"{alg}"}}"#), PAYLOAD, signature);
            assert_eq!(
                verdict(&token, &trusting(Algorithm::ALL)),
                Err(NOT_ALLOWED),
                "{alg}"
            );
        }
    }
    for header in ["{}", r#"{"typ":"JWT"}"#] {
        assert_eq!(
            verdict(
                &forge::token(header, PAYLOAD, b""),
                &trusting(Algorithm::ALL)
            ),
            Err(NOT_ALLOWED)
        );
    }
}

// CVE-2026-23993 (HarbourJwt): an algorithm that is not known had the empty signature.
#[test]
fn unknown_algorithm_is_rejected() {
    for alg in [
        "HS1",
        "HS257",
        "XS256",
        "ES521",
        "RS1",
        "A128KW",
        "dir",
        "harbour",
        "Ed448",
        "ML-DSA-44",
        "HMAC",
    ] {
        let token = forge::token(format!(r#"{{"alg":"{alg}"}}"#), PAYLOAD, b"");
        assert_eq!(
            verdict(&token, &trusting(Algorithm::ALL)),
            Err(NOT_ALLOWED),
            "{alg}"
        );
    }
}

// CVE-2020-28042 (ServiceStack).
#[test]
fn an_empty_signature_is_none() {
    for algorithm in Algorithm::ALL {
        let token = forge::token(header(*algorithm), PAYLOAD, b"");
        assert_eq!(
            verdict(&token, &trusting(&[*algorithm])),
            Err(BAD_SIGNATURE),
            "{algorithm}"
        );
    }
}

// CVE-2025-59420 (Authlib), CVE-2026-32597 (PyJWT) and CVE-2026-35042 (fast-jwt).
#[test]
fn rejects_an_unknown_critical_extension() {
    for extension in [
        r#""crit":["bork"],"bork":"x""#,
        r#""crit":["cnf"],"cnf":{"jkt":"thumb-42"}"#,
        r#""crit":["x-custom-policy"],"x-custom-policy":"require-mfa""#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["absent"]"#,
        r#""crit":[]"#,
    ] {
        let token = forge::signed(
            format!(r#"{{"alg":"HS256",{extension}}}"#),
            PAYLOAD,
            &keys::signing_key(Hs256),
        );
        assert_eq!(
            verdict(&token, &trusting(&[Hs256])),
            Err(Refused::Token(JwsError::CriticalHeader)),
            "{extension}"
        );
    }
}

// CVE-2026-48525 (PyJWT) and CVE-2026-48990 (joserfc): a payload that is not encoded was decoded all the same, or not
// measured.
#[test]
fn an_unencoded_payload_is_refused() {
    let header = forge::segment(r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#);
    for payload in [
        forge::segment(PAYLOAD),
        PAYLOAD.into(),
        String::new(),
        "A".repeat(9_000),
    ] {
        let token = forge::sign_input(&format!("{header}.{payload}"), &keys::signing_key(Hs256));
        assert_eq!(
            verdict(&token, &trusting(&[Hs256])),
            Err(Refused::Token(JwsError::CriticalHeader))
        );
    }
}

// CVE-2018-0114 (node-jose) and CVE-2026-27962 (Authlib).
#[test]
fn a_key_in_the_token_isnt_trusted() {
    let jwk = Jwk::new(PublicKey::from_pem(keys::P256_OTHER.public_pem).unwrap())
        .to_json()
        .unwrap();
    let header = format!(r#"{{"alg":"ES256","jwk":{jwk}}}"#);
    let token = forge::signed(header, PAYLOAD, &keys::other_signing_key(Es256));
    assert_eq!(verdict(&token, &trusting(&[Es256])), Err(BAD_SIGNATURE));
    assert_eq!(verdict(&token, &KeySet::default()), Err(NOT_ALLOWED));
    let named = KeySet::new([keys::verifying_key(Es256).with_key_id("a")]);
    assert_eq!(verdict(&token, &named), Err(BAD_SIGNATURE));
}

// CVE-2022-21449 (Java): signatures consisting of zeros were accepted.
#[test]
fn a_signature_of_zeros_is_none() {
    for (algorithm, length) in [
        (Es256, 64),
        (Es384, 96),
        (Algorithm::Es512, 132),
        (Algorithm::EdDsa, 64),
        (Rs256, 256),
    ] {
        for signature in [vec![0; length], vec![0; length / 2]] {
            let token = forge::token(header(algorithm), PAYLOAD, signature);
            assert_eq!(
                verdict(&token, &trusting(&[algorithm])),
                Err(BAD_SIGNATURE),
                "{algorithm}"
            );
        }
    }
}

// CVE-2020-14966, CVE-2020-14968 and CVE-2021-30246 (jsrsasign): other bytes passed for the same signature.
#[test]
fn a_signature_has_no_leading_zeros_to_spare() {
    for algorithm in [Es256, Es384, Rs256, Ps256, Algorithm::EdDsa] {
        let token = forge::signed(header(algorithm), PAYLOAD, &keys::signing_key(algorithm));
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature).unwrap();
        let (r, s) = signature.split_at(signature.len() / 2);
        for other in [
            [&[0], &*signature].concat(),
            [&signature, &[0][..]].concat(),
            [&[0], r, &[0], s].concat(),
        ] {
            let other = format!("{input}.{}", forge::segment(other));
            assert_eq!(
                verdict(&other, &trusting(&[algorithm])),
                Err(BAD_SIGNATURE),
                "{algorithm}"
            );
        }
    }
}

// CVE-2022-25898 (jsrsasign), CVE-2026-62995 (joserfc) and CVE-2026-102269 (PyJWT): a second encoding of a token
// bypasses a list of revoked ones.
#[test]
fn a_token_has_one_text() {
    let token = forge::signed(header(Hs256), PAYLOAD, &keys::signing_key(Hs256));
    let last = token.chars().last().unwrap();
    let trusted = trusting(&[Hs256]);
    let (body, signature) = token.rsplit_once('.').unwrap();
    // Only four bits of the last character are used, so three other characters decode to the same bytes.
    let respelled = ('A'..='z')
        .chain('0'..='9')
        .filter(char::is_ascii_alphanumeric)
        .map(|other| format!("{}{other}", &token[..token.len() - 1]));
    let padded = [
        "=", "==", "\n", "\r\n", " ", "\0", "\\n", "%0a", "\u{200b}", ".",
    ]
    .map(|end| format!("{token}{end}"));
    let spliced = ["!", "\n", " ", "=", "\0"]
        .map(|inner| format!("{body}.{}{inner}{}", &signature[..9], &signature[9..]));
    for other in respelled
        .chain(padded)
        .chain(spliced)
        .filter(|other| !(other.len() == token.len() && other.ends_with(last)))
    {
        assert!(verdict(&other, &trusted).is_err(), "{other:?}");
    }
    assert_eq!(verdict(&token, &trusted), Ok(()));
}

// CVE-2022-39227 (python-jwt): compact to one reader, JSON to the other.
#[test]
fn rejects_a_token_that_is_json() {
    let token = forge::signed(
        header(Hs256),
        r#"{"sub":"guest"}"#,
        &keys::signing_key(Hs256),
    );
    let [head, payload, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let forged = forge::segment(PAYLOAD);
    for text in [
        format!(
            r#"{{"  {head}.{forged}.":"","protected":"{head}","payload":"{payload}","signature":"{signature}"}}"#
        ),
        format!(
            r#"{{"protected":"{head}","payload":"{payload}","signature":"{signature}","x":".{forged}."}}"#
        ),
        format!("{head}.{forged}.{signature}\n{token}"),
        format!("{token},{head}.{forged}."),
    ] {
        assert!(verdict(&text, &trusting(&[Hs256])).is_err(), "{text}");
    }
}

// CVE-2025-27144 (go-jose), CVE-2025-30204 (golang-jwt) and CVE-2025-61920 (Authlib).
#[test]
fn a_long_string_is_rejected_unread() {
    let too_large = Err(Refused::Token(JwsError::TooLarge));
    let long = "A".repeat(1 << 20);
    for text in [
        ".".repeat(MAX_TOKEN_LEN + 1),
        format!("{long}.e30."),
        format!("e30.{long}."),
        format!("e30.e30.{long}"),
    ] {
        assert_eq!(verdict(&text, &trusting(&[Hs256])), too_large);
    }
    assert_eq!(
        verdict(&".".repeat(MAX_TOKEN_LEN), &trusting(&[Hs256])),
        Err(Refused::Token(JwsError::HeaderInvalid))
    );
}

// CVE-2023-51774 (json-jwt), CVE-2024-33664 (python-jose), CVE-2025-62706 and CVE-2026-28490 (Authlib),
// CVE-2026-27932 (joserfc), CVE-2026-29000 (pac4j): tokens that are encrypted, compressed or keyed by a password are
// other tokens.
#[test]
fn an_encrypted_token_is_not_opened() {
    let plain = forge::token(r#"{"alg":"none"}"#, PAYLOAD, b"");
    for header in [
        r#"{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}"#,
        r#"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#,
        r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}"#,
        r#"{"alg":"HS256","enc":"A128GCM"}"#,
    ] {
        let token = format!(
            "{}.AAAA.AAAA.{}.AAAA",
            forge::segment(header),
            forge::segment(&plain)
        );
        assert!(
            matches!(
                verdict(&token, &trusting(Algorithm::ALL)),
                Err(Refused::Token(_))
            ),
            "{header}"
        );
    }
}

// CVE-2024-51744 (golang-jwt): a bad signature was found beside an expired date, and only the date was minded.
#[test]
fn a_bad_signature_precedes_other_errors() {
    let expired = forge::signed(
        header(Hs256),
        r#"{"exp":1}"#,
        &keys::other_signing_key(Hs256),
    );
    assert_eq!(
        enter(&expired, &trusting(&[Hs256]), &ClaimsPolicy::new()),
        Err(BAD_SIGNATURE)
    );
    let genuine = forge::signed(header(Hs256), r#"{"exp":1}"#, &keys::signing_key(Hs256));
    assert_eq!(
        enter(&genuine, &trusting(&[Hs256]), &ClaimsPolicy::new()),
        Err(Refused::Claims(crate::expired(1)))
    );
}

// CVE-2019-7644 (Auth0-WCF-Service-JWT): the message named the right signature. CVE-2025-65015 (joserfc): it held the
// payload.
#[test]
fn errors_dont_contain_tokens_or_keys() {
    let token = forge::token(header(Hs256), PAYLOAD, b"a guess");
    let refusal = verdict(&token, &trusting(&[Hs256])).unwrap_err();
    assert_eq!(refusal, BAD_SIGNATURE);
    let right = forge::signed(header(Hs256), PAYLOAD, &keys::signing_key(Hs256));
    let right = right.rsplit('.').next().unwrap();
    let said = format!("{refusal:?} {}", JwsError::SignatureInvalid);
    assert!(
        !said.contains(right)
            && !said.contains("admin")
            && !said.contains(keys::SECRET)
            && said.len() < 90,
        "{said}"
    );
}
