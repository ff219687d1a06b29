//! Snapshots of stored API keys, which the edge refreshes.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use boltguard::apikey::{ApiKeyVerifier, KeyFormat, MemoryKeyStore, Peppers, StoredKey};
use boltguard::guard::{CheckResults, Guard};
use boltguard::keys::{Algorithm, Secret};
use boltguard::types::ReasonCode;
use boltguard::{
    ApiKeyBackend, ApiKeyRefresh, ApiKeySource, Authentication, EdgeBackend, Freshness, Gate,
    HeaderName, Need, Now, Refreshed, Step, StoreFailurePolicy,
};

use crate::support::{NOW, admitted, bearer, done, gate, jwt, refused};

/// A table with one key, and a gate with a snapshot of it.
struct Scene {
    gate: Gate,
    store: Arc<MemoryKeyStore>,
    freshness: Arc<Freshness>,
    stored: StoredKey,
    key: String,
    start: Instant,
}

impl Scene {
    fn new(on_failure: StoreFailurePolicy) -> Self {
        let start = Instant::now();
        let peppers = Peppers::new(Secret::generate(Algorithm::Hs256).unwrap());
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let stored = StoredKey::new(&key, &peppers, NOW);
        let store = Arc::new(MemoryKeyStore::default());
        let freshness = Arc::new(Freshness::new(Duration::from_secs(5), start));
        let source = ApiKeySource::Store(
            ApiKeyVerifier::new(format, peppers),
            Arc::clone(&store) as _,
        );
        let backend = ApiKeyBackend::new(source, HeaderName::new("x-api-key").unwrap())
            .with_snapshot(Arc::clone(&freshness), on_failure);
        Self {
            gate: gate([jwt().into(), backend.into()], &Guard::authenticated()),
            store,
            freshness,
            stored,
            key: key.expose().to_owned(),
            start,
        }
    }

    fn now(&self, seconds: u64) -> Now {
        Now::at(NOW, self.start + Duration::from_secs(seconds))
    }

    fn evaluate(&self, seconds: u64) -> Step {
        self.gate
            .evaluate(&[("x-api-key", self.key.as_str())], self.now(seconds))
    }

    fn api_key_refresh(&self, seconds: u64) -> ApiKeyRefresh {
        match self.evaluate(seconds) {
            Step::Need(Need::RefreshApiKeys(need)) => need,
            other => panic!("{other:?}"),
        }
    }

    fn resume(&self, need: ApiKeyRefresh, result: Refreshed, seconds: u64) -> Step {
        need.resume(
            result,
            &[("x-api-key", self.key.as_str())],
            self.now(seconds),
        )
    }

    /// Reads the table.
    fn read(&self, seconds: u64) {
        let read = self.freshness.begin_read(self.now(seconds).instant());
        self.store.replace([self.stored.clone()]);
        self.freshness.finish_read(&read);
    }
}

#[test]
fn a_snapshot_is_refreshed_for_a_key_that_is_looked_up_in_it() {
    let scene = Scene::new(StoreFailurePolicy::FailClosed);
    let need = scene.api_key_refresh(0);
    assert_eq!(need.backend(), 1);
    scene.read(0);
    admitted(done(scene.resume(need, Refreshed::Done, 0)));
    admitted(done(scene.evaluate(4)));
    scene.api_key_refresh(5);
    scene.freshness.note_change();
    scene.api_key_refresh(4);
}

#[test]
fn other_requests_do_not_refresh_it() {
    let scene = Scene::new(StoreFailurePolicy::FailClosed);
    let token = bearer(r#"{"sub":"42","exp":1300819380}"#);
    for headers in [
        &[][..],
        &[("authorization", token.as_str())],
        &[("x-api-key", "not of the form of a key")],
    ] {
        let _ = done(scene.gate.evaluate(&headers, scene.now(0)));
    }
}

#[test]
fn a_snapshot_that_can_not_be_refreshed_is_503() {
    for (policy, was_read, opens) in [
        (StoreFailurePolicy::FailClosed, true, false),
        (StoreFailurePolicy::FailOpen, false, false),
        (StoreFailurePolicy::FailOpen, true, true),
    ] {
        let scene = Scene::new(policy);
        if was_read {
            scene.read(0);
        }
        let outcome = done(scene.resume(scene.api_key_refresh(9), Refreshed::Unavailable, 9));
        if opens {
            admitted(outcome);
        } else {
            assert_eq!(refused(outcome), (503, ReasonCode::ApiKeysUnavailable));
        }
    }
}

#[test]
fn a_tenant_has_its_own_keys() {
    let (scene, tenant) = (
        Scene::new(StoreFailurePolicy::FailClosed),
        Scene::new(StoreFailurePolicy::FailClosed),
    );
    tenant.read(0);
    let boltguard::Backend::ApiKey(keys) = &tenant.gate.backends()[1] else {
        panic!("it is one of API keys")
    };
    let headers = [("x-api-key", tenant.key.as_str())];
    let Step::Need(Need::RefreshApiKeys(need)) = scene.gate.evaluate(&headers, scene.now(0)) else {
        panic!("expected a refresh of the snapshot")
    };
    let theirs = need.clone().with_backend(Arc::clone(keys)).unwrap();
    admitted(done(theirs.resume(Refreshed::Done, &headers, scene.now(0))));
    let ours = need.resume(Refreshed::Done, &headers, scene.now(0));
    assert_eq!(refused(done(ours)), (401, ReasonCode::ApiKeyInvalid));
}

/// A gate with a custom check, and one with a backend of the edge before that of the API keys.
fn gates(store: &Arc<MemoryKeyStore>, stored: &StoredKey, verifier: &ApiKeyVerifier) -> [Gate; 2] {
    store.replace([stored.clone()]);
    let source = ApiKeySource::Store(verifier.clone(), Arc::clone(store) as _);
    let backend = ApiKeyBackend::new(source, HeaderName::new("x-api-key").unwrap());
    [
        gate([backend.clone().into()], &r#"check("a")"#.parse().unwrap()),
        gate(
            [EdgeBackend::new("session").into(), backend.into()],
            &Guard::authenticated(),
        ),
    ]
}

#[test]
fn key_that_expires_during_the_edge_call_is_refused() {
    let peppers = Peppers::new(Secret::generate(Algorithm::Hs256).unwrap());
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    let expiry = NOW + Duration::from_secs(60);
    let stored = StoredKey::new(&key, &peppers, NOW).expiring(expiry);
    let verifier = ApiKeyVerifier::new(format, peppers);
    let [checked, behind_edge] = gates(&Arc::default(), &stored, &verifier);
    let headers = [("x-api-key", key.expose())];
    let before = NOW + Duration::from_secs(59);
    let expired = (401, ReasonCode::ApiKeyExpired);

    let checks = || match checked.evaluate(&headers, NOW) {
        Step::Need(Need::RunChecks(need)) => need,
        other => panic!("{other:?}"),
    };
    let results = CheckResults::new().with("a", true);
    admitted(done(checks().resume(&results, before)));
    admitted(checks().finish(&results, before));
    assert_eq!(refused(done(checks().resume(&results, expiry))), expired);
    assert_eq!(refused(checks().finish(&results, expiry)), expired);

    let session = || match behind_edge.evaluate(&headers, NOW) {
        Step::Need(Need::Authenticate(need)) => need,
        other => panic!("{other:?}"),
    };
    admitted(done(session().resume(
        Authentication::Absent,
        &headers,
        before,
    )));
    assert_eq!(
        refused(done(session().resume(
            Authentication::Absent,
            &headers,
            expiry
        ))),
        expired
    );
}
