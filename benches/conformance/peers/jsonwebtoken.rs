//! jsonwebtoken. Of a key set, the key with the `kid` of the token is used, or any if the token has none.

use boltguard_testing::conformance::{KeyKind, Row};
use jsonwebtoken::{DecodingKey, Validation, crypto::rust_crypto};
use serde_json::Value;

use super::{Library, families};
use crate::clock::Clock;

pub(super) fn library() -> Library {
    rust_crypto::DEFAULT_PROVIDER
        .install_default()
        .expect("no other provider is installed");
    Library {
        name: "jsonwebtoken 12",
        verify,
        lacks,
    }
}

fn verify(row: &Row, clock: Clock) -> Option<Value> {
    let kid = jsonwebtoken::decode_header(&row.token).ok()?.kid;
    let keys = keys(row)?;
    let is_used =
        |own: &Option<String>| row.key.kind != KeyKind::Jwks || kid.is_none() || *own == kid;
    let used: Vec<&DecodingKey> = keys
        .iter()
        .filter(|(own, _)| is_used(own))
        .map(|(_, key)| key)
        .collect();
    families(row).iter().find_map(|algorithms| {
        let validation = validation(row, algorithms, clock)?;
        used.iter().find_map(|key| {
            let decoded = jsonwebtoken::decode::<Value>(&row.token, key, &validation);
            decoded.ok().map(|token| token.claims)
        })
    })
}

settings!(jsonwebtoken, |secret| DecodingKey::from_secret(secret).ok());
