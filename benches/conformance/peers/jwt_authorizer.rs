//! jwt-authorizer, with its authorizer for secrets, PEM files or key sets.

use boltguard_encoding::base64url;
use boltguard_testing::conformance::{KeyKind, Row};
use jwt_authorizer::{Authorizer, AuthorizerBuilder, JwtAuthorizer, Validation};
use serde_json::Value;

use super::{Library, block_on, families};
use crate::clock::Clock;

pub(super) const LIBRARY: Library = Library {
    name: "jwt-authorizer",
    verify,
    lacks,
};

fn verify(row: &Row, clock: Clock) -> Option<Value> {
    families(row).iter().find_map(|algorithms| {
        let decoded = builders(row).into_iter().find_map(|builder| {
            let builder = builder.validation(validation(row, algorithms, clock)?);
            block_on(builder.build()).ok()
        });
        let authorizer: Authorizer<Value> = decoded?;
        let decoded = block_on(authorizer.check_auth(&row.token));
        decoded.ok().map(|token| token.claims)
    })
}

/// Returns the builders for the key. The first one is used whose key is valid.
fn builders(row: &Row) -> Vec<AuthorizerBuilder<Value>> {
    let text = row.key.text();
    match row.key.kind {
        KeyKind::Jwk => vec![JwtAuthorizer::from_jwks_text(&format!(
            r#"{{"keys": [{text}]}}"#
        ))],
        KeyKind::Jwks => vec![JwtAuthorizer::from_jwks_text(&text)],
        KeyKind::Pem => vec![
            JwtAuthorizer::from_rsa_pem_text(&text),
            JwtAuthorizer::from_ec_pem_text(&text),
            JwtAuthorizer::from_ed_pem_text(&text),
        ],
        KeyKind::Secret => vec![JwtAuthorizer::from_secret(&text)],
        KeyKind::SecretBase64Url => {
            let secret = base64url::decode(&text).ok().map(String::from_utf8);
            let secret = secret.and_then(Result::ok);
            secret
                .iter()
                .map(|secret| JwtAuthorizer::from_secret(secret))
                .collect()
        }
    }
}

fn validation(row: &Row, algorithms: &[&str], clock: Clock) -> Option<Validation> {
    let algorithms = algorithms.iter().map(|name| name.parse());
    let mut validation = Validation::new()
        .algs(algorithms.collect::<Result<_, _>>().ok()?)
        .leeway(clock.leeway(row))
        .nbf(true);
    if let Some(audience) = &row.options.audience {
        validation = validation.aud(audience.as_slice());
    }
    if let Some(issuer) = &row.options.issuer {
        validation = validation.iss(issuer.as_slice());
    }
    Some(validation)
}

/// Only `exp` can be required, and always is. `typ` isn't checked. Secrets are strings.
fn lacks(row: &Row) -> bool {
    row.options.typ.is_some()
        || row.options.required != ["exp"]
        || row.algorithms.iter().any(|name| name == "ES512")
        || builders(row).is_empty()
}
