//! A gate, with a clock and tokens.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use boltguard::guard::{Decision, Guard};
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard::types::{NumericDate, Permission, ReasonCode};
use boltguard::{Backend, Caller, Gate, JwtBackend, Need, Outcome, RevocationCheck, Step};

pub(crate) const NOW: NumericDate = NumericDate::from_secs(1_300_819_000);

pub(crate) fn secret() -> Key {
    Key::Secret(Secret::new(b"a secret that is thirty-two bytes").unwrap())
}

pub(crate) fn jwt() -> JwtBackend {
    jwt_with(ClaimsPolicy::new())
}

pub(crate) fn jwt_with(policy: ClaimsPolicy) -> JwtBackend {
    let key = VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], policy).unwrap()
}

pub(crate) fn token(claims: &str) -> String {
    let signer = SigningKey::new(&secret(), Algorithm::Hs256).unwrap();
    sign(claims.as_bytes(), &HeaderFields::new(), &signer).unwrap()
}

pub(crate) fn bearer(claims: &str) -> String {
    format!("Bearer {}", token(claims))
}

pub(crate) fn gate(backends: impl IntoIterator<Item = Backend>, guard: &Guard) -> Gate {
    Gate::new(backends, guard).unwrap()
}

/// The decision about a request with these headers, for which nothing is needed from outside.
pub(crate) fn check(gate: &Gate, headers: &[(&str, &str)]) -> Outcome {
    done(gate.evaluate(&headers, NOW))
}

pub(crate) fn done(step: Step) -> Outcome {
    match step {
        Step::Done(outcome) => outcome,
        Step::Need(need) => panic!("not decided: {need:?}"),
    }
}

/// The result of a future that is ready immediately.
#[track_caller]
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

/// The revocation check of a request with these headers.
pub(crate) fn revocation_check(gate: &Gate, headers: &[(&str, &str)]) -> RevocationCheck {
    match gate.evaluate(&headers, NOW) {
        Step::Need(Need::CheckRevocation(need)) => need,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn admitted(outcome: Outcome) -> Caller {
    match outcome {
        Outcome::Admitted(caller) => caller,
        Outcome::Refused(refusal) => panic!("not admitted: {refusal:?}"),
    }
}

pub(crate) fn refused(outcome: Outcome) -> (u16, ReasonCode) {
    match outcome {
        Outcome::Refused(refusal) => (refusal.status(), refusal.reason()),
        Outcome::Admitted(caller) => panic!("not refused: {caller:?}"),
    }
}

/// Checks other guards for the caller: one for a permission the caller has, one for another.
pub(crate) fn check_other_guards(caller: Caller, grant_set: &str, missing: &str) {
    for (name, expected) in [
        (grant_set, Decision::Allow),
        (missing, Decision::Deny(ReasonCode::PermissionMissing)),
    ] {
        let guard = Guard::permission(Permission::new(name).unwrap())
            .compile()
            .unwrap();
        let caller = caller.clone().with_requirements(guard.requirements());
        assert_eq!(guard.decide(caller.view().as_ref()), expected, "{name}");
    }
}
