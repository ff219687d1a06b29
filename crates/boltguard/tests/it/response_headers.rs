//! The headers of responses.

use std::time::Duration;

use boltguard::apikey::ApiKeys;
use boltguard::guard::Guard;
use boltguard::types::ReasonCode;
use boltguard::{ApiKeyBackend, ApiKeySource, Backend, EdgeBackend, HeaderName, Refusal, Schemes};

use crate::support::{gate, jwt};

fn api_keys() -> Backend {
    let keys = ApiKeys::new(["an API key of at least 32 characters"]).unwrap();
    let header = HeaderName::new("x-api-key").unwrap();
    ApiKeyBackend::new(ApiKeySource::Static(keys), header).into()
}

#[test]
fn responses_vary_by_the_headers_with_credentials() {
    for (backends, vary) in [
        (vec![], None),
        (vec![jwt().into()], Some("Authorization")),
        (
            vec![api_keys(), jwt().into(), jwt().into()],
            Some("Authorization, X-Api-Key"),
        ),
    ] {
        let gate = gate(backends, &Guard::allow_any());
        assert_eq!(gate.vary().as_deref(), vary);
    }
}

#[test]
fn shared_caches_store_only_responses_that_vary() {
    let session = || EdgeBackend::new("session");
    let declared = session().reading([HeaderName::new("cookie").unwrap()]);
    for (backends, anonymous, authenticated) in [
        (vec![], None, None),
        (vec![jwt().into()], None, Some("private")),
        (vec![declared.into()], None, Some("private")),
        (vec![session().into()], Some("private"), Some("private")),
    ] {
        let gate = gate(backends, &Guard::allow_any());
        assert_eq!(gate.cache_control(false), anonymous);
        assert_eq!(gate.cache_control(true), authenticated);
    }
}

fn names(refusal: &Refusal) -> Vec<&'static str> {
    let headers = refusal.headers();
    headers.iter().map(|(name, _)| *name).collect()
}

#[test]
fn each_refusal_has_its_headers() {
    let reason = ReasonCode::PermissionMissing;
    let forbidden = Refusal::forbidden(reason, Schemes::bearer());
    let unavailable = Refusal::issuer_keys_unavailable().with_retry_in(Duration::from_secs(7));
    for (refusal, expected, code) in [
        (
            Refusal::unauthorized(reason, Schemes::bearer()),
            &["content-type", "www-authenticate"][..],
            4401,
        ),
        (
            forbidden,
            &["content-type", "www-authenticate", "cache-control"],
            4403,
        ),
        (
            Refusal::csrf_failed(),
            &["content-type", "cache-control"],
            4403,
        ),
        (Refusal::unavailable(), &["content-type"], 1013),
        (unavailable, &["content-type", "retry-after"], 1013),
    ] {
        assert_eq!(names(&refusal), expected, "{refusal}");
        assert_eq!(refusal.close_code(), code, "{refusal}");
    }
}
