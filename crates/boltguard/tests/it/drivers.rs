//! The drivers, and custom checks of guards.

use boltguard::grants::Identity;
use boltguard::guard::{CheckResults, Guard};
use boltguard::revocation::{AsyncRevocationStore, RevocationError, RevocationQuery};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    AsyncEdge, Authentication, Edge, EdgeAuthentication, EdgeBackend, Gate, Need, Outcome,
    PossibleNeed, Revocation, RevocationCheck, RevocationEdge, RevocationStatus, RunChecks, Step,
};

use crate::support::{NOW, admitted, bearer, done, gate, jwt, ready, refused};

const GOOD: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380}"#;

fn guard(text: &str) -> Guard {
    text.parse().unwrap()
}

/// An edge with fixed results for revocation and for checks.
#[derive(Clone)]
struct Service {
    status: RevocationStatus,
    found: Authentication,
    checks: Vec<(&'static str, Option<bool>)>,
    run: Vec<String>,
}

impl Service {
    fn new(status: RevocationStatus, checks: &[(&'static str, Option<bool>)]) -> Self {
        Self {
            status,
            found: Authentication::Absent,
            checks: checks.to_vec(),
            run: Vec::new(),
        }
    }

    fn result(&mut self, check: &str) -> Option<bool> {
        self.run.push(check.to_owned());
        let known = self.checks.iter().find(|(name, _)| *name == check);
        known.and_then(|(_, result)| *result)
    }
}

impl Edge for Service {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }

    fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        assert_eq!(need.token_id(), "t-1");
        self.status
    }

    fn authenticate(&mut self, _: &EdgeAuthentication) -> Authentication {
        self.found.clone()
    }

    fn run_check(&mut self, need: &RunChecks, check: &str) -> Option<bool> {
        assert!(need.caller().is_authenticated());
        self.result(check)
    }
}

impl AsyncEdge for Service {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }

    async fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        Edge::check_revocation(self, need)
    }

    async fn authenticate(&mut self, need: &EdgeAuthentication) -> Authentication {
        Edge::authenticate(self, need)
    }

    async fn run_check(&mut self, need: &RunChecks, check: &str) -> Option<bool> {
        Edge::run_check(self, need, check)
    }
}

/// The decision of both drivers, and the checks that they ran.
fn drive(gate: &Gate, headers: &[(&str, &str)], service: &Service) -> (Outcome, Vec<String>) {
    let (mut blocking, mut asynchronous) = (service.clone(), service.clone());
    let outcome = gate.check_blocking(&headers, || NOW, &mut blocking);
    let other = ready(gate.check(&headers, || NOW, &mut asynchronous));
    assert_eq!(blocking.run, asynchronous.run);
    match (&outcome, &other) {
        (Outcome::Admitted(one), Outcome::Admitted(two)) => {
            assert_eq!(one.user_id(), two.user_id());
        }
        (Outcome::Refused(one), Outcome::Refused(two)) => assert_eq!(one, two),
        _ => panic!("{outcome:?} {other:?}"),
    }
    (outcome, blocking.run)
}

