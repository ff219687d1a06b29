use std::sync::Arc;

use boltguard::apikey::{
    ApiKeyVerifier, ApiKeys, KeyFormat, KeyStore, MemoryKeyStore, Peppers, StoreUnavailable,
    StoredKey,
};
use boltguard::guard::Guard;
use boltguard::jwks::{RefreshPolicy, RemoteKeySet};
use boltguard::jwt::{ClaimsPolicy, PolicyError};
use boltguard::keys::{Algorithm, KeySet, Secret, VerifyingKey};
use boltguard::types::{Permission, ReasonCode};
use boltguard::{ApiKeyBackend, ApiKeySource, Backend, ConfigError, HeaderName, JwtBackend};

use crate::support::{
    NOW, admitted, bearer, check, check_other_guards, gate, jwt, refused, secret,
};

const KEY: &str = "sk-prod-123abc-and-some-more";

fn static_keys() -> ApiKeyBackend {
    let keys = ApiKeys::builder()
        .permissions(KEY, ["blog.add"])
        .key(KEY)
        .build()
        .unwrap();
    ApiKeyBackend::new(
        ApiKeySource::Static(keys),
        HeaderName::new("x-api-key").unwrap(),
    )
}

#[test]
fn the_first_backend_that_succeeds_wins() {
    let gate = gate(
        [jwt().into(), static_keys().into()],
        &Guard::authenticated(),
    );
    let token = bearer(r#"{"sub":"42","exp":1300819380}"#);
    let both = [("authorization", token.as_str()), ("x-api-key", KEY)];
    assert_eq!(admitted(check(&gate, &both)).backend(), Some("jwt"));
    assert_eq!(
        admitted(check(&gate, &both[1..])).backend(),
        Some("api_key")
    );
}

#[test]
fn invalid_credentials_for_one_backend_do_not_stop_the_next() {
    let gate = gate(
        [jwt().into(), static_keys().into()],
        &Guard::authenticated(),
    );
    let caller = admitted(check(
        &gate,
        &[("authorization", "Bearer x.y.z"), ("x-api-key", KEY)],
    ));
    assert_eq!(caller.backend(), Some("api_key"));
}

#[test]
fn the_first_failure_is_the_reason() {
    let gate = gate(
        [jwt().into(), static_keys().into()],
        &Guard::authenticated(),
    );
    let expired = bearer(r#"{"sub":"42","exp":1}"#);
    let outcome = check(
        &gate,
        &[("authorization", &expired), ("x-api-key", "wrong")],
    );
    assert_eq!(refused(outcome), (401, ReasonCode::TokenExpired));
}

#[test]
fn an_api_keys_permissions_count() {
    let guard = |name| Guard::permission(Permission::new(name).unwrap());
    let headers = [("x-api-key", KEY)];
    admitted(check(
        &gate([static_keys().into()], &guard("blog.add")),
        &headers,
    ));
    let outcome = check(&gate([static_keys().into()], &guard("blog.drop")), &headers);
    assert_eq!(refused(outcome), (403, ReasonCode::PermissionMissing));
}

#[test]
fn another_guard_decides_about_a_caller_with_an_api_key() {
    let gate = gate([static_keys().into()], &Guard::authenticated());
    let caller = admitted(check(&gate, &[("x-api-key", KEY)]));
    check_other_guards(caller, "blog.add", "blog.drop");
}

#[test]
fn the_key_itself_is_not_shown() {
    let gate = gate([static_keys().into()], &Guard::authenticated());
    let caller = admitted(check(&gate, &[("x-api-key", KEY)]));
    assert!(caller.user_id().unwrap().starts_with("apikey:"));
    for shown in [
        format!("{caller:?}"),
        format!("{gate:?}"),
        format!("{:?}", caller.principal()),
    ] {
        assert!(!shown.contains(KEY), "{shown}");
    }
}

#[test]
fn a_static_key_has_no_account_and_an_id_of_the_server() {
    let id_of = |backend: ApiKeyBackend| {
        let gate = gate([backend.into()], &Guard::authenticated());
        let caller = admitted(check(&gate, &[("x-api-key", KEY)]));
        assert_eq!(caller.account(), None);
        caller.user_id().unwrap().into_owned()
    };
    let secret = Secret::new(b"of the server").unwrap();
    let keyed = static_keys().with_id_key(&secret).unwrap();
    assert_ne!(id_of(static_keys()), id_of(keyed));
}

#[test]
fn a_stored_key_is_refused_once_it_is_revoked() {
    let secret = Secret::generate(Algorithm::Hs256).unwrap();
    let peppers = Peppers::new(secret.clone());
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    let store = Arc::new(MemoryKeyStore::from_iter([StoredKey::new(
        &key, &peppers, NOW,
    )
    .owned_by("7")]));
    let known = ApiKeySource::Store(
        ApiKeyVerifier::new(format, peppers),
        Arc::clone(&store) as _,
    );
    let backend = ApiKeyBackend::new(known, HeaderName::new("x-api-key").unwrap());
    assert!(backend.with_id_key(&secret).is_none());
    let gate = gate([backend.into()], &Guard::authenticated());
    let headers = [("x-api-key", key.expose())];
    let caller = admitted(check(&gate, &headers));
    assert_eq!(caller.user_id().as_deref(), Some("7"));
    assert_eq!(caller.account(), caller.user_id());
    assert_eq!(store.take_uses().len(), 1);
    store.revoke(key.id(), NOW);
    assert_eq!(
        refused(check(&gate, &headers)),
        (401, ReasonCode::ApiKeyRevoked)
    );
}

#[test]
fn header_and_name_of_an_api_key_backend_can_be_set() {
    let keys = static_keys()
        .with_header(HeaderName::new(String::from("x-service-key")).unwrap())
        .with_name(String::from("service"));
    let gate = gate([keys.into()], &Guard::authenticated());
    let caller = admitted(check(&gate, &[("x-service-key", KEY)]));
    assert_eq!(caller.backend(), Some("service"));
    assert_eq!(refused(check(&gate, &[("x-api-key", KEY)])).0, 401);
}

/// A store that can't be reached.
struct Unreachable;

impl KeyStore for Unreachable {
    fn find(&self, _: &str) -> Result<Option<Arc<StoredKey>>, StoreUnavailable> {
        Err(StoreUnavailable)
    }
}

#[test]
fn unavailable_store_of_api_keys_is_a_503() {
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    let peppers = Peppers::new(Secret::generate(Algorithm::Hs256).unwrap());
    let source = ApiKeySource::Store(ApiKeyVerifier::new(format, peppers), Arc::new(Unreachable));
    let backend = ApiKeyBackend::new(source, HeaderName::new("x-api-key").unwrap());
    let gate = gate([backend.into(), jwt().into()], &Guard::authenticated());
    let unavailable = (503, ReasonCode::ApiKeysUnavailable);
    assert_eq!(
        refused(check(&gate, &[("x-api-key", key.expose())])),
        unavailable
    );
    // Another backend doesn't hide it, and a string that isn't a key isn't looked up.
    let token = bearer(r#"{"sub":"42","exp":1300819380}"#);
    let both = [("x-api-key", key.expose()), ("authorization", &token)];
    assert_eq!(refused(check(&gate, &both)), unavailable);
    admitted(check(
        &gate,
        &[("x-api-key", "sk_nonsense"), ("authorization", &token)],
    ));
}

#[test]
fn an_algorithm_without_a_key_is_a_config_error() {
    let key = || KeySet::new([VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap()]);
    let both = [Algorithm::Hs256, Algorithm::Rs256];
    let error = JwtBackend::new(key(), &both, ClaimsPolicy::new()).unwrap_err();
    assert_eq!(error, ConfigError::NoKeyFor(Algorithm::Rs256));
    let error = JwtBackend::new(KeySet::default(), &[], ClaimsPolicy::new()).unwrap_err();
    assert_eq!(error, ConfigError::NoKeys);
    let error = JwtBackend::new(key(), &[], ClaimsPolicy::new()).unwrap_err();
    assert_eq!(error, ConfigError::NoKeys);
}

#[test]
fn a_key_for_an_algorithm_that_is_not_allowed_is_not_trusted() {
    let keys = |algorithms: &[Algorithm]| -> KeySet {
        let prepared = algorithms
            .iter()
            .map(|one| VerifyingKey::new(&secret(), *one));
        prepared.map(Result::unwrap).collect()
    };
    let both = [Algorithm::Hs256, Algorithm::Hs512];
    let backend = JwtBackend::new(keys(&both), &both[1..], ClaimsPolicy::new()).unwrap();
    let backend = Arc::new(backend);
    let gate = gate(
        [Backend::Jwt(Arc::clone(&backend))],
        &Guard::authenticated(),
    );
    let token = bearer(r#"{"sub":"42","exp":1300819380}"#);
    let refusal = (401, ReasonCode::AlgorithmNotAllowed);
    assert_eq!(refused(check(&gate, &[("authorization", &token)])), refusal);
    backend.replace_keys(keys(&both));
    assert_eq!(refused(check(&gate, &[("authorization", &token)])), refusal);
}

#[test]
fn a_policy_with_an_empty_setting_is_a_config_error() {
    let key = || VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    for (policy, mistake) in [
        (
            ClaimsPolicy::new().with_issuer([""; 0]),
            PolicyError::NoIssuer,
        ),
        (
            ClaimsPolicy::new().with_audience([""]),
            PolicyError::BlankAudience,
        ),
    ] {
        let keys = KeySet::new([key()]);
        let error = JwtBackend::new(keys, &[Algorithm::Hs256], policy.clone()).unwrap_err();
        assert_eq!(error, ConfigError::Policy(mistake));
        let keys = RemoteKeySet::new(&[Algorithm::Es256], RefreshPolicy::default()).unwrap();
        let error =
            JwtBackend::with_remote_keys(Arc::new(keys), &[Algorithm::Es256], policy).unwrap_err();
        assert_eq!(error, ConfigError::Policy(mistake));
        assert!(error.to_string().contains("empty"), "{error}");
    }
}

#[test]
fn invalid_header_names_are_rejected() {
    for name in ["", "x api key", "x-api-key:", "x_api_key", "é", "a\n"] {
        assert_eq!(
            HeaderName::new(name),
            Err(ConfigError::HeaderName),
            "{name:?}"
        );
    }
}

#[test]
fn the_keys_of_a_tenant_replace_others() {
    let other = |key: &str| {
        let keys = ApiKeys::builder().key(key).build().unwrap();
        let header = HeaderName::new("x-api-key").unwrap();
        Arc::new(ApiKeyBackend::new(ApiKeySource::Static(keys), header))
    };
    let before = gate(
        [jwt().into(), static_keys().into()],
        &Guard::authenticated(),
    );
    let after = before
        .with_api_keys(1, other("sk-of-another-tenant"))
        .unwrap();
    let shown = |gate, key| check(gate, &[("x-api-key", key)]);
    assert_eq!(refused(shown(&after, KEY)).0, 401);
    assert_eq!(
        admitted(shown(&after, "sk-of-another-tenant")).backend(),
        Some("api_key")
    );
    assert_eq!(admitted(shown(&before, KEY)).backend(), Some("api_key"));

    let header = HeaderName::new("authorization").unwrap();
    let elsewhere = ApiKeyBackend::new(
        ApiKeySource::Static(ApiKeys::builder().key(KEY).build().unwrap()),
        header,
    );
    assert!(before.with_api_keys(1, Arc::new(elsewhere)).is_err());
    for index in [0, 2] {
        let error = before.with_api_keys(index, other(KEY)).unwrap_err();
        assert_eq!(error, ConfigError::Replacement);
    }
}
