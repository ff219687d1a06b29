//! What one gate has found out does not open another.

use std::time::Duration;

use boltguard::apikey::ApiKeys;
use boltguard::guard::{CheckResults, Decision, Guard};
use boltguard::jwt::ClaimsPolicy;
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    Answer, ApiKeyBackend, ApiKeySource, Backend, Caller, ConfigError, Gate, HeaderName, Outcome,
    Question, Revocation, StoreFailurePolicy,
};

use crate::support::{NOW, admitted, bearer, check, gate, jwt, jwt_with, look_up, refused};

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

/// Readers of the blog by a token and by an API key, as a gate for such has let them in.
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
            let asked = gate.open_checks(&caller, &none);
            assert_eq!(
                asked.is_empty(),
                expected != Decision::Undetermined,
                "{text}"
            );
        }
        assert!(!gate.decide(&Caller::Anonymous(None), &none).may_open());
    }
}

fn elsewhere() -> Backend {
    jwt().with_revocation(Revocation::External).into()
}

fn ask(gate: &Gate) -> Question {
    match check(gate, &[("authorization", &bearer(READER))]) {
        Outcome::Ask(question) => question,
        other => panic!("{other:?}"),
    }
}

fn resume(gate: &Gate, question: Question, answer: Answer, now: NumericDate) -> Outcome {
    gate.resume(question, answer, look_up(&[]), now)
}

#[test]
fn the_question_of_one_gate_is_not_answered_at_another() {
    let reading = gate([elsewhere()], &guard(r#"perm("blog.read")"#));
    let deleting = gate([elsewhere()], &guard(r#"perm("admin.delete")"#));
    let open = gate([elsewhere()], &Guard::authenticated());
    let again = gate([elsewhere()], &guard(r#"perm("blog.read")"#));
    for answer in [Answer::NotRevoked, Answer::Revoked, Answer::Unavailable] {
        for other in [&deleting, &open, &again] {
            let outcome = resume(other, ask(&reading), answer, NOW);
            assert_eq!(refused(outcome), (403, ReasonCode::Denied));
        }
    }
    let clone = reading.clone();
    admitted(resume(&clone, ask(&reading), Answer::NotRevoked, NOW));
}

#[test]
fn a_token_that_expires_while_the_store_is_asked_is_refused() {
    let policy = ClaimsPolicy::new().with_leeway(Duration::from_secs(10));
    let backend = || jwt_with(policy.clone()).with_revocation(Revocation::External);
    let lenient = backend().on_store_failure(StoreFailurePolicy::FailOpen);
    for (backend, answer) in [
        (backend(), Answer::NotRevoked),
        (lenient, Answer::Unavailable),
    ] {
        let gate = gate([backend.into()], &Guard::authenticated());
        let at = |secs| resume(&gate, ask(&gate), answer, NumericDate::from_secs(secs));
        admitted(at(1_300_819_389));
        for late in [1_300_819_390, 1_300_822_980] {
            assert_eq!(refused(at(late)), (401, ReasonCode::TokenExpired));
        }
    }
}

#[test]
fn a_token_that_is_not_valid_when_the_store_answers_is_refused() {
    let claims = r#"{"sub":"42","jti":"t-1","exp":1300819380,"nbf":1300819000}"#;
    let gate = gate([elsewhere()], &Guard::authenticated());
    let Outcome::Ask(question) = check(&gate, &[("authorization", &bearer(claims))]) else {
        panic!("the store is asked");
    };
    let before = NumericDate::from_secs(1_300_818_999);
    let outcome = resume(&gate, question, Answer::NotRevoked, before);
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
