//! Any lines as headers: whoever gets in has a token that gets in by itself, or a known key.

use std::sync::{Arc, LazyLock};

use boltguard::apikey::ApiKeys;
use boltguard::guard::Guard;
use boltguard::jws::UnverifiedJws;
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::Algorithm;
use boltguard::revocation::MemoryRevocation;
use boltguard::types::Permission;
use boltguard::{
    ApiKeyBackend, ApiKeySource, Caller, Gate, HeaderName, JwtBackend, Outcome, Revocation,
};

use super::service;

const API_KEY: &str = "sk-prod-123abc-456def-789ghi";

/// A token of this name was revoked.
const REVOKED: &str = "revoked";

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let revoked = MemoryRevocation::new();
    revoked.revoke(REVOKED, None, service::now()).expect("room");
    let first = jwt(ClaimsPolicy::new()).with_revocation(Revocation::InProcess(Arc::new(revoked)));
    let second = jwt(ClaimsPolicy::new().with_audience(["shop"])).with_header(name("x-token"));
    let keys = ApiKeys::builder()
        .key(API_KEY)
        .permissions(API_KEY, ["blog.add"])
        .build()
        .expect("keys");
    let third = ApiKeyBackend::new(ApiKeySource::Static(keys), name("x-api-key"));
    let guard = Guard::permission(Permission::new("blog.add").expect("a name")) | Guard::staff();
    Gate::new([first.into(), second.into(), third.into()], &guard).expect("a small guard")
});

fn jwt(policy: ClaimsPolicy) -> JwtBackend {
    JwtBackend::new(service::KEYS.clone(), &[Algorithm::Hs256], policy).expect("a backend")
}

fn name(name: &str) -> HeaderName {
    HeaderName::new(name).expect("a header name")
}

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let [authorization, token, key] = [(); 3].map(|()| lines.next());
    let header = |name: &HeaderName| match name.as_str() {
        "authorization" => authorization,
        "x-token" => token,
        _ => key,
    };
    match GATE.check(header, service::now()) {
        Outcome::Admitted(Caller::Token(claims)) => {
            assert!(claims.token_id().as_deref() != Some(REVOKED) || token.is_some());
            let carried = |value: Option<&str>| {
                value
                    .and_then(bare)
                    .is_some_and(|token| gets_in(token, claims.as_json()))
            };
            assert!(carried(authorization) || carried(token), "{claims:?}");
        }
        Outcome::Admitted(Caller::ApiKey(caller)) => {
            assert!(
                key.is_some_and(|value| value.ends_with(API_KEY)),
                "{:?}",
                caller.entry()
            );
        }
        Outcome::Admitted(other) => panic!("{other:?}"),
        Outcome::Refused(refusal) => assert!([401, 403].contains(&refusal.status())),
        other => panic!("{other:?}"),
    }
    if let Ok(name) = HeaderName::new(text) {
        assert!(name.as_str().is_ascii());
    }
}

/// The value without a scheme before it.
fn bare(value: &str) -> Option<&str> {
    value.rsplit(' ').next()
}

fn gets_in(token: &str, claims: &str) -> bool {
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
