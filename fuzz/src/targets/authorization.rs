//! Authentication by headers: a caller is only admitted with a valid token or a known API key.

use std::sync::{Arc, LazyLock};

use boltguard::apikey::ApiKeys;
use boltguard::guard::Guard;
use boltguard::jws::UnverifiedJws;
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::Algorithm;
use boltguard::revocation::MemoryRevocation;
use boltguard::types::Permission;
use boltguard::{
    ApiKeyBackend, ApiKeySource, Caller, Credential, Gate, HeaderName, JwtBackend, Outcome,
    Revocation, Step, headers,
};

use super::service;

const API_KEY: &str = "sk-prod-123abc-456def-789ghi";

/// The ID of a revoked token.
const REVOKED: &str = "revoked";

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let revoked = MemoryRevocation::new();
    revoked
        .revoke(REVOKED, None, service::now())
        .expect("the store is not full");
    let first = jwt(ClaimsPolicy::new()).with_revocation(Revocation::InProcess(Arc::new(revoked)));
    let second = jwt(ClaimsPolicy::new().with_audience(["shop"])).with_header(name("x-token"));
    let keys = ApiKeys::builder()
        .key(API_KEY)
        .permissions(API_KEY, ["blog.add"])
        .build()
        .expect("the keys are valid");
    let third = ApiKeyBackend::new(ApiKeySource::Static(keys), name("x-api-key"));
    let guard =
        Guard::permission(Permission::new("blog.add").expect("the name is valid")) | Guard::staff();
    Gate::new([first.into(), second.into(), third.into()], &guard).expect("the guard is valid")
});

fn jwt(policy: ClaimsPolicy) -> JwtBackend {
    JwtBackend::new(service::KEYS.clone(), &[Algorithm::Hs256], policy)
        .expect("the backend is valid")
}

fn name(name: &str) -> HeaderName {
    HeaderName::new(name).expect("the header name is valid")
}

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let [authorization, token, key] = [(); 3].map(|()| lines.next());
    let parts = headers(|name| match name.as_str() {
        "authorization" => authorization,
        "x-token" => token,
        _ => key,
    });
    let outcome = match GATE.evaluate(&parts, service::now()) {
        Step::Done(outcome) => outcome,
        Step::Need(need) => panic!("nothing is needed: {need:?}"),
    };
    match outcome {
        Outcome::Admitted(caller) => check_admitted(&caller, [authorization, token], key),
        Outcome::Refused(refusal) => assert!([401, 403].contains(&refusal.status())),
    }
    if let Some(der) = boltguard::certificate_der(text) {
        assert!(!der.is_empty() && der.len() <= text.len());
    }
    if let Ok(name) = HeaderName::new(text) {
        assert!(name.as_str().is_ascii());
    }
}

/// The caller has a token that is admitted by itself, or the API key.
fn check_admitted(caller: &Caller, [authorization, token]: [Option<&str>; 2], key: Option<&str>) {
    match caller.credential() {
        Credential::Token(claims) => {
            assert!(claims.token_id().as_deref() != Some(REVOKED) || token.is_some());
            let has_valid_token = |value: Option<&str>| {
                value
                    .and_then(credentials)
                    .is_some_and(|token| is_admitted(token, claims.as_json()))
            };
            assert!(
                has_valid_token(authorization) || has_valid_token(token),
                "{claims:?}"
            );
        }
        Credential::ApiKey(caller) => {
            assert!(
                key.is_some_and(|value| value.ends_with(API_KEY)),
                "{:?}",
                caller.entry()
            );
        }
        other => panic!("{other:?}"),
    }
}

/// Returns the value without the authentication scheme.
fn credentials(value: &str) -> Option<&str> {
    value.rsplit(' ').next()
}

fn is_admitted(token: &str, claims: &str) -> bool {
    let allowed = UnverifiedJws::parse(token)
        .is_ok_and(|jws| jws.unverified_header().algorithm() == Algorithm::Hs256);
    let policies = [
        ClaimsPolicy::new(),
        ClaimsPolicy::new().with_audience(["shop"]),
    ];
    allowed
        && policies.iter().any(|policy| {
            service::admit(token, policy).is_ok_and(|admitted| admitted.as_json() == claims)
        })
}
