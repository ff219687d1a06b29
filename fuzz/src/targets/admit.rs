//! A header and a payload of any bytes, signed, under rules that the first byte chooses: who gets in is who gets in
//! by a slower reading of the RFCs.

use std::time::Duration;

use boltguard::jwt::ClaimsPolicy;

use super::oracle::{AUDIENCE, ISSUERS, MEDIA_TYPE, Rules};
use super::{oracle, service};

/// What stands between the header and the payload.
const SEPARATOR: u8 = 0xff;

pub(super) fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
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
    let rules = rules(*choice);
    let admitted = service::admit(&token, &policy(rules));
    let expected = expected(header, payload, rules);
    if rules.by_uid && expected != admitted.is_ok() && is_long_number(payload) {
        return;
    }
    assert_eq!(admitted.is_ok(), expected, "{admitted:?} {rules:?}");
}

fn rules(choice: u8) -> Rules {
    let bit = |index: u8| choice >> index & 1 == 1;
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

/// The signature is good for HS256 alone, and the keys of that algorithm have no name or the name `a`.
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

/// Whether there is a number of which `serde_json` keeps no more than a double.
fn is_long_number(payload: &[u8]) -> bool {
    payload
        .split(|byte| !byte.is_ascii_digit())
        .any(|digits| digits.len() > 18)
        || payload.contains(&b'-')
}
