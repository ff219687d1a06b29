//! A decision of one gate isn't valid for another.

use std::time::Duration;

use boltguard::apikey::ApiKeys;
use boltguard::guard::{CheckResults, Decision, Guard};
use boltguard::jwt::ClaimsPolicy;
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    ApiKeyBackend, ApiKeySource, Backend, Caller, ConfigError, Gate, HeaderName, Need, Outcome,
    Revocation, RevocationStatus, Step, StoreFailurePolicy,
};

use crate::support::{
    NOW, admitted, bearer, check, done, gate, jwt, jwt_with, refused, revocation_check,
};

const READER: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380,"permissions":["blog.read"]}"#;

fn guard(text: &str) -> Guard {
    text.parse().unwrap()
}

fn api_keys() -> Backend {
    let keys = ApiKeys::builder()
        .key("sk-1")
        .permissions("sk-1", ["blog.read"]);
    let keys = ApiKeySource::Static(keys.build().unwrap());
    ApiKeyBackend::new(keys, HeaderName::new("x-api-key").unwrap()).into()
}

/// Callers with a token and with an API key that a gate for readers of the blog has allowed.
fn readers() -> [Caller; 2] {
    let gate = gate([jwt().into(), api_keys()], &guard(r#"perm("blog.read")"#));
    [("authorization", &*bearer(READER)), ("x-api-key", "sk-1")]
        .map(|header| admitted(check(&gate, &[header])))
}

#[test]
fn a_caller_of_one_gate_is_denied_by_the_guard_of_another() {
    for text in [r#"perm("admin.delete")"#, r#"~perm("admin.banned")"#] {
        let guard = guard(text).compile().unwrap();
        for caller in readers() {
            let principal = caller.view();
            let denied = Decision::Deny(ReasonCode::Denied);
            assert_eq!(guard.decide(principal.as_ref()), denied, "{text}");
        }
    }
}

#[test]
fn another_gate_reads_the_grants_of_a_caller_again() {
    let missing = Decision::Deny(ReasonCode::PermissionMissing);
    for (text, expected) in [
        (r#"perm("blog.read")"#, Decision::Allow),
        (r#"perm("admin.delete")"#, missing),
        (r#"~perm("blog.read")"#, Decision::Deny(ReasonCode::Denied)),
        (r#"~perm("admin.banned")"#, Decision::Allow),
        (
            r#"perm("blog.read") & check("owner")"#,
            Decision::Undetermined,
        ),
        (r#"perm("admin.delete") & check("owner")"#, missing),
    ] {
        let gate = Gate::for_callers(&guard(text)).unwrap();
        let none = CheckResults::new();
        for caller in readers() {
            assert_eq!(gate.decide(&caller, &none), expected, "{text}");
            let explanation = gate.explain(&caller, &none);
            assert_eq!(explanation.decision(), expected, "{text}");
            let is_open = matches!(
                gate.evaluate_caller(&caller),
                Step::Need(Need::RunChecks(_))
            );
            assert_eq!(is_open, expected == Decision::Undetermined, "{text}");
        }
        assert!(!gate.decide(&Caller::anonymous(), &none).may_allow());
    }
}

fn elsewhere() -> Backend {
    jwt().with_revocation(Revocation::External).into()
}

/// Resumes the revocation check at the time `now`.
fn resume(gate: &Gate, claims: &str, status: RevocationStatus, now: NumericDate) -> Outcome {
    let value = bearer(claims);
    let headers = [("authorization", value.as_str())];
    done(revocation_check(gate, &headers).resume(status, &headers, now))
}

#[test]
fn a_need_of_one_request_is_not_resumed_for_another() {
    let gate = gate([elsewhere(), api_keys()], &Guard::authenticated());
    let value = bearer(READER);
    let headers = [("authorization", value.as_str())];
    let other = bearer(&READER.replace("42", "43"));
    for others in [
        &[("authorization", other.as_str())][..],
        &[("authorization", value.as_str()), ("x-api-key", "sk-1")],
        &[],
    ] {
        let need = revocation_check(&gate, &headers);
        let step = need.resume(RevocationStatus::NotRevoked, &others, NOW);
        assert_eq!(refused(done(step)), (403, ReasonCode::Denied));
    }
    // Headers that the gate doesn't read don't matter.
    let more = [("authorization", value.as_str()), ("accept", "*/*")];
    let need = revocation_check(&gate, &headers);
    admitted(done(need.resume(RevocationStatus::NotRevoked, &more, NOW)));
}

#[test]
fn a_guard_has_the_same_reason_at_the_gate_and_for_its_caller() {
    let text = r#"perm("blog.read")"#;
    let (open, strict) = (Guard::allow_any(), guard(text));
    let expired = bearer(r#"{"sub":"42","exp":1300818999}"#);
    for headers in [
        &[("authorization", expired.as_str())][..],
        &[("authorization", "Basic YTpi")],
        &[],
    ] {
        let caller = admitted(check(&gate([jwt().into()], &open), headers));
        let alone = Gate::for_callers(&strict).unwrap();
        let at_the_gate = check(&gate([jwt().into()], &strict), headers);
        assert_eq!(
            refused(done(alone.evaluate_caller(&caller))),
            refused(at_the_gate)
        );
    }
}

#[test]
fn a_token_that_expires_during_the_store_query_is_refused() {
    let policy = ClaimsPolicy::new().with_leeway(Duration::from_secs(10));
    let backend = || jwt_with(policy.clone()).with_revocation(Revocation::External);
    let lenient = backend().on_store_failure(StoreFailurePolicy::FailOpen);
    for (backend, status) in [
        (backend(), RevocationStatus::NotRevoked),
        (lenient, RevocationStatus::Unavailable),
    ] {
        let gate = gate([backend.into()], &Guard::authenticated());
        let at = |secs| resume(&gate, READER, status, NumericDate::from_secs(secs));
        admitted(at(1_300_819_389));
        for late in [1_300_819_390, 1_300_822_980] {
            assert_eq!(refused(at(late)), (401, ReasonCode::TokenExpired));
        }
    }
}

#[test]
fn a_token_that_is_not_valid_after_the_store_query_is_refused() {
    let claims = r#"{"sub":"42","jti":"t-1","exp":1300819380,"nbf":1300819000}"#;
    let gate = gate([elsewhere()], &Guard::authenticated());
    let before = NumericDate::from_secs(1_300_818_999);
    let outcome = resume(&gate, claims, RevocationStatus::NotRevoked, before);
    assert_eq!(refused(outcome), (401, ReasonCode::TokenNotYetValid));
}

#[test]
fn a_guard_for_a_backend_that_the_gate_does_not_have_is_refused() {
    for (backends, text, name) in [
        (vec![jwt().into()], r#"via("x")"#, "x"),
        (vec![jwt().into()], r#"staff | via("api_key")"#, "api_key"),
        (vec![api_keys()], r#"~via("jwt")"#, "jwt"),
        (vec![], r#"via("jwt")"#, "jwt"),
    ] {
        let error = Gate::new(backends, &guard(text)).unwrap_err();
        assert_eq!(error, ConfigError::UnknownBackend(name.into()), "{text}");
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
    let both = r#"via("jwt") | via("api_key")"#;
    assert!(Gate::new([jwt().into(), api_keys()], &guard(both)).is_ok());
    assert!(Gate::for_callers(&guard(both)).is_ok());
}
