//! Connections that stay open.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use boltguard::grants::Identity;
use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::revocation::{MemoryRevocation, RevocationStore};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    AdmittedCaller, AsyncEdge, Authenticate, Authentication, Backend, CredentialWatch, Gate,
    JwtBackend, PossibleNeed, Refusal, RequestParts, Revocation, RevocationCheck, RevocationStatus,
    TokenCookie,
};

use crate::support::{NOW, admitted, bearer, gate, jwt, jwt_with, token};

/// Expires 380 seconds after `NOW`.
const CLAIMS: &str = r#"{"sub":"42","jti":"t-1","exp":1300819380}"#;

/// A clock that only advances in `sleep`, and what happens at the first one.
#[derive(Default)]
struct Clock {
    millis: AtomicI64,
    sleeps: AtomicU32,
}

impl Clock {
    fn now(&self) -> NumericDate {
        let millis = self.millis.load(Ordering::SeqCst).unsigned_abs();
        NOW + Duration::from_millis(millis)
    }

    async fn sleep(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.millis.fetch_add(millis, Ordering::SeqCst);
        self.sleeps.fetch_add(1, Ordering::SeqCst);
    }
}

fn watch(gate: &Gate, parts: &impl RequestParts) -> CredentialWatch {
    let outcome = gate.check_blocking(parts, || NOW, &mut ());
    CredentialWatch::new(&AdmittedCaller::new(admitted(outcome), gate), parts)
}

/// The refusal with which a connection ends, or `None` if it doesn't.
fn poll(watch: &CredentialWatch, edge: &mut impl AsyncEdge, clock: &Clock) -> Option<Refusal> {
    let ended = watch.ended(edge, || clock.now(), |time| clock.sleep(time));
    match pin!(ended).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(refusal) => Some(refusal),
        Poll::Pending => None,
    }
}

fn ended(watch: &CredentialWatch, clock: &Clock) -> (u16, ReasonCode) {
    let refusal = poll(watch, &mut (), clock).unwrap();
    (refusal.close_code(), refusal.reason())
}

fn with_token(backend: JwtBackend, guard: &Guard) -> CredentialWatch {
    let value = bearer(CLAIMS);
    watch(
        &gate([backend.into()], guard),
        &[("authorization", value.as_str())],
    )
}

#[test]
fn connection_ends_when_its_token_expires() {
    for guard in [Guard::authenticated(), Guard::allow_any()] {
        let clock = Clock::default();
        let watch = with_token(jwt(), &guard).with_interval(Duration::from_secs(100));
        assert_eq!(ended(&watch, &clock), (4401, ReasonCode::TokenExpired));
        assert_eq!(clock.now(), NumericDate::from_secs(1_300_819_380));
        assert_eq!(clock.sleeps.into_inner(), 4);
    }
}

#[test]
fn connection_stays_open_through_the_leeway() {
    let clock = Clock::default();
    let leeway = Duration::from_secs(30);
    let backend = jwt_with(ClaimsPolicy::new().with_leeway(leeway));
    let watch = with_token(backend, &Guard::authenticated());
    assert_eq!(ended(&watch, &clock), (4401, ReasonCode::TokenExpired));
    assert_eq!(clock.now(), NumericDate::from_secs(1_300_819_410));
}

#[test]
fn connection_ends_within_an_interval_of_a_revocation() {
    for guard in [Guard::authenticated(), Guard::allow_any()] {
        let clock = Clock::default();
        let store = Arc::new(MemoryRevocation::new());
        let backend = jwt().with_revocation(Revocation::InProcess(store.clone()));
        let watch = with_token(backend, &guard);
        store.revoke("t-1", None, NOW).unwrap();
        assert_eq!(ended(&watch, &clock), (4401, ReasonCode::TokenRevoked));
        assert_eq!(clock.now(), NOW + Duration::from_secs(5));
    }
}

#[test]
fn connection_with_a_cookie_is_checked_with_its_origin() {
    let clock = Clock::default();
    let cookie = format!("access={}", token(CLAIMS));
    let backend = jwt().with_cookie(TokenCookie::new("access").unwrap());
    let parts = [
        ("cookie", cookie.as_str()),
        ("host", "api.example.com"),
        ("origin", "https://api.example.com"),
        ("upgrade", "websocket"),
    ];
    let watch = watch(&gate([backend.into()], &Guard::authenticated()), &parts);
    assert_eq!(ended(&watch, &clock), (4401, ReasonCode::TokenExpired));
}

