//! A service with keys and a guard, which the targets share.

use std::sync::LazyLock;

use boltguard::grants::{ClaimTest, Requirements};
use boltguard::jws::{JwsError, Verifier};
use boltguard::jwt::{AdmittedClaims, Claims, ClaimsError, ClaimsPolicy};
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard::types::{NumericDate, Permission};
use boltguard_encoding::base64url;

/// The current time.
pub(super) const NOW: i64 = 1_700_000_000;

/// The secret of the seeds that are signed with HMAC.
pub(super) const SECRET: &[u8] =
    b"fuzzing-only-secret-fuzzing-only-secret-fuzzing-only-secret-0001";

/// The Ed25519 key of RFC 8037 A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// The P-256 key of RFC 7515 A.3.
const P256: &str = r#"{"kty":"EC","crv":"P-256","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

pub(super) static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| signer(Algorithm::Hs256));

/// Keys with different algorithms and key IDs.
pub(super) static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let verifying = |algorithm| -> VerifyingKey { signer(algorithm).verifying_key().clone() };
    KeySet::new([
        verifying(Algorithm::Hs256),
        verifying(Algorithm::Hs256).with_key_id("a"),
        verifying(Algorithm::Hs512),
        verifying(Algorithm::EdDsa),
        verifying(Algorithm::Es256).with_key_id("b"),
    ])
});

pub(super) static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(KEYS.clone()));

/// The requirements of a guard.
pub(super) static REQUIREMENTS: LazyLock<Requirements> = LazyLock::new(|| {
    let mut requirements = Requirements::new();
    for name in ["a", "blog.add", "blog.delete", "shop.order", "é"] {
        requirements.permission(&Permission::new(name).expect("the name is valid"));
    }
    requirements.scope("profile");
    requirements.scope("a");
    requirements.claim(&ClaimTest::new("amr").any_of(["mfa"]).none_of(["sms"]));
    requirements.claim(&ClaimTest::new("a").any_of([1]));
    requirements.claim(&ClaimTest::new("sub").all_of(["a"]));
    requirements
});

pub(super) fn signer(algorithm: Algorithm) -> SigningKey {
    let key = match algorithm {
        Algorithm::EdDsa => private(ED25519),
        Algorithm::Es256 => private(P256),
        _ => Key::Secret(Secret::new(SECRET).expect("the secret is valid")),
    };
    SigningKey::new(&key, algorithm).expect("the key matches the algorithm")
}

fn private(jwk: &str) -> Key {
    boltguard::keys::Jwk::parse(jwk)
        .expect("the JWK is valid")
        .key()
        .clone()
}

pub(super) fn now() -> NumericDate {
    NumericDate::from_secs(NOW)
}

/// Signs a token with the key of the service.
pub(super) fn signed(header: &[u8], payload: &[u8]) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(payload)
    );
    let signature = SIGNER.sign(input.as_bytes()).expect("the key can sign");
    format!("{input}.{}", base64url::encode(signature))
}

/// The reason why a token is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    Token(JwsError),
    Claims(ClaimsError),
}

pub(super) fn admit(token: &str, policy: &ClaimsPolicy) -> Result<AdmittedClaims, Rejection> {
    let jws = VERIFIER.verify(token).map_err(Rejection::Token)?;
    let claims = Claims::read(jws, &REQUIREMENTS).map_err(Rejection::Claims)?;
    policy.admit(claims, now()).map_err(Rejection::Claims)
}
