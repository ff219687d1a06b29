//! The crate `jsonwebtoken` on the same tokens: whatever is admitted here, it admits with the same claims.
//!
//! The other way round does not hold, and is not meant to: it takes, among others, tokens with `crit`, with a name
//! twice, and over 16 KiB.

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

/// What stands between the header and the payload.
const SEPARATOR: u8 = 0xff;

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::new(
        &Key::Secret(Secret::new(SECRET).expect("a secret")),
        Algorithm::Hs256,
    )
    .expect("a key")
});
static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(KeySet::new([SIGNER.verifying_key().clone()])));

/// Signs a header and a payload, or takes the bytes for a token as it is, and asks both.
///
/// # Panics
///
/// If a token is admitted here that is not admitted there, or that says something else there.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == SEPARATOR);
    let header = parts.next().unwrap_or_default();
    let token = match parts.next() {
        Some(payload) => signed(header, payload),
        None => String::from_utf8_lossy(header).into_owned(),
    };
    let Some(ours) = ours(&token) else { return };
    let theirs =
        jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_secret(SECRET), &validation());
    match theirs {
        Ok(theirs) => assert_eq!(theirs.claims, ours),
        Err(error) => assert!(is_known(&ours, &token), "{error:?} {ours}"),
    }
}

fn signed(header: &[u8], payload: &[u8]) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(payload)
    );
    let signature = SIGNER.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", base64url::encode(signature))
}

fn ours(token: &str) -> Option<Value> {
    let claims = Claims::read(VERIFIER.verify(token).ok()?, &Requirements::new()).ok()?;
    let now = NumericDate::from(std::time::SystemTime::now());
    let admitted = ClaimsPolicy::new().admit(claims, now).ok()?;
    Some(serde_json::from_str(admitted.as_json()).expect("JSON"))
}

fn validation() -> Validation {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation
}

/// Where it is stricter: it gives types to header parameters that are passed over here, and a date has to be a whole
/// number of 64 bits when it is rounded.
fn is_known(claims: &Value, token: &str) -> bool {
    let header = insecure::header_text(token).expect("a header that was read");
    let header: Map<String, Value> = serde_json::from_str(&header).expect("JSON");
    let typed = |(name, value): (&String, &Value)| {
        !["alg", "kid"].contains(&name.as_str()) && !(name == "typ" && value.is_string())
    };
    let far = |name: &str| {
        claims[name]
            .as_f64()
            .is_some_and(|date| !(0.0..18_446_744_073_709_551_615.0).contains(&date))
    };
    header.iter().any(typed) || far("exp") || far("nbf")
}
