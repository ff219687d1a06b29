//! `jwt-compact`. Signing is measured with HMAC only, because its other private keys require additional crates.

use std::hint::black_box;

use boltguard::keys::{Algorithm, Jwk, PublicKey};
use boltguard_testing::keys::SECRET;
use jwt_compact::Algorithm as Signed;
use jwt_compact::alg::{Ed25519, Es256, Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key, Rsa};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::prelude::*;
use serde::{Deserialize, Serialize};

use super::pair;
use crate::claims::{self, ISSUER, SUBJECT, TOKEN_ID, USERNAME};
use crate::contest::Work;

/// The claims except for `exp` and `iat`, which the library defines.
#[derive(Clone, Deserialize, Serialize)]
struct Custom {
    sub: String,
    iss: String,
    jti: String,
    is_staff: bool,
    is_superuser: bool,
    username: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
}

pub(super) fn verify(algorithm: Algorithm, token: &str) -> Option<Work> {
    let secret = SECRET.as_bytes();
    Some(match algorithm {
        Algorithm::Hs256 => verify_with(Hs256, Hs256Key::new(secret), token),
        Algorithm::Hs384 => verify_with(Hs384, Hs384Key::new(secret), token),
        Algorithm::Hs512 => verify_with(Hs512, Hs512Key::new(secret), token),
        Algorithm::Es256 => verify_with(Es256, public_key(algorithm)?, token),
        Algorithm::EdDsa => verify_with(Ed25519, public_key(algorithm)?, token),
        Algorithm::Rs256 => verify_with(Rsa::rs256(), public_key(algorithm)?, token),
        Algorithm::Ps256 => verify_with(Rsa::ps256(), public_key(algorithm)?, token),
        _ => return None,
    })
}

pub(super) fn mint(algorithm: Algorithm, size: usize) -> Option<Work> {
    let secret = SECRET.as_bytes();
    Some(match algorithm {
        Algorithm::Hs256 => mint_with(Hs256, Hs256Key::new(secret), size),
        Algorithm::Hs384 => mint_with(Hs384, Hs384Key::new(secret), size),
        Algorithm::Hs512 => mint_with(Hs512, Hs512Key::new(secret), size),
        _ => return None,
    })
}

fn verify_with<A>(algorithm: A, key: A::VerifyingKey, token: &str) -> Work
where
    A: Signed + 'static,
    A::VerifyingKey: 'static,
{
    let (token, times) = (token.to_owned(), TimeOptions::default());
    Box::new(move || {
        let Ok(token) = UntrustedToken::new(black_box(&token)) else {
            return false;
        };
        let Ok(token) = algorithm.validator::<Custom>(&key).validate(&token) else {
            return false;
        };
        let claims = token.claims();
        let admitted = claims.validate_expiration(&times).is_ok() && claims.custom.iss == ISSUER;
        black_box(&token);
        admitted
    })
}

fn mint_with<A>(algorithm: A, key: A::SigningKey, size: usize) -> Work
where
    A: Signed + 'static,
    A::SigningKey: 'static,
{
    let times = TimeOptions::default();
    let lifetime = chrono::Duration::hours(1);
    let custom = Custom {
        sub: SUBJECT.to_owned(),
        iss: ISSUER.to_owned(),
        jti: TOKEN_ID.to_owned(),
        is_staff: false,
        is_superuser: false,
        username: USERNAME.to_owned(),
        permissions: claims::permissions(size),
    };
    let header = Header::empty().with_token_type("JWT");
    Box::new(move || {
        let claims = Claims::new(black_box(&custom)).set_duration_and_issuance(&times, lifetime);
        algorithm
            .token(&header, &claims, &key)
            .map(black_box)
            .is_ok()
    })
}

/// Converts a public key to a type of the library, by a JWK.
fn public_key<K: for<'a> TryFrom<&'a JsonWebKey<'a>>>(algorithm: Algorithm) -> Option<K> {
    let public = PublicKey::from_pem(pair(algorithm)?.public_pem).expect("the key is valid");
    let json = Jwk::new(public).to_json().expect("the key is public");
    let jwk: JsonWebKey<'_> = serde_json::from_str(&json).expect("the JWK is valid");
    K::try_from(&jwk).ok()
}