#[test]
fn connection_ends_if_its_key_is_no_longer_trusted() {
    let clock = Clock::default();
    let backend = Arc::new(jwt());
    let value = bearer(CLAIMS);
    let gate = gate([Backend::Jwt(backend.clone())], &Guard::authenticated());
    let watch = watch(&gate, &[("authorization", value.as_str())]);
    backend.replace_keys(boltguard::keys::KeySet::default());
    assert_eq!(ended(&watch, &clock).0, 4401);
    assert_eq!(clock.now(), NOW + Duration::from_secs(5));
}

/// A store that is available once, when the connection is opened.
#[derive(Default)]
struct Store {
    never_responds: bool,
}

impl AsyncEdge for Store {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    async fn check_revocation(&mut self, _: &RevocationCheck) -> RevocationStatus {
        if self.never_responds {
            return std::future::pending().await;
        }
        RevocationStatus::Unavailable
    }
}

/// The watch of a connection that was opened while the external store was available.
fn with_external_store() -> CredentialWatch {
    let opened = gate([jwt().into()], &Guard::authenticated());
    let value = bearer(CLAIMS);
    let parts = [("authorization", value.as_str())];
    let caller = admitted(opened.check_blocking(&parts, || NOW, &mut ()));
    let external = jwt().with_revocation(Revocation::External);
    let gate = gate([external.into()], &Guard::authenticated());
    CredentialWatch::new(&AdmittedCaller::new(caller, &gate), &parts)
}

#[test]
fn connection_ends_if_the_store_is_unavailable_or_does_not_respond() {
    for (never_responds, seconds) in [(false, 5), (true, 15)] {
        let (clock, mut store) = (Clock::default(), Store { never_responds });
        let refusal = poll(&with_external_store(), &mut store, &clock).unwrap();
        assert_eq!(
            (refusal.close_code(), refusal.code()),
            (1013, "revocation_unavailable")
        );
        assert_eq!(clock.now(), NOW + Duration::from_secs(seconds));
    }
}

#[test]
fn store_that_does_not_respond_keeps_no_connection_open_after_expiry() {
    let never_responds = true;
    let (clock, mut store) = (Clock::default(), Store { never_responds });
    let watch = with_external_store().with_interval(Duration::from_secs(375));
    let refusal = poll(&watch, &mut store, &clock).unwrap();
    assert_eq!(refusal.close_code(), 1013);
    assert_eq!(clock.now(), NumericDate::from_secs(1_300_819_380));
}

struct Gateway;

impl Authenticate for Gateway {
    fn name(&self) -> &str {
        "gateway"
    }

    fn authenticate(&self, _: &dyn RequestParts, _: NumericDate) -> Authentication {
        Authentication::Identified(Identity::new("7", ""))
    }
}

#[test]
fn credentials_that_are_valid_once_are_not_checked_again() {
    let anonymous = gate([jwt().into()], &Guard::allow_any());
    let custom = gate([Backend::custom(Gateway)], &Guard::authenticated());
    for gate in [anonymous, custom] {
        let clock = Clock::default();
        assert!(poll(&watch(&gate, &[]), &mut (), &clock).is_none());
        assert_eq!(clock.sleeps.into_inner(), 0);
    }
}

#[test]
fn interval_of_zero_does_not_spin() {
    let clock = Clock::default();
    let value = bearer(r#"{"sub":"42","exp":1300819001}"#);
    let gate = gate([jwt().into()], &Guard::authenticated());
    let watch = watch(&gate, &[("authorization", value.as_str())]);
    let watch = watch.with_interval(Duration::ZERO);
    assert_eq!(ended(&watch, &clock).0, 4401);
    assert_eq!(clock.sleeps.into_inner(), 1000);
}

#[test]
fn watch_hides_the_credentials() {
    let shown = format!("{:?}", with_token(jwt(), &Guard::authenticated()));
    assert_eq!(shown, "CredentialWatch { interval: 5s, .. }");
}
