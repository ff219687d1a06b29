//! Backends outside of the crate, and the names of backends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use boltguard::grants::Identity;
use boltguard::guard::Guard;
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    Authenticate, Authentication, Backend, ConfigError, EdgeAuthentication, EdgeBackend, Gate,
    HeaderName, Need, RequestParts, Scheme, Step,
};

use crate::support::{NOW, admitted, bearer, check, done, gate, jwt, refused};

const GOOD: &str = r#"{"sub":"42","exp":1300819380}"#;

/// A backend that reads the name of the caller, and counts its calls.
struct Gateway {
    headers: [HeaderName; 1],
    schemes: [Scheme; 1],
    calls: Arc<AtomicUsize>,
}

impl Gateway {
    fn new() -> Self {
        Self {
            headers: [HeaderName::new("x-user").unwrap()],
            schemes: [Scheme::new("Gateway").unwrap()],
            calls: Arc::default(),
        }
    }
}

impl Authenticate for Gateway {
    fn name(&self) -> &str {
        "gateway"
    }

    fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    fn authenticate(&self, parts: &dyn RequestParts, _: NumericDate) -> Authentication {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match parts.header(&self.headers[0]) {
            None => Authentication::Absent,
            Some("down") => Authentication::Unavailable,
            Some("bad") => Authentication::Failed(ReasonCode::UserInactive),
            Some(user) => {
                let identity = Identity::new(user, "a name that is replaced").staff();
                Authentication::Identified(identity.with_permissions(["blog.*"]))
            }
        }
    }
}

fn guard(text: &str) -> Guard {
    text.parse().unwrap()
}

#[test]
fn a_custom_backend_identifies_callers() {
    let text = r#"via("gateway") & staff & perm("blog.add")"#;
    let gate = gate(
        [jwt().into(), Backend::custom(Gateway::new())],
        &guard(text),
    );
    let caller = admitted(check(&gate, &[("x-user", "ada")]));
    assert_eq!(caller.user_id().as_deref(), Some("ada"));
    assert_eq!(caller.backend(), Some("gateway"));
    assert_eq!(caller.permissions(), ["blog.*"]);
    assert_eq!(caller.account(), None);
    assert_eq!(&*caller.identity().unwrap().backend, "gateway");
}

#[test]
fn a_custom_backend_rejects_and_is_unavailable() {
    let gateway = Gateway::new();
    let calls = Arc::clone(&gateway.calls);
    let gate = gate(
        [jwt().into(), Backend::custom(gateway)],
        &Guard::authenticated(),
    );
    for (user, verdict) in [
        ("bad", (401, ReasonCode::UserInactive)),
        ("down", (503, ReasonCode::BackendUnavailable)),
    ] {
        assert_eq!(refused(check(&gate, &[("x-user", user)])), verdict);
    }
    assert_eq!(refused(check(&gate, &[])).1, ReasonCode::NotAuthenticated);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    // The first backend that succeeds ends the search.
    let token = bearer(GOOD);
    let headers = [("authorization", token.as_str()), ("x-user", "down")];
    assert_eq!(admitted(check(&gate, &headers)).backend(), Some("jwt"));
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    let names: Vec<_> = gate.schemes().names().collect();
    assert_eq!(names, ["Bearer", "Gateway"]);
}

/// The need of a gate for a request with these headers.
fn edge_authentication(gate: &Gate, headers: &[(&str, &str)]) -> EdgeAuthentication {
    match gate.evaluate(&headers, NOW) {
        Step::Need(Need::Authenticate(need)) => need,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edge_backend_is_called_and_the_next_one_follows() {
    let edge = EdgeBackend::new("session");
    let gate = gate(
        [edge.into(), jwt().into(), EdgeBackend::new("last").into()],
        &Guard::authenticated(),
    );
    let token = bearer(GOOD);
    let headers = [("authorization", token.as_str())];
    let need = || edge_authentication(&gate, &headers);
    assert_eq!(need().backend(), 0);
    let identity = Identity::new("7", "");
    let step = need().resume(Authentication::Identified(identity.clone()), &headers, NOW);
    let caller = admitted(done(step));
    assert_eq!(caller.backend(), Some("session"));
    for found in [
        Authentication::Absent,
        Authentication::Failed(ReasonCode::UserNotFound),
    ] {
        let step = need().resume(found, &headers, NOW);
        assert_eq!(admitted(done(step)).backend(), Some("jwt"));
    }
    let step = need().resume(Authentication::Unavailable, &headers, NOW);
    assert_eq!(refused(done(step)), (503, ReasonCode::BackendUnavailable));

    let step = edge_authentication(&gate, &[]).resume(
        Authentication::Failed(ReasonCode::UserNotFound),
        &[],
        NOW,
    );
    let Step::Need(Need::Authenticate(last)) = step else {
        panic!("expected a need of the last backend")
    };
    assert_eq!(last.backend(), 2);
    let step = last.resume(Authentication::Absent, &[], NOW);
    assert_eq!(refused(done(step)), (401, ReasonCode::UserNotFound));
}

#[test]
fn an_edge_backend_is_not_called_without_its_header() {
    let header = HeaderName::new("x-signature").unwrap();
    let edge = EdgeBackend::new("signature").with_header(header);
    let gate = gate([edge.into()], &Guard::authenticated());
    assert_eq!(refused(check(&gate, &[])).1, ReasonCode::NotAuthenticated);
    assert_eq!(
        edge_authentication(&gate, &[("x-signature", "")]).backend(),
        0
    );
}

#[test]
fn two_backends_of_one_kind_have_names() {
    let named = |name| Backend::from(jwt().with_name(name));
    let other = jwt().with_header(HeaderName::new("x-token").unwrap());
    let gate = Gate::new(
        [named("keycloak"), other.into()],
        &guard(r#"via("keycloak")"#),
    )
    .unwrap();
    let token = bearer(GOOD);
    let caller = admitted(check(&gate, &[("authorization", &token)]));
    assert_eq!(caller.backend(), Some("keycloak"));
    assert_eq!(
        refused(check(&gate, &[("x-token", &token)])),
        (403, ReasonCode::BackendRequired)
    );
}

#[test]
fn a_name_is_used_by_one_backend() {
    let named = |name| Backend::from(jwt().with_name(name));
    let guard = Guard::authenticated();
    for (backends, name) in [
        (vec![named("a"), named("a")], "a"),
        (vec![named("jwt"), jwt().into()], "jwt"),
        (vec![jwt().into(), named("jwt")], "jwt"),
        (
            vec![named("gateway"), Backend::custom(Gateway::new())],
            "gateway",
        ),
    ] {
        let error = Gate::new(backends, &guard).unwrap_err();
        assert_eq!(error, ConfigError::DuplicateBackend(name.into()));
        assert!(error.to_string().contains(name));
    }
    for backends in [
        vec![jwt().into(), jwt().into()],
        vec![named("a"), named("b"), jwt().into()],
    ] {
        assert!(Gate::new(backends, &guard).is_ok());
    }
}
