use std::sync::Arc;
use std::time::Duration;

use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::revocation::{MemoryRevocation, RevocationError, RevocationStore, retain_until};
use boltguard::types::{NumericDate, Permission, ReasonCode};
use boltguard::{Failure, Revocation, RevocationStatus, StoreFailurePolicy};

use crate::support::{
    NOW, admitted, bearer, check, check_other_guards, done, gate, jwt, jwt_with, refused,
    revocation_check,
};

const GOOD: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380,"permissions":["blog.*"]}"#;

fn permission(name: &str) -> Guard {
    Guard::permission(Permission::new(name).unwrap())
}

#[test]
fn a_valid_token_admits_its_subject() {
    let gate = gate([jwt().into()], &permission("blog.add"));
    let caller = admitted(check(&gate, &[("authorization", &bearer(GOOD))]));
    assert_eq!(caller.user_id().as_deref(), Some("42"));
    assert_eq!(caller.backend(), Some("jwt"));
    assert_eq!(caller.permissions(), ["blog.*"]);
}

#[test]
fn without_credentials_a_guard_challenges() {
    let gate = gate([jwt().into()], &Guard::authenticated());
    assert_eq!(
        refused(check(&gate, &[])),
        (401, ReasonCode::NotAuthenticated)
    );
    let basic = [("authorization", "Basic YTpi")];
    assert_eq!(
        refused(check(&gate, &basic)),
        (401, ReasonCode::SchemeUnsupported)
    );
}

#[test]
fn an_authenticated_caller_without_the_permission_is_forbidden() {
    let gate = gate([jwt().into()], &permission("shop.add"));
    let outcome = check(&gate, &[("authorization", &bearer(GOOD))]);
    assert_eq!(refused(outcome), (403, ReasonCode::PermissionMissing));
}

#[test]
fn another_guard_decides_about_an_authenticated_caller() {
    let gate = gate([jwt().into()], &permission("blog.add"));
    let caller = admitted(check(&gate, &[("authorization", &bearer(GOOD))]));
    check_other_guards(caller, "blog.drop", "shop.add");
}

#[test]
fn a_negated_permission_allows_no_anonymous_caller() {
    let gate = gate([jwt().into()], &!permission("blog.banned"));
    assert_eq!(refused(check(&gate, &[])).0, 401);
}

#[test]
fn an_open_route_has_the_reason_of_invalid_credentials() {
    let gate = gate([jwt().into()], &Guard::allow_any());
    let expired = bearer(r#"{"sub":"42","exp":1300818999}"#);
    let caller = admitted(check(&gate, &[("authorization", &expired)]));
    let reason = caller.failure().map(Failure::reason);
    assert_eq!(reason, Some(ReasonCode::TokenExpired));
    assert!(!admitted(check(&gate, &[])).is_authenticated());
}

#[test]
fn a_token_without_an_id_is_refused_with_revocation() {
    let local = Revocation::InProcess(Arc::new(MemoryRevocation::new()));
    for revocation in [local, Revocation::External] {
        let gate = gate(
            [jwt().with_revocation(revocation).into()],
            &Guard::authenticated(),
        );
        for claims in [
            r#"{"sub":"42","exp":1300819380}"#,
            r#"{"sub":"42","exp":1300819380,"jti":""}"#,
        ] {
            let outcome = check(&gate, &[("authorization", &bearer(claims))]);
            assert_eq!(refused(outcome), (401, ReasonCode::TokenIdMissing));
        }
    }
}

#[test]
fn a_token_with_an_empty_id_is_valid_without_revocation() {
    let gate = gate([jwt().into()], &Guard::authenticated());
    let token = bearer(r#"{"sub":"42","exp":1300819380,"jti":""}"#);
    admitted(check(&gate, &[("authorization", &token)]));
}

#[test]
fn a_revoked_token_is_refused() {
    let store = Arc::new(MemoryRevocation::new());
    let backend = jwt().with_revocation(Revocation::InProcess(Arc::clone(&store) as _));
    let gate = gate([backend.into()], &Guard::authenticated());
    let good = bearer(GOOD);
    admitted(check(&gate, &[("authorization", &good)]));
    store.revoke("t-1", None, NOW).unwrap();
    assert_eq!(
        refused(check(&gate, &[("authorization", &good)])),
        (401, ReasonCode::TokenRevoked)
    );
}

#[test]
fn a_revoked_token_stays_refused_through_the_leeway() {
    let exp = NumericDate::from_secs(1_300_819_380);
    let store = Arc::new(MemoryRevocation::new());
    store
        .revoke("t-1", retain_until(Some(exp), Duration::ZERO), NOW)
        .unwrap();
    let policy = ClaimsPolicy::new().with_leeway(Duration::from_secs(180));
    let backend = jwt_with(policy).with_revocation(Revocation::InProcess(Arc::clone(&store) as _));
    let gate = gate([backend.into()], &Guard::authenticated());
    let late = exp + Duration::from_secs(170);
    let token = bearer(GOOD);
    let outcome = done(gate.evaluate(&[("authorization", token.as_str())], late));
    assert_eq!(refused(outcome), (401, ReasonCode::TokenRevoked));
}

/// An unavailable store.
struct Broken;

impl RevocationStore for Broken {
    fn is_revoked(&self, _: &str, _: NumericDate) -> Result<bool, RevocationError> {
        Err(RevocationError::Unavailable)
    }

    fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::Unavailable)
    }

    fn bind_leeway(&self, _: Duration) {}

    fn retry_in(&self) -> Option<Duration> {
        Some(Duration::from_millis(1500))
    }
}

