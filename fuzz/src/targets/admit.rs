//! Admission of signed headers and payloads, compared with a naive implementation. The first byte selects the rules.

use std::time::Duration;

use boltguard::jwt::ClaimsPolicy;

use super::oracle::{AUDIENCE, ISSUERS, MEDIA_TYPE, Rules};
use super::{oracle, service};

/// The separator of the header and the payload.
const SEPARATOR: u8 = 0xff;

pub(super) fn run(data: &[u8]) {
    let Some((selection, rest)) = data.split_first() else {
        return;
    };
    let mut parts = rest.splitn(2, |byte| *byte == SEPARATOR);
    let (header, payload) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let token = service::signed(header, payload);
    if token.len() > boltguard::jws::MAX_TOKEN_LEN {
        return;
    }
    let rules = rules(*selection);
    let admitted = service::admit(&token, &policy(rules));
    let expected = expected(header, payload, rules);
    if rules.by_uid && expected != admitted.is_ok() && is_long_number(payload) {
        return;
    }
    assert_eq!(admitted.is_ok(), expected, "{admitted:?} {rules:?}");
    if let Ok(claims) = admitted {
        let response = serde_json::from_str(&claims.introspection());
        let response: serde_json::Value = response.expect("the response is JSON");
        assert_eq!(response["active"], true);
    }
}

fn rules(selection: u8) -> Rules {
    let bit = |index: u8| selection >> index & 1 == 1;
    Rules {
        audience: bit(0),
        issuer: bit(1),
        needs_exp: bit(2),
        needs_type: bit(3),
        leeway: if bit(4) { 60 } else { 0 },
        by_uid: bit(5),
    }
}

fn policy(rules: Rules) -> ClaimsPolicy {
    let mut policy = ClaimsPolicy::new().with_leeway(Duration::from_secs(rules.leeway.into()));
    if rules.audience {
        policy = policy.with_audience(AUDIENCE);
    }
    if rules.issuer {
        policy = policy.with_issuer(ISSUERS);
    }
    if !rules.needs_exp {
        policy = policy.with_required([]);
    }
    if rules.needs_type {
        policy = policy.with_type(MEDIA_TYPE);
    }
    if rules.by_uid {
        policy = policy.with_user_id_claim("uid");
    }
    policy
}

/// Returns whether the token should be admitted. Its signature is valid only for HS256, whose keys have no `kid` or the
/// `kid` "a".
fn expected(header: &[u8], payload: &[u8], rules: Rules) -> bool {
    let Ok((algorithm, kid, media_type)) = oracle::header(header) else {
        return false;
    };
    let finds_key = algorithm == boltguard::keys::Algorithm::Hs256 && kid.as_deref() != Some("b");
    let Some(claims) = oracle::members(payload) else {
        return false;
    };
    #[expect(clippy::cast_precision_loss, reason = "a date of this century")]
    let now = service::NOW as f64;
    finds_key && rules.admit(&claims, media_type.as_deref(), now)
}

/// Returns whether the payload can contain a number that `serde_json` only represents as `f64`.
fn is_long_number(payload: &[u8]) -> bool {
    payload
        .split(|byte| !byte.is_ascii_digit())
        .any(|digits| digits.len() > 18)
        || payload.contains(&b'-')
}
