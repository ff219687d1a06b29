//! `jwt`, with HMAC only. It doesn't check dates.

use std::hint::black_box;

use boltguard::keys::Algorithm;
use boltguard_testing::keys::SECRET;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jwt::header::HeaderType;
use jwt::{Header, SignWithKey, SigningAlgorithm, Token, VerifyWithKey, VerifyingAlgorithm};
use sha2::{Sha256, Sha384, Sha512};

use crate::claims::{self, Typed};
use crate::contest::Work;

pub(super) fn verify(algorithm: Algorithm, token: &str) -> Option<Work> {
    match algorithm {
        Algorithm::Hs256 => Some(verify_with(key::<Hmac<Sha256>>(), token)),
        Algorithm::Hs384 => Some(verify_with(key::<Hmac<Sha384>>(), token)),
        Algorithm::Hs512 => Some(verify_with(key::<Hmac<Sha512>>(), token)),
        _ => None,
    }
}

pub(super) fn mint(algorithm: Algorithm, size: usize) -> Option<Work> {
    match algorithm {
        Algorithm::Hs256 => Some(mint_with(key::<Hmac<Sha256>>(), size)),
        Algorithm::Hs384 => Some(mint_with(key::<Hmac<Sha384>>(), size)),
        Algorithm::Hs512 => Some(mint_with(key::<Hmac<Sha512>>(), size)),
        _ => None,
    }
}

fn verify_with(key: impl VerifyingAlgorithm + 'static, token: &str) -> Work {
    let token = token.to_owned();
    Box::new(move || {
        let verified: Result<Token<Header, Typed, _>, _> =
            black_box(token.as_str()).verify_with_key(&key);
        black_box(verified).is_ok()
    })
}

fn mint_with(key: impl SigningAlgorithm + 'static, size: usize) -> Work {
    let claims = Typed::new(claims::permissions(size));
    Box::new(move || {
        let header = Header {
            algorithm: key.algorithm_type(),
            type_: Some(HeaderType::JsonWebToken),
            ..Header::default()
        };
        let token = Token::new(header, black_box(&claims)).sign_with_key(&key);
        token.map(|token| black_box(String::from(token))).is_ok()
    })
}

fn key<M: Mac + KeyInit>() -> M {
    <M as Mac>::new_from_slice(SECRET.as_bytes()).expect("HMAC accepts secrets of any length")
}
