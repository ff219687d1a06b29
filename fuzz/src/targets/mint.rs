//! Any object as claims of a new token: what is issued is admitted, and says what it was told.

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
    if let Ok(token) = token().sign(service::now()) {
        assert_eq!(read(&token).get("sub").and_then(Value::as_str), Some(text));
    }
    let Some(members) = oracle::members(data) else {
        assert!(token().claims_json(text).sign(service::now()).is_err());
        return;
    };
    // Registered claims may be told to be something that is not admitted, as a date to come.
    if ["aud", "iss", "nbf"]
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return;
    }
    let told = MINTER.token("a", Duration::from_secs(60));
    let signed = [
        told.claims_json(text).sign(service::now()),
        MINTER
            .token("a", Duration::from_secs(60))
            .claims(&members)
            .sign(service::now()),
    ];
    assert_eq!(signed[0].is_ok(), signed[1].is_ok(), "{signed:?}");
    for token in signed.iter().flatten() {
        let said = read(token);
        for (name, value) in &members {
            assert_eq!(said.get(name), Some(value), "{name}");
        }
        assert_eq!(said.len(), members.len() + 4);
    }
}

fn read(token: &str) -> Map<String, Value> {
    let claims = service::admit(token, &ClaimsPolicy::new()).expect("what was issued is admitted");
    oracle::members(claims.as_json().as_bytes()).expect("claims")
}