#[test]
fn both_drivers_provide_what_the_evaluation_needs() {
    use RevocationStatus::{NotRevoked, Revoked, Unavailable};
    let backend = jwt().with_revocation(Revocation::External);
    let gate = gate([backend.into()], &guard(r#"check("a") & check("b")"#));
    let value = bearer(GOOD);
    let headers = [("authorization", value.as_str())];
    let holds = [("a", Some(true)), ("b", Some(true))];
    for (status, checks, verdict, run) in [
        (NotRevoked, &holds[..], None, 2),
        (NotRevoked, &[("a", Some(false))], Some(403), 1),
        (
            NotRevoked,
            &[("a", Some(true)), ("b", Some(false))],
            Some(403),
            2,
        ),
        (NotRevoked, &[("a", Some(true)), ("b", None)], Some(403), 2),
        (NotRevoked, &[], Some(403), 1),
        (Revoked, &holds, Some(401), 0),
        (Unavailable, &holds, Some(503), 0),
    ] {
        let (outcome, ran) = drive(&gate, &headers, &Service::new(status, checks));
        match verdict {
            None => assert!(admitted(outcome).is_authenticated()),
            Some(status) => assert_eq!(refused(outcome).0, status),
        }
        assert_eq!(ran.len(), run, "{checks:?}");
    }
}

#[test]
fn an_edge_that_provides_nothing_allows_nothing() {
    let value = bearer(GOOD);
    let headers = [("authorization", value.as_str())];
    let external = || jwt().with_revocation(Revocation::External).into();
    for (backend, text, status) in [
        (external(), "authenticated", 503),
        (EdgeBackend::new("session").into(), "allow_any", 503),
        (jwt().into(), r#"check("a")"#, 403),
        (jwt().into(), r#"~check("a")"#, 403),
    ] {
        let gate = gate([backend], &guard(text));
        let outcome = gate.check_blocking(&headers, || NOW, &mut ());
        assert_eq!(refused(outcome).0, status, "{text}");
        let outcome = ready(gate.check(&headers, || NOW, &mut ()));
        assert_eq!(refused(outcome).0, status, "{text}");
    }
}

#[test]
fn a_backend_of_the_edge_identifies_the_caller() {
    let gate = gate(
        [EdgeBackend::new("session").into()],
        &guard(r#"via("session")"#),
    );
    let mut service = Service::new(RevocationStatus::NotRevoked, &[]);
    assert_eq!(refused(drive(&gate, &[], &service).0).0, 401);
    service.found = Authentication::Identified(Identity::new("7", ""));
    let (outcome, _) = drive(&gate, &[], &service);
    assert_eq!(admitted(outcome).user_id().as_deref(), Some("7"));
}

fn checks(gate: &Gate) -> RunChecks {
    let value = bearer(GOOD);
    match gate.evaluate(&[("authorization", value.as_str())], NOW) {
        Step::Need(Need::RunChecks(need)) => need,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_that_expires_while_checks_run_is_refused() {
    let gate = gate([jwt().into()], &guard(r#"check("a") | check("b")"#));
    let results = CheckResults::new().with("a", true);
    let late = NumericDate::from_secs(1_300_819_380);
    assert_eq!(
        refused(done(checks(&gate).resume(&results, late))),
        (401, ReasonCode::TokenExpired)
    );
    assert_eq!(
        refused(checks(&gate).finish(&results, late)),
        (401, ReasonCode::TokenExpired)
    );
    admitted(done(checks(&gate).resume(&results, NOW)));
}

#[test]
fn checks_are_open_while_they_can_change_the_decision() {
    let gate = gate(
        [jwt().into()],
        &guard(r#"check("a") | check("b") & check("c")"#),
    );
    let need = checks(&gate);
    assert_eq!(need.open_checks(), ["a", "b", "c"]);
    let failed = CheckResults::new().with("a", false);
    assert_eq!(need.open_checks_after(&failed), ["b", "c"]);
    let Step::Need(Need::RunChecks(need)) = need.resume(&failed, NOW) else {
        panic!("the others are open")
    };
    assert_eq!(need.open_checks(), ["b", "c"]);
    let outcome = need.clone().finish(&CheckResults::new(), NOW);
    assert_eq!(refused(outcome).0, 403);
    let outcome = need.resume(&CheckResults::new().with("b", false), NOW);
    assert_eq!(refused(done(outcome)).0, 403);
}

/// A store with a fixed result.
struct Fixed(Result<bool, RevocationError>);

impl AsyncRevocationStore for Fixed {
    async fn is_revoked(&self, _: &str, _: NumericDate) -> Result<bool, RevocationError> {
        panic!("all levels are checked")
    }

    async fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        assert_eq!((query.token_id(), query.subject()), ("t-1", Some("42")));
        assert_eq!(now, NOW);
        self.0
    }

    async fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::ReadOnly)
    }
}

#[test]
fn async_store_decides_about_a_token() {
    let backend = jwt().with_revocation(Revocation::External);
    let gate = gate([backend.into()], &Guard::authenticated());
    let value = bearer(GOOD);
    let headers = [("authorization", value.as_str())];
    for (result, status) in [
        (Ok(false), None),
        (Ok(true), Some(401)),
        (Err(RevocationError::Unavailable), Some(503)),
    ] {
        let store = Fixed(result);
        let mut edge = RevocationEdge::new(&store, || NOW);
        let outcome = ready(gate.check(&headers, || NOW, &mut edge));
        match status {
            None => assert!(admitted(outcome).is_authenticated()),
            Some(status) => assert_eq!(refused(outcome).0, status),
        }
    }
}
