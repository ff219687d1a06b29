//! axum-jwt-auth, with its decoder for key sets, or else its decoder for local keys.

use std::sync::Arc;

use axum_jwt_auth::{Decoder, LocalDecoder, RemoteJwksDecoder};
use boltguard_testing::conformance::{KeyKind, Row};
use jsonwebtoken_10::{DecodingKey, Validation};
use serde_json::Value;

use super::{Library, families};
use crate::clock::Clock;

pub(super) const LIBRARY: Library = Library {
    name: "axum-jwt-auth",
    verify,
    lacks,
};

fn verify(row: &Row, clock: Clock) -> Option<Value> {
    families(row).iter().find_map(|algorithms| {
        let decoder = decoder(row, algorithms, clock)?;
        let decoded = super::block_on(decoder.decode(&row.token));
        decoded.ok().map(|token| token.claims)
    })
}

fn decoder(row: &Row, algorithms: &[&str], clock: Clock) -> Option<Decoder<Value>> {
    let mut validation = validation(row, algorithms, clock)?;
    let keys = keys(row)?;
    if row.key.kind == KeyKind::Jwks {
        let cache = keys
            .into_iter()
            .map(|(kid, key)| (kid.unwrap_or_default(), key));
        let decoder = RemoteJwksDecoder::builder()
            .jwks_url(String::new())
            .keys_cache(Arc::new(cache.collect()))
            .validation(validation);
        return Some(Arc::new(decoder.build().ok()?));
    }
    // It requires an audience. No token matches an empty list, as if none was set.
    validation.aud.get_or_insert_default();
    let keys = keys.into_iter().map(|(_, key)| key).collect();
    Some(Arc::new(LocalDecoder::new(keys, validation).ok()?))
}

settings!(jsonwebtoken_10, |secret| Some(DecodingKey::from_secret(
    secret
)));
