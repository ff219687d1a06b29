//! Callers as request handlers receive them.

use boltguard::apikey::ApiKeys;
use boltguard::grants::Identity;
use boltguard::guard::{CheckResults, Guard};
use boltguard::types::ReasonCode;
use boltguard::{
    AdmittedCaller, ApiKeyBackend, ApiKeySource, Authentication, EdgeBackend, Gate, HeaderName,
    Need, Step,
};

use crate::support::{NOW, admitted, bearer, check, done, gate, jwt};

const CLAIMS: &str = r#"{"sub":"42","exp":1300819380,"permissions":["blog.edit"]}"#;

fn caller(headers: &[(&str, &str)]) -> AdmittedCaller {
    let gate = gate([jwt().into()], &Guard::allow_any());
    AdmittedCaller::new(admitted(check(&gate, headers)), &gate)
}

fn known() -> AdmittedCaller {
    let value = bearer(CLAIMS);
    caller(&[("authorization", value.as_str())])
}

/// The claims that a handler requires.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Tenant {
    tenant: u32,
}

#[test]
fn claims_have_the_type_of_the_handler() {
    let value = bearer(r#"{"sub":"42","exp":1300819380,"tenant":7}"#);
    let caller = caller(&[("authorization", value.as_str())]);
    assert_eq!(caller.claims_as(), Ok(Tenant { tenant: 7 }));
}

#[test]
fn claims_of_another_type_are_forbidden() {
    let value = bearer(r#"{"sub":"42","exp":1300819380,"tenant":"seven"}"#);
    for caller in [known(), caller(&[("authorization", value.as_str())])] {
        let refusal = caller.claims_as::<Tenant>().unwrap_err();
        assert_eq!(
            (refusal.status(), refusal.reason()),
            (403, ReasonCode::ClaimMismatch)
        );
    }
}

#[test]
fn claims_of_a_custom_backend_are_read() {
    let mut identity = Identity::new("7", "");
    identity.claims.insert("tenant".into(), 7.into());
    let gate = gate(
        [EdgeBackend::new("session").into()],
        &Guard::authenticated(),
    );
    let Step::Need(Need::Authenticate(need)) = gate.evaluate(&[], NOW) else {
        panic!("the edge authenticates")
    };
    let step = need.resume(Authentication::Identified(identity), &[], NOW);
    let caller = AdmittedCaller::new(admitted(done(step)), &gate);
    assert_eq!(caller.claims_as(), Ok(Tenant { tenant: 7 }));
}

#[test]
fn api_key_and_anonymous_caller_have_no_claims() {
    let key = "an API key of at least 32 characters";
    let keys = ApiKeySource::Static(ApiKeys::new([key]).unwrap());
    let backend = ApiKeyBackend::new(keys, HeaderName::new("x-api-key").unwrap());
    let gate = gate([backend.into()], &Guard::allow_any());
    for (headers, status) in [(&[("x-api-key", key)][..], 403), (&[], 401)] {
        let caller = AdmittedCaller::new(admitted(check(&gate, headers)), &gate);
        let refusal = caller.claims_as::<Tenant>().unwrap_err();
        assert_eq!(refusal.status(), status);
    }
}

fn object_gate(guard: &str) -> Gate {
    Gate::for_callers(&guard.parse().unwrap()).unwrap()
}

#[test]
fn object_check_decides_with_its_result() {
    let gate = object_gate(r#"perm("blog.edit") & check("author")"#);
    let results = CheckResults::new();
    for (results, status) in [
        (results.clone().with("author", true), None),
        (results.clone().with("author", false), Some(403)),
        (results.with("other", true), Some(403)),
    ] {
        let refusal = known().check(&gate, &results).err();
        assert_eq!(refusal.map(|refusal| refusal.status()), status);
    }
}

#[test]
fn object_check_reads_the_grants_that_its_guard_requires() {
    let missing = object_gate(r#"perm("blog.delete")"#);
    let refusal = known().check(&missing, &CheckResults::new()).unwrap_err();
    assert_eq!(refusal.reason(), ReasonCode::PermissionMissing);
    assert_eq!(
        refusal.challenge().as_deref(),
        Some(r#"Bearer realm="api", error="insufficient_scope""#)
    );
}

#[test]
fn anonymous_caller_is_challenged_by_an_object_check() {
    let gate = object_gate(r#"check("author")"#);
    let results = CheckResults::new().with("author", true);
    let refusal = caller(&[]).check(&gate, &results).unwrap_err();
    assert_eq!(refusal.status(), 401);
    assert!(refusal.challenge().is_some());
}

#[test]
fn absent_credentials_are_not_rejected_ones() {
    assert_eq!(caller(&[]).is_authenticated_if_present(), Ok(false));
    assert_eq!(known().is_authenticated_if_present(), Ok(true));
    for (value, reason) in [
        ("Bearer a.b.c", ReasonCode::TokenMalformed),
        ("Basic YTpi", ReasonCode::SchemeUnsupported),
    ] {
        let rejected = caller(&[("authorization", value)]);
        let refusal = rejected.is_authenticated_if_present().unwrap_err();
        assert_eq!((refusal.status(), refusal.reason()), (401, reason));
        assert_eq!(rejected.check_authenticated(), Err(refusal));
    }
}

#[test]
fn anonymous_caller_is_not_authenticated() {
    let refusal = caller(&[]).check_authenticated().unwrap_err();
    assert_eq!(refusal.reason(), ReasonCode::NotAuthenticated);
    assert_eq!(known().check_authenticated(), Ok(()));
}

#[test]
fn caller_hides_the_credentials() {
    let shown = format!("{:?}", known());
    for part in ["blog.edit", "1300819380"] {
        assert!(!shown.contains(part), "{shown}");
    }
}
