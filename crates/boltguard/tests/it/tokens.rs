//! The claims that a token for authentication requires.

use std::sync::Arc;

use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, KeySet, VerifyingKey};
use boltguard::revocation::{MemoryRevocation, RevocationStore};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    Caller, Failure, Gate, HeaderName, JwtBackend, Outcome, Refusal, Revocation, RevocationStatus,
};

use crate::support::{
    NOW, admitted, bearer, check, done, gate, jwt, refused, revocation_check, secret,
};

const GOOD: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380}"#;

fn with_policy(policy: ClaimsPolicy) -> Gate {
    let key = VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    let backend = JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], policy).unwrap();
    gate([backend.into()], &Guard::authenticated())
}

fn reason(gate: &Gate, claims: &str) -> ReasonCode {
    refused(check(gate, &[("authorization", &bearer(claims))])).1
}

#[test]
fn a_refresh_token_is_not_an_access_token() {
    let gate = gate([jwt().into()], &Guard::authenticated());
    for label in [
        r#""token_type":"refresh""#,
        r#""typ":"ID""#,
        r#""token_use":"id""#,
        r#""events":{"http://schemas.openid.net/event/backchannel-logout":{}}"#,
    ] {
        let claims = format!(r#"{{"sub":"42","exp":1300819380,{label}}}"#);
        assert_eq!(
            reason(&gate, &claims),
            ReasonCode::NotAccessToken,
            "{label}"
        );
    }
}

#[test]
fn a_rule_of_the_policy_admits_another_class() {
    let gate = with_policy(ClaimsPolicy::new().with_claim("token_type", "sliding"));
    let sliding = bearer(r#"{"sub":"42","exp":1300819380,"token_type":"sliding"}"#);
    admitted(check(&gate, &[("authorization", &sliding)]));
    let access = r#"{"sub":"42","exp":1300819380,"token_type":"access"}"#;
    assert_eq!(reason(&gate, access), ReasonCode::ClaimMismatch);
}

#[test]
fn a_token_without_a_subject_is_refused() {
    let strict = gate([jwt().into()], &Guard::authenticated());
    for claims in [r#"{"exp":1300819380}"#, r#"{"exp":1300819380,"sub":""}"#] {
        assert_eq!(
            reason(&strict, claims),
            ReasonCode::SubjectMissing,
            "{claims}"
        );
    }
    let lenient = with_policy(ClaimsPolicy::new().with_optional_user_id());
    let machine = bearer(r#"{"exp":1300819380}"#);
    let caller = admitted(check(&lenient, &[("authorization", &machine)]));
    assert_eq!((caller.is_authenticated(), caller.user_id()), (true, None));
}

#[test]
fn a_refusal_names_the_claim_at_fault() {
    let policy = ClaimsPolicy::new()
        .with_audience(["shop"])
        .with_required(["exp", "tenant"])
        .with_claim("region", "eu");
    let gate = with_policy(policy);
    let refusal = |claims: &str| -> Refusal {
        match check(&gate, &[("authorization", &bearer(claims))]) {
            Outcome::Refused(refusal) => refusal,
            Outcome::Admitted(caller) => panic!("not refused: {caller:?}"),
        }
    };
    for (claims, reason, claim) in [
        (
            r#"{"exp":1300819380}"#,
            ReasonCode::AudienceMissing,
            Some("aud"),
        ),
        (
            r#"{"exp":1300819380,"aud":"shop","region":"eu"}"#,
            ReasonCode::ClaimMissing,
            Some("tenant"),
        ),
        (
            r#"{"exp":1300819380,"aud":"shop","region":"us"}"#,
            ReasonCode::ClaimMismatch,
            Some("region"),
        ),
        (r#"{"exp":1}"#, ReasonCode::TokenExpired, None),
    ] {
        let refusal = refusal(claims);
        assert_eq!(
            (refusal.reason(), refusal.claim()),
            (reason, claim),
            "{claims}"
        );
        assert!(!refusal.body().contains("tenant"), "{}", refusal.body());
    }
}

/// A gate whose second backend accepts the same tokens as the first, without revocation.
fn two_backends(revocation: Revocation, guard: &Guard) -> Gate {
    let other = jwt().with_header(HeaderName::new("x-other").unwrap());
    let first = jwt().with_revocation(revocation);
    gate([first.into(), jwt().into(), other.into()], guard)
}

#[test]
fn a_revoked_token_ends_the_search() {
    let store = Arc::new(MemoryRevocation::new());
    store.revoke("t-1", None, NOW).unwrap();
    let local = || Revocation::InProcess(Arc::clone(&store) as _);
    let good = bearer(GOOD);
    let headers = [("authorization", good.as_str()), ("x-other", good.as_str())];
    let strict = two_backends(local(), &Guard::authenticated());
    let verdict = refused(check(&strict, &headers));
    assert_eq!(verdict, (401, ReasonCode::TokenRevoked));
    let open = two_backends(local(), &Guard::allow_any());
    let caller = admitted(check(&open, &headers));
    let receives_claims =
        |caller: Caller| caller.failure().map(Failure::reason) == Some(ReasonCode::TokenRevoked);
    assert!(receives_claims(caller));

    for (guard, is_open) in [(Guard::authenticated(), false), (Guard::allow_any(), true)] {
        let gate = two_backends(Revocation::External, &guard);
        let need = revocation_check(&gate, &headers);
        let outcome = done(need.resume(RevocationStatus::Revoked, &headers, NOW));
        if is_open {
            assert!(receives_claims(admitted(outcome)));
        } else {
            assert_eq!(refused(outcome), (401, ReasonCode::TokenRevoked));
        }
    }
}

#[test]
fn a_revoked_token_is_the_reason_after_other_failures() {
    let store = Arc::new(MemoryRevocation::new());
    store.revoke("t-1", None, NOW).unwrap();
    let revocable = jwt()
        .with_revocation(Revocation::InProcess(store as _))
        .with_header(HeaderName::new("x-other").unwrap());
    let gate = gate([jwt().into(), revocable.into()], &Guard::authenticated());
    let good = bearer(GOOD);
    let headers = [
        ("authorization", "Bearer x.y.z"),
        ("x-other", good.as_str()),
    ];
    let verdict = refused(check(&gate, &headers));
    assert_eq!(verdict, (401, ReasonCode::TokenRevoked));
}

#[test]
fn a_claim_of_the_wrong_type_is_reported_once() {
    let gate = gate([jwt().into()], &Guard::staff());
    assert_eq!(gate.take_ignored_grants(), []);
    for _ in 0..3 {
        let claims = r#"{"sub":"42","exp":1300819380,"scope":7,"permissions":{"a":1}}"#;
        assert_eq!(reason(&gate, claims), ReasonCode::StaffRequired);
    }
    let reported = gate.take_ignored_grants();
    let reported: Vec<_> = reported
        .iter()
        .map(|(backend, one)| (*backend, one.claim(), one.found()))
        .collect();
    let expected = [(0, "permissions", "an object"), (0, "scope", "a number")];
    assert_eq!(reported, expected);
    let claims = r#"{"sub":"42","exp":1300819380,"scope":7,"scp":true}"#;
    assert_eq!(reason(&gate, claims), ReasonCode::StaffRequired);
    let reported = gate.take_ignored_grants();
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].1.claim(), "scp");
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Profile {
    sub: String,
    exp: NumericDate,
    email: Option<String>,
}

#[test]
fn claims_of_a_caller_are_deserialized() {
    let gate = gate([jwt().into()], &Guard::allow_any());
    let profile = |claims: &str| {
        let caller = admitted(check(&gate, &[("authorization", &bearer(claims))]));
        caller.deserialize_claims::<Profile>()
    };
    let found = profile(r#"{"sub":"42","exp":1300819380.5}"#)
        .unwrap()
        .unwrap();
    assert_eq!(
        (&*found.sub, found.exp.as_f64(), found.email),
        ("42", 1_300_819_380.5, None)
    );
    let error = profile(r#"{"sub":"42","exp":1300819380,"email":["hidden"]}"#).unwrap_err();
    assert_eq!(error.path(), "email");
    assert!(!format!("{error} {error:?}").contains("hidden"));
    assert_eq!(
        Caller::anonymous().deserialize_claims::<Profile>(),
        Ok(None)
    );
}