#[test]
fn an_unavailable_store_refuses_unless_configured_otherwise() {
    let broken = || jwt().with_revocation(Revocation::InProcess(Arc::new(Broken)));
    let good = bearer(GOOD);
    let strict = gate([broken().into()], &Guard::allow_any());
    let outcome = check(&strict, &[("authorization", &good)]);
    assert_eq!(refused(outcome), (503, ReasonCode::RevocationUnavailable));
    let lenient = gate(
        [broken()
            .on_store_failure(StoreFailurePolicy::FailOpen)
            .into()],
        &Guard::authenticated(),
    );
    admitted(check(&lenient, &[("authorization", &good)]));
}

#[test]
fn an_external_store_is_queried_if_the_one_of_the_process_is_unavailable() {
    let gate_with = |store: Arc<dyn RevocationStore>| {
        let backend = jwt().with_revocation(Revocation::InProcessOrExternal(store));
        gate([backend.into()], &Guard::authenticated())
    };
    let good = bearer(GOOD);
    let headers = [("authorization", good.as_str())];
    admitted(check(
        &gate_with(Arc::new(MemoryRevocation::new())),
        &headers,
    ));
    let gate = gate_with(Arc::new(Broken));
    let resume = |status| done(revocation_check(&gate, &headers).resume(status, &headers, NOW));
    admitted(resume(RevocationStatus::NotRevoked));
    let revoked = refused(resume(RevocationStatus::Revoked));
    assert_eq!(revoked, (401, ReasonCode::TokenRevoked));
    match resume(RevocationStatus::Unavailable) {
        boltguard::Outcome::Refused(refusal) => {
            assert_eq!((refusal.status(), refusal.retry_after()), (503, Some(2)));
        }
        boltguard::Outcome::Admitted(_) => panic!("admitted without a store"),
    }
}

#[test]
fn an_external_store_is_queried_by_the_edge() {
    let gate = gate(
        [jwt().with_revocation(Revocation::External).into()],
        &permission("blog.add"),
    );
    let good = bearer(GOOD);
    let headers = [("authorization", good.as_str())];
    let need = || revocation_check(&gate, &headers);
    let resume = |status| done(need().resume(status, &headers, NOW));
    assert_eq!((need().token_id(), need().backend()), ("t-1".to_owned(), 0));
    assert!(admitted(resume(RevocationStatus::NotRevoked)).is_authenticated());
    assert_eq!(
        refused(resume(RevocationStatus::Revoked)),
        (401, ReasonCode::TokenRevoked)
    );
    assert_eq!(
        refused(resume(RevocationStatus::Unavailable)),
        (503, ReasonCode::RevocationUnavailable)
    );
}

#[test]
fn after_a_revoked_token_no_other_backend_is_tried() {
    let other_header = jwt().with_header(boltguard::HeaderName::new("x-other").unwrap());
    let gate = gate(
        [
            jwt().with_revocation(Revocation::External).into(),
            other_header.into(),
        ],
        &Guard::authenticated(),
    );
    let good = bearer(GOOD);
    let headers = [("authorization", good.as_str()), ("x-other", &good)];
    let need = revocation_check(&gate, &headers);
    let outcome = done(need.resume(RevocationStatus::Revoked, &headers, NOW));
    assert_eq!(refused(outcome), (401, ReasonCode::TokenRevoked));
}

#[test]
fn keys_can_be_replaced_at_run_time() {
    use boltguard::keys::{Algorithm, Key, KeySet, VerifyingKey};
    let backend = Arc::new(jwt());
    let gate = gate(
        [boltguard::Backend::Jwt(Arc::clone(&backend))],
        &Guard::authenticated(),
    );
    let good = bearer(GOOD);
    admitted(check(&gate, &[("authorization", &good)]));
    let other = Key::generate(Algorithm::Hs256).unwrap();
    backend.replace_keys(KeySet::new([
        VerifyingKey::new(&other, Algorithm::Hs256).unwrap()
    ]));
    assert_eq!(
        refused(check(&gate, &[("authorization", &good)])),
        (401, ReasonCode::SignatureInvalid)
    );
}
