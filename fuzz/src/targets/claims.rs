//! Parsing of payloads, compared with `serde_json`.

use std::collections::HashSet;

use boltguard::jwt::{AdmittedClaims, ClaimsError, ClaimsPolicy};
use serde_json::{Map, Value};

use super::service::{REQUIREMENTS, Rejection};
use super::{oracle, service};

pub(super) fn run(data: &[u8]) {
    let token = service::signed(br#"{"alg":"HS256"}"#, data);
    // Only the syntax of the payload is checked.
    let policy = ClaimsPolicy::new()
        .with_required([])
        .ignoring_audience()
        .ignoring_expiry()
        .ignoring_issued_at()
        .ignoring_issuer()
        .ignoring_not_before()
        .ignoring_subject()
        .ignoring_token_id();
    match (service::admit(&token, &policy), oracle::members(data)) {
        (Ok(claims), Some(members)) => compare(&claims, &members, data),
        (Err(Rejection::Claims(ClaimsError::Malformed)), None) => {}
        (Err(Rejection::Token(boltguard::jws::JwsError::TooLarge)), _)
            if token.len() > boltguard::jws::MAX_TOKEN_LEN => {}
        (ours, theirs) => panic!("{ours:?}, but serde_json returns {theirs:?}"),
    }
}

fn compare(claims: &AdmittedClaims, members: &Map<String, Value>, data: &[u8]) {
    assert_eq!(claims.as_json().as_bytes(), data);
    for (name, value) in members {
        let json = claims.get(name).expect("the claim exists");
        assert_eq!(
            &serde_json::from_str::<Value>(json).expect("the claim is valid JSON"),
            value,
            "{name}"
        );
    }
    assert!(
        claims.get("\u{0}no such claim").is_none() || members.contains_key("\u{0}no such claim")
    );
    compare_names(claims, members);
    let identity = oracle::identity(members);
    assert_eq!(claims.grant_set(), &REQUIREMENTS.grants_of(&identity));
    let is_true = |name: &str| members.get(name) == Some(&Value::Bool(true));
    assert_eq!(
        (claims.is_staff(), claims.is_superuser()),
        (is_true("is_staff"), is_true("is_superuser"))
    );
}

fn compare_names(claims: &AdmittedClaims, members: &Map<String, Value>) {
    let string = |name: &str| members.get(name).and_then(Value::as_str);
    assert_eq!(claims.subject().as_deref(), string("sub"));
    assert_eq!(claims.issuer().as_deref(), string("iss"));
    assert_eq!(claims.token_id().as_deref(), string("jti"));
    let date = |name: &str| members.get(name).and_then(Value::as_f64);
    assert_eq!(claims.expires().map(|date| date.as_f64()), date("exp"));
    assert_eq!(claims.issued().map(|date| date.as_f64()), date("iat"));
    let scopes = distinct(oracle::scopes(members));
    assert_eq!(claims.scopes(), scopes);
    let granted = distinct(
        oracle::listed_permissions(members)
            .into_iter()
            .chain(scopes),
    );
    assert_eq!(claims.permissions(), granted);
    let ignored = claims.ignored_grants();
    let ignored: Vec<_> = ignored.iter().map(|ignored| ignored.claim()).collect();
    assert_eq!(ignored, oracle::ignored_grants(members));
}

fn distinct<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|item| seen.insert(*item)).collect()
}
