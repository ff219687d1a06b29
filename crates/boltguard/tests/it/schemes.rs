//! Authentication schemes: which are accepted, and which are offered.

use boltguard::apikey::ApiKeys;
use boltguard::guard::Guard;
use boltguard::types::ReasonCode;
use boltguard::{
    ApiKeyBackend, ApiKeySource, ConfigError, Gate, HeaderName, Outcome, Refusal, Scheme,
};

use crate::support::{admitted, check, gate, jwt, token};

const GOOD: &str = r#"{"sub":"42","exp":1300819380}"#;
const KEY: &str = "sk-prod-123abc-and-some-more";

fn schemes(names: &[&str]) -> Vec<Scheme> {
    names
        .iter()
        .map(|name| Scheme::new(name).unwrap())
        .collect()
}

fn keys(header: &str) -> ApiKeyBackend {
    let keys = ApiKeys::builder().key(KEY).build().unwrap();
    ApiKeyBackend::new(ApiKeySource::Static(keys), HeaderName::new(header).unwrap())
}

fn refusal(gate: &Gate, headers: &[(&str, &str)]) -> Refusal {
    match check(gate, headers) {
        Outcome::Refused(refusal) => refusal,
        Outcome::Admitted(caller) => panic!("not refused: {caller:?}"),
    }
}

#[test]
fn tokens_are_accepted_after_any_of_the_schemes() {
    let backend = jwt().with_schemes(schemes(&["Bearer", "Token"])).unwrap();
    let gate = gate([backend.into()], &Guard::authenticated());
    for scheme in ["Bearer", "Token", "token", "TOKEN "] {
        let value = format!("{scheme} {}", token(GOOD));
        admitted(check(&gate, &[("authorization", &value)]));
    }
    let value = format!("JWT {}", token(GOOD));
    let refused = refusal(&gate, &[("authorization", &value)]);
    assert_eq!(refused.reason(), ReasonCode::SchemeUnsupported);
    assert_eq!(
        refused.challenge().unwrap(),
        r#"Bearer realm="api", Token realm="api""#
    );
}

#[test]
fn another_scheme_replaces_bearer() {
    let backend = jwt().with_schemes(schemes(&["Token"])).unwrap();
    let gate = gate([backend.into()], &Guard::authenticated());
    let value = format!("Bearer {}", token(GOOD));
    let refused = refusal(&gate, &[("authorization", &value)]);
    assert_eq!(refused.challenge().unwrap(), r#"Token realm="api""#);
}

#[test]
fn invalid_schemes_are_config_errors() {
    for names in [&[][..], &["Bearer", "bearer"]] {
        let error = jwt().with_schemes(schemes(names)).unwrap_err();
        assert_eq!(error, ConfigError::Schemes);
        let error = keys("x-api-key").with_schemes(schemes(names)).unwrap_err();
        assert_eq!(error, ConfigError::Schemes);
    }
}

#[test]
fn another_scheme_counts_as_absent_credentials() {
    for backend in [keys("authorization").into(), jwt().into()] {
        let open = gate([backend], &Guard::allow_any());
        for value in ["Basic YTpi", "Token x", "Digest username=\"a\""] {
            let caller = admitted(check(&open, &[("authorization", value)]));
            assert!(
                !caller.is_authenticated() && caller.failure().is_none(),
                "{value}"
            );
        }
    }
}

#[test]
fn an_unsupported_scheme_has_its_own_reason() {
    let both = [jwt().into(), keys("x-api-key").into()];
    let gate = gate(both, &Guard::authenticated());
    let refused = refusal(&gate, &[("authorization", "Token x")]);
    assert_eq!(
        (refused.status(), refused.code()),
        (401, "not_authenticated")
    );
    assert_eq!(
        refused.detail(),
        "The authentication scheme is not supported."
    );
    assert_eq!(
        refused.challenge().unwrap(),
        r#"Bearer realm="api", ApiKey realm="api""#
    );
    for headers in [
        &[("authorization", "")][..],
        &[("authorization", "  ")],
        &[],
    ] {
        let refused = refusal(&gate, headers);
        assert_eq!(refused.reason(), ReasonCode::NotAuthenticated);
    }
    let bad_key = [("authorization", "Token x"), ("x-api-key", "wrong")];
    assert_eq!(refusal(&gate, &bad_key).reason(), ReasonCode::ApiKeyInvalid);
}

#[test]
fn authorization_is_ignored_if_no_backend_reads_it() {
    let gate = gate([keys("x-api-key").into()], &Guard::authenticated());
    let refused = refusal(&gate, &[("authorization", "Basic YTpi")]);
    assert_eq!(refused.reason(), ReasonCode::NotAuthenticated);
}

#[test]
fn api_keys_are_accepted_after_their_schemes() {
    let backend = keys("authorization")
        .with_schemes(schemes(&["Key"]))
        .unwrap();
    let gate = gate([backend.into()], &Guard::authenticated());
    for value in [KEY.to_owned(), format!("Key {KEY}"), format!("key  {KEY}")] {
        admitted(check(&gate, &[("authorization", &value)]));
    }
    for scheme in ["ApiKey", "Bearer"] {
        let value = format!("{scheme} {KEY}");
        let refused = refusal(&gate, &[("authorization", &value)]);
        assert_eq!(refused.reason(), ReasonCode::SchemeUnsupported);
        assert_eq!(refused.challenge().unwrap(), r#"Key realm="api""#);
    }
}

#[test]
fn an_invalid_api_key_is_not_invalid_token() {
    let both = [jwt().into(), keys("x-api-key").into()];
    let gate = gate(both, &Guard::authenticated());
    let refused = refusal(&gate, &[("x-api-key", "wrong")]);
    assert_eq!(refused.code(), "invalid_api_key");
    assert_eq!(
        refused.challenge().unwrap(),
        r#"Bearer realm="api", ApiKey realm="api""#
    );
}

#[test]
fn an_api_key_without_a_permission_has_no_insufficient_scope() {
    let both = [jwt().into(), keys("x-api-key").into()];
    let gate = gate(both, &Guard::staff());
    let refused = refusal(&gate, &[("x-api-key", KEY)]);
    assert_eq!((refused.status(), refused.challenge()), (403, None));
    let bearer = format!("Bearer {}", token(GOOD));
    let refused = refusal(&gate, &[("authorization", &bearer)]);
    assert_eq!(
        refused.challenge().unwrap(),
        r#"Bearer realm="api", error="insufficient_scope""#
    );
}
