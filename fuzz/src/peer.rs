//! Comparison with the crate `jsonwebtoken`: a token that Boltguard admits is also accepted there, with the same
//! claims.
//!
//! The reverse is intentionally not true: `jsonwebtoken` also accepts tokens with duplicate names and with more than
//! 16 KiB.

use std::sync::LazyLock;

use boltguard::grants::Requirements;
use boltguard::jws::{Verifier, insecure};
use boltguard::jwt::{Claims, ClaimsPolicy};
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey};
use boltguard::types::NumericDate;
use boltguard_encoding::base64url;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Map, Value};

const SECRET: &[u8] = b"fuzzing-only-secret-fuzzing-only-secret-fuzzing-only-secret-0001";

/// The separator of the header and the payload.
const SEPARATOR: u8 = 0xff;

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::new(
        &Key::Secret(Secret::new(SECRET).expect("the secret is valid")),
        Algorithm::Hs256,
    )
    .expect("the key is valid")
});
static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(KeySet::new([SIGNER.verifying_key().clone()])));
static PEER_KEY: LazyLock<DecodingKey> =
    LazyLock::new(|| DecodingKey::from_secret(SECRET).expect("the secret is not empty"));

/// Signs a header and a payload, or uses the input as a token, and verifies it with both implementations.
///
/// # Panics
///
/// If only Boltguard admits the token, or if the claims differ.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == SEPARATOR);
    let header = parts.next().unwrap_or_default();
    let token = match parts.next() {
        Some(payload) => signed(header, payload),
        None => String::from_utf8_lossy(header).into_owned(),
    };
    let Some(ours) = ours(&token) else { return };
    match jsonwebtoken::decode::<Value>(&token, &PEER_KEY, &validation()) {
        Ok(theirs) => assert_eq!(theirs.claims, ours),
        Err(error) => assert!(is_known_difference(&ours, &token), "{error:?} {ours}"),
    }
}

fn signed(header: &[u8], payload: &[u8]) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(payload)
    );
    let signature = SIGNER.sign(input.as_bytes()).expect("the key can sign");
    format!("{input}.{}", base64url::encode(signature))
}

fn ours(token: &str) -> Option<Value> {
    let claims = Claims::read(VERIFIER.verify(token).ok()?, &Requirements::new()).ok()?;
    let now = NumericDate::from(std::time::SystemTime::now());
    let admitted = ClaimsPolicy::new().admit(claims, now).ok()?;
    Some(serde_json::from_str(admitted.as_json()).expect("claims are valid JSON"))
}

fn validation() -> Validation {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation
}

/// Returns whether the difference is known: `jsonwebtoken` also checks the types of header parameters that Boltguard
/// ignores, and requires that dates fit into 64 bits.
fn is_known_difference(claims: &Value, token: &str) -> bool {
    let header = insecure::header_text(token).expect("the header is valid");
    let header: Map<String, Value> =
        serde_json::from_str(&header).expect("the header is valid JSON");
    let is_checked = |(name, value): (&String, &Value)| {
        !["alg", "kid"].contains(&name.as_str()) && !(name == "typ" && value.is_string())
    };
    let is_out_of_range = |name: &str| {
        claims[name]
            .as_f64()
            .is_some_and(|date| !(0.0..18_446_744_073_709_551_615.0).contains(&date))
    };
    header.iter().any(is_checked) || is_out_of_range("exp") || is_out_of_range("nbf")
}
