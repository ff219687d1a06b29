//! Issuing of tokens with any claims: an issued token is admitted, and contains the same claims.

use std::sync::LazyLock;
use std::time::Duration;

use boltguard::jwt::ClaimsPolicy;
use boltguard::mint::Minter;
use serde_json::{Map, Value};

use super::{oracle, service};

static MINTER: LazyLock<Minter> = LazyLock::new(|| Minter::new(service::SIGNER.clone()));

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let token = || MINTER.token(text, Duration::from_secs(60));
    if let Ok(minted) = token().sign(service::now()) {
        assert_eq!(
            admitted_claims(&minted.token)
                .get("sub")
                .and_then(Value::as_str),
            Some(text)
        );
    }
    let Some(members) = oracle::members(data) else {
        assert!(token().claims_json(text).sign(service::now()).is_err());
        return;
    };
    // Some values of registered claims are not admitted, such as a date in the future.
    if ["aud", "iss", "nbf"]
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return;
    }
    let token = || MINTER.token("a", Duration::from_secs(60));
    let results = [
        token().claims_json(text).sign(service::now()),
        token().claims(&members).sign(service::now()),
    ];
    assert_eq!(results[0].is_ok(), results[1].is_ok(), "{results:?}");
    for minted in results.iter().flatten() {
        let claims = admitted_claims(&minted.token);
        for (name, value) in &members {
            assert_eq!(claims.get(name), Some(value), "{name}");
        }
        assert_eq!(claims.len(), members.len() + 4);
    }
}

fn admitted_claims(token: &str) -> Map<String, Value> {
    let claims = service::admit(token, &ClaimsPolicy::new()).expect("the token is admitted");
    oracle::members(claims.as_json().as_bytes()).expect("the claims are an object")
}
