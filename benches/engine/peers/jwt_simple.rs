//! `jwt-simple`, with its backend in pure Rust.

use std::hint::black_box;

use boltguard::keys::Algorithm;
use boltguard_testing::keys::SECRET;
use jwt_simple::prelude::*;

use super::pair;
use crate::claims::{self, ISSUER, SUBJECT, TOKEN_ID, USERNAME};
use crate::contest::Work;

/// The claims that the library doesn't define.
#[derive(Clone, Deserialize, Serialize)]
struct Custom {
    is_staff: bool,
    is_superuser: bool,
    username: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
}

pub(super) fn verify(algorithm: Algorithm, token: &str) -> Option<Work> {
    let secret = SECRET.as_bytes();
    macro_rules! verify_with {
        ($key:expr) => {{
            let (key, token, options) = ($key, token.to_owned(), options());
            Box::new(move || {
                let claims = key.verify_token::<Custom>(black_box(&token), Some(options.clone()));
                black_box(claims).is_ok()
            })
        }};
    }
    let pem = || pair(algorithm).map(|pair| pair.public_pem);
    Some(match algorithm {
        Algorithm::Hs256 => verify_with!(HS256Key::from_bytes(secret)),
        Algorithm::Hs384 => verify_with!(HS384Key::from_bytes(secret)),
        Algorithm::Hs512 => verify_with!(HS512Key::from_bytes(secret)),
        Algorithm::Rs256 => verify_with!(RS256PublicKey::from_pem(pem()?).ok()?),
        Algorithm::Ps256 => verify_with!(PS256PublicKey::from_pem(pem()?).ok()?),
        Algorithm::Es256 => verify_with!(ES256PublicKey::from_pem(pem()?).ok()?),
        Algorithm::Es384 => verify_with!(ES384PublicKey::from_pem(pem()?).ok()?),
        Algorithm::EdDsa => verify_with!(Ed25519PublicKey::from_pem(pem()?).ok()?),
        _ => return None,
    })
}

pub(super) fn mint(algorithm: Algorithm, size: usize) -> Option<Work> {
    let secret = SECRET.as_bytes();
    macro_rules! mint_with {
        ($key:expr, $sign:ident) => {{
            let (key, custom) = ($key, custom(size));
            Box::new(move || key.$sign(claims(black_box(&custom))).map(black_box).is_ok())
        }};
    }
    let pem = || pair(algorithm).map(|pair| pair.private_pem);
    Some(match algorithm {
        Algorithm::Hs256 => mint_with!(HS256Key::from_bytes(secret), authenticate),
        Algorithm::Hs384 => mint_with!(HS384Key::from_bytes(secret), authenticate),
        Algorithm::Hs512 => mint_with!(HS512Key::from_bytes(secret), authenticate),
        Algorithm::Rs256 => mint_with!(RS256KeyPair::from_pem(pem()?).ok()?, sign),
        Algorithm::Ps256 => mint_with!(PS256KeyPair::from_pem(pem()?).ok()?, sign),
        Algorithm::Es256 => mint_with!(ES256KeyPair::from_pem(pem()?).ok()?, sign),
        Algorithm::Es384 => mint_with!(ES384KeyPair::from_pem(pem()?).ok()?, sign),
        Algorithm::EdDsa => mint_with!(Ed25519KeyPair::from_pem(pem()?).ok()?, sign),
        _ => return None,
    })
}

fn options() -> VerificationOptions {
    VerificationOptions {
        allowed_issuers: Some(HashSet::from_strings(&[ISSUER])),
        ..VerificationOptions::default()
    }
}

fn claims(custom: &Custom) -> JWTClaims<&Custom> {
    Claims::with_custom_claims(custom, Duration::from_secs(claims::LIFETIME.as_secs()))
        .with_issuer(ISSUER)
        .with_subject(SUBJECT)
        .with_jwt_id(TOKEN_ID)
}

fn custom(size: usize) -> Custom {
    Custom {
        is_staff: false,
        is_superuser: false,
        username: USERNAME.to_owned(),
        permissions: claims::permissions(size),
    }
}
