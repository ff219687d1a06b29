//! Published vulnerabilities of other libraries, each tested here.
//!
//! Advisories about fetching keys, about caches of verified tokens and about users belong to the crates that do this.

mod claims;
mod keys;
mod tokens;

use boltguard_jws::{HeaderFields, JwsError, sign};
use boltguard_jwt::ClaimsPolicy;
use boltguard_keys::Algorithm::{self, Hs256, Hs384};
use boltguard_keys::{KeySet, digest_sha256};
use boltguard_testing::forge;
use boltguard_testing::keys as named;

use crate::{NOW, Refused, enter, lenient};

const PAYLOAD: &str = r#"{"sub":"admin","exp":1800000000}"#;
const BAD_SIGNATURE: Refused = Refused::Token(JwsError::SignatureInvalid);
const NOT_ALLOWED: Refused = Refused::Token(JwsError::AlgorithmNotAllowed);

fn trusting(algorithms: &[Algorithm]) -> KeySet {
    KeySet::new(
        algorithms
            .iter()
            .map(|algorithm| named::verifying_key(*algorithm)),
    )
}

/// Whether the token verifies with `keys`, without checks of its claims.
fn verdict(token: &str, keys: &KeySet) -> Result<(), Refused> {
    enter(token, keys, &lenient().ignoring_audience()).map(drop)
}

fn header(algorithm: Algorithm) -> String {
    format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#)
}

/// HMAC with SHA-256, RFC 2104, because a `Secret` can't be created from an attacker's key material.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    let key = if key.len() > BLOCK {
        digest_sha256(key).to_vec()
    } else {
        key.to_vec()
    };
    block[..key.len()].copy_from_slice(&key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad).to_vec();
    let inner = digest_sha256(&[padded(0x36), message.to_vec()].concat());
    digest_sha256(&[padded(0x5c), inner.to_vec()].concat())
}

/// A token with an HMAC under any bytes.
fn forged_with(key: &[u8]) -> String {
    let input = format!(
        "{}.{}",
        forge::segment(header(Hs256)),
        forge::segment(PAYLOAD)
    );
    format!("{input}.{}", forge::segment(hmac(key, input.as_bytes())))
}

#[test]
fn the_forger_s_hmac_is_the_usual_one() {
    assert_eq!(
        forged_with(named::SECRET.as_bytes()),
        forge::signed(header(Hs256), PAYLOAD, &named::signing_key(Hs256))
    );
}

#[test]
fn the_control_token_is_admitted() {
    for algorithm in Algorithm::ALL {
        let payload = format!(r#"{{"sub":"admin","exp":{}}}"#, NOW + 1);
        let token = sign(
            payload.as_bytes(),
            &HeaderFields::new(),
            &named::signing_key(*algorithm),
        )
        .unwrap();
        assert_eq!(
            enter(&token, &trusting(&[*algorithm]), &ClaimsPolicy::new()),
            Ok(payload),
            "{algorithm}"
        );
    }
    assert_eq!(
        verdict(
            &forge::signed(header(Hs384), "{}", &named::signing_key(Hs384)),
            &trusting(&[Hs384])
        ),
        Ok(())
    );
}
