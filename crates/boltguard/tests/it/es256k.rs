//! Tokens of ES256K, with the feature `es256k`.

use boltguard::guard::Guard;
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Jwk, Key, KeySet, PrivateKey, SigningKey};
use boltguard::types::ReasonCode;
use boltguard::{Gate, JwtBackend};

use crate::support::{admitted, check, gate, refused};

fn signing() -> SigningKey {
    let key = Key::from(PrivateKey::generate(Algorithm::Es256k).unwrap());
    SigningKey::new(&key, Algorithm::Es256k).unwrap()
}

/// A gate for tokens of the key, which is published as a JWK Set.
fn trusting(key: &SigningKey) -> Gate {
    let published = KeySet::from(key.verifying_key().clone()).to_jwks();
    let keys = KeySet::from_jwks(&published, &[Algorithm::Es256k]).unwrap();
    let backend = JwtBackend::new(keys, &[Algorithm::Es256k], ClaimsPolicy::new()).unwrap();
    gate([backend.into()], &Guard::authenticated())
}

fn bearer(key: &SigningKey) -> String {
    let claims = br#"{"sub":"42","exp":1300819380}"#;
    format!(
        "Bearer {}",
        sign(claims, &HeaderFields::new(), key).unwrap()
    )
}

#[test]
fn a_token_admits_its_subject() {
    let key = signing();
    let outcome = check(&trusting(&key), &[("authorization", &bearer(&key))]);
    assert!(admitted(outcome).is_authenticated());
}

#[test]
fn a_token_of_another_key_is_refused() {
    let outcome = check(
        &trusting(&signing()),
        &[("authorization", &bearer(&signing()))],
    );
    assert_eq!(refused(outcome), (401, ReasonCode::SignatureInvalid));
}

#[test]
fn a_token_of_another_curve_is_refused() {
    let p256 = Key::from(PrivateKey::generate(Algorithm::Es256).unwrap());
    let p256 = SigningKey::new(&p256, Algorithm::Es256).unwrap();
    let outcome = check(&trusting(&signing()), &[("authorization", &bearer(&p256))]);
    assert_eq!(refused(outcome), (401, ReasonCode::AlgorithmNotAllowed));
    assert!(
        Jwk::new(PrivateKey::generate(Algorithm::Es256).unwrap())
            .signing_key(Algorithm::Es256k)
            .is_err()
    );
}
