//! The examples of RFC 7515 appendix A, RFC 7517 appendix A, RFC 7520 §4, RFC 7638 §3.1 and RFC 8037 appendix A.

use boltguard_keys::{Algorithm, Jwk, KeyError, KeySet, Secret};
use serde_json::Value;

struct Example {
    source: String,
    algorithm: Algorithm,
    jwk: Jwk,
    input: String,
    signature: Vec<u8>,
}

/// RFC 7515 A.1 to A.4, RFC 7520 4.1 to 4.4 and RFC 8037 A.4, with their private keys.
fn examples() -> Vec<Example> {
    let file: Vec<Value> =
        serde_json::from_str(include_str!("../data/rfc_signatures.json")).unwrap();
    let read = |example: &Value| {
        let (input, signature) = example["token"].as_str().unwrap().rsplit_once('.').unwrap();
        let signature = Secret::from_base64url(signature).unwrap();
        Example {
            source: example["source"].to_string(),
            algorithm: example["algorithm"].as_str().unwrap().parse().unwrap(),
            jwk: Jwk::parse(example["jwk"].to_string()).unwrap(),
            input: input.to_owned(),
            signature: signature.expose().to_vec(),
        }
    };
    file.iter().map(read).collect()
}

fn key_sets(source: &str) -> String {
    let file: Value = serde_json::from_str(include_str!("../data/rfc_key_sets.json")).unwrap();
    file[source].to_string()
}

#[test]
fn the_examples_verify() {
    assert_eq!(examples().len(), 9);
    for example in examples() {
        let key = example.jwk.signing_key(example.algorithm).unwrap();
        let key = key.verifying_key();
        let message = example.input.as_bytes();
        assert!(
            key.verify(message, &example.signature).is_ok(),
            "{}",
            example.source
        );
        assert!(
            key.verify(&message[1..], &example.signature).is_err(),
            "{}",
            example.source
        );
    }
}

#[test]
fn the_published_half_of_each_key_verifies_its_example() {
    for example in examples() {
        let Ok(json) = example.jwk.to_json() else {
            assert!(example.algorithm.is_symmetric());
            continue;
        };
        let key = Jwk::parse(&json)
            .unwrap()
            .verifying_key(example.algorithm)
            .unwrap();
        assert!(
            key.verify(example.input.as_bytes(), &example.signature)
                .is_ok()
        );
        assert!(!json.contains("\"d\""));
    }
}

#[test]
fn deterministic_algorithms_make_the_signatures_of_the_examples() {
    use Algorithm::{EdDsa, Hs256, Rs256};
    for example in examples() {
        if matches!(example.algorithm, Hs256 | Rs256 | EdDsa) {
            let key = example.jwk.signing_key(example.algorithm).unwrap();
            let signature = key.sign(example.input.as_bytes()).unwrap();
            assert_eq!(signature.as_ref(), example.signature, "{}", example.source);
        }
    }
}

#[test]
fn rfc7515_appendix_a5_unsecured_token_is_rejected() {
    assert!("none".parse::<Algorithm>().is_err());
    assert_eq!(
        Jwk::parse(r#"{"kty":"oct","k":""}"#).unwrap_err(),
        KeyError::Empty
    );
}

#[test]
fn rfc7517_appendix_a1_is_a_set_of_which_one_key_signs() {
    // The other key is for encryption.
    let set = KeySet::from_jwks(key_sets("RFC 7517 A.1"), Algorithm::ALL).unwrap();
    assert_eq!(set.algorithms().collect::<Vec<_>>(), [Algorithm::Rs256]);
    assert_eq!(set.select(Algorithm::Rs256, Some("2011-04-29")).count(), 1);
    assert_eq!(set.select(Algorithm::Es256, Some("1")).count(), 0);
}

#[test]
fn rfc7517_appendix_a2_private_keys_are_rejected() {
    let text = key_sets("RFC 7517 A.2");
    assert_eq!(
        KeySet::from_jwks(&text, Algorithm::ALL).unwrap_err(),
        KeyError::PrivateKey
    );
    let set: Value = serde_json::from_str(&text).unwrap();
    let rsa = Jwk::parse(set["keys"][1].to_string()).unwrap();
    assert!(rsa.signing_key(Algorithm::Rs256).is_ok());
    assert_eq!(
        rsa.verifying_key(Algorithm::Rs256).unwrap_err(),
        KeyError::PrivateKey
    );
}

#[test]
fn rfc7517_appendix_a3_has_one_secret_to_sign_with() {
    // The other is to wrap keys with AES.
    let set = KeySet::from_jwks(key_sets("RFC 7517 A.3"), Algorithm::ALL).unwrap();
    let names: Vec<_> = set.algorithms().map(Algorithm::name).collect();
    assert_eq!(names, ["HS256", "HS384", "HS512"]);
    assert_eq!(
        set.select(Algorithm::Hs256, Some("HMAC key used in JWS A.1 example"))
            .count(),
        1
    );
    assert_eq!(set.to_jwks(), r#"{"keys":[]}"#);
}

#[test]
fn rfc7638_section_3_1_thumbprint() {
    let set: Value = serde_json::from_str(&key_sets("RFC 7517 A.1")).unwrap();
    let rsa = Jwk::parse(set["keys"][1].to_string()).unwrap();
    let thumbprint = rsa.key().public_key().unwrap().thumbprint();
    assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn rfc8037_appendix_a3_thumbprint() {
    let json = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let thumbprint = Jwk::parse(json)
        .unwrap()
        .key()
        .public_key()
        .unwrap()
        .thumbprint();
    assert_eq!(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// RFC 6979 §A.2.7: P-521 with SHA-512. With aws-lc, signatures are randomised.
#[cfg(not(feature = "aws-lc"))]
#[test]
fn es512_is_deterministic_as_rfc6979_says() {
    let jwk = r#"{"kty":"EC","crv":"P-521",
        "d":"APrQbapiujsl0vtAEz2nVyBd5n9bsAGP7oyG4baMfnXKqJbrMvH0fHCFWDam0W_MFGb22PvsZ9uJ7AwIsOmWuDU4",
        "x":"AYlFUNB4WTLgDqojtpTyE_jDEh-G3JegTlpxZ9tOW803ESPUbkXba11TcKfyD7YzFV04_6FtK9dh3KxHS5ovUCOk",
        "y":"AEkxAclizU0v3feCKF5kWEE5wvkbR_h_-CNU1mMPdGoooNsldBtbNKgoAIsirMI_kk-q-9TTP4HqZpVt_qor_fz1"}"#;
    let signing = Jwk::parse(jwk)
        .unwrap()
        .signing_key(Algorithm::Es512)
        .unwrap();
    let hex: String = signing
        .sign(b"sample")
        .unwrap()
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        hex,
        "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4\
         e8455cc91f9b15bf05ec36e377fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e\
         5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a"
    );
}
