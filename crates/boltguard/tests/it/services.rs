//! Edges that are composed of one edge for each kind of need.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use boltguard::apikey::{ApiKeyVerifier, KeyFormat, MemoryKeyStore, Peppers, StoredKey};
use boltguard::grants::Identity;
use boltguard::guard::Guard;
use boltguard::jwks::{
    AsyncJwksClient, FetchError, JwksClient, JwksSource, JwksUrl, RefreshPolicy, RemoteKeySet,
    Response,
};
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, PrivateKey, Secret, SigningKey};
use boltguard::types::ReasonCode;
use boltguard::{
    ApiKeyBackend, ApiKeyEdge, ApiKeySource, AsyncEdge, Authentication, ConfigError, Edge,
    EdgeAuthentication, EdgeBackend, Freshness, Gate, HeaderName, JwksEdge, JwtBackend, Now,
    Outcome, PossibleNeed, Revocation, RevocationCheck, RevocationStatus, RunChecks, Services,
    StoreFailurePolicy,
};

use crate::support::{NOW, admitted, bearer, gate, jwt, ready, refused};

const ALGORITHM: Algorithm = Algorithm::Es256;

/// An issuer with one key.
struct Issuer {
    signer: SigningKey,
    remote: Arc<RemoteKeySet>,
}

impl Issuer {
    fn new() -> Self {
        let key = Key::from(PrivateKey::generate(ALGORITHM).unwrap());
        let remote = RemoteKeySet::new(&[ALGORITHM], RefreshPolicy::default()).unwrap();
        Self {
            signer: SigningKey::new(&key, ALGORITHM).unwrap(),
            remote: Arc::new(remote),
        }
    }

    fn backend(&self) -> JwtBackend {
        let remote = Arc::clone(&self.remote);
        JwtBackend::with_remote_keys(remote, &[ALGORITHM], ClaimsPolicy::new()).unwrap()
    }

    fn token(&self) -> String {
        let claims = br#"{"sub":"42","jti":"t-1","exp":1300819380}"#;
        format!(
            "Bearer {}",
            sign(claims, &HeaderFields::new(), &self.signer).unwrap()
        )
    }

    fn response(&self) -> Response {
        let keys: KeySet = [self.signer.verifying_key().clone()].into_iter().collect();
        ok(keys.to_jwks())
    }

    fn client(&self) -> AsyncJwksClient<impl boltguard::jwks::AsyncFetch> {
        let response = self.response();
        let url = JwksUrl::new("https://id.example.com/jwks").unwrap();
        AsyncJwksClient::new(Arc::clone(&self.remote), url, move |_, _| {
            let response = response.clone();
            async { Ok::<_, FetchError>(response) }
        })
    }
}

fn ok(body: String) -> Response {
    Response {
        status: 200,
        cache_control: None,
        body: body.into_bytes(),
    }
}

fn authenticated(backends: impl IntoIterator<Item = boltguard::Backend>) -> Gate {
    gate(backends, &Guard::authenticated())
}

fn check(gate: &Gate, value: &str, edge: &mut impl AsyncEdge) -> Outcome {
    ready(gate.check(&[("authorization", value)], || NOW, edge))
}

#[test]
fn keys_are_refreshed_by_the_client_of_their_issuer() {
    let (one, two) = (Issuer::new(), Issuer::new());
    let gate = authenticated([one.backend().into(), two.backend().into()]);
    let mut edge = Services::new().with_keys(JwksEdge::new([two.client()]));
    // The keys of the first issuer have no client.
    assert_eq!(
        refused(check(&gate, &one.token(), &mut edge)),
        (503, ReasonCode::IssuerKeysUnavailable)
    );
    let mut edge = Services::new().with_keys(JwksEdge::new([two.client(), one.client()]));
    assert_eq!(refused(check(&gate, "Bearer a.b.c", &mut edge)).0, 401);
    admitted(check(&gate, &two.token(), &mut edge));
    let mut edge = Services::new().with_keys(JwksEdge::new([one.client()]));
    admitted(check(&gate, &one.token(), &mut edge));
}

#[test]
fn discovered_issuer_is_required_in_its_tokens() {
    let key = Key::from(PrivateKey::generate(ALGORITHM).unwrap());
    let signer = SigningKey::new(&key, ALGORITHM).unwrap();
    let client = discovered(
        &signer,
        JwksSource::discover("https://id.example.com").unwrap(),
    );
    let policy = ClaimsPolicy::new().with_audience(["shop"]);
    let backend = JwtBackend::for_issuer(&client, policy).unwrap();
    let gate = authenticated([backend.into()]);
    let mut edge = JwksEdge::new([client]);
    for (iss, aud, reason) in [
        ("https://id.example.com", "shop", None),
        (
            "https://id.example.com/",
            "shop",
            Some(ReasonCode::IssuerMismatch),
        ),
        (
            "https://id.example.com",
            "blog",
            Some(ReasonCode::AudienceMismatch),
        ),
    ] {
        let claims = format!(r#"{{"sub":"42","exp":1300819380,"iss":"{iss}","aud":"{aud}"}}"#);
        let token = sign(claims.as_bytes(), &HeaderFields::new(), &signer).unwrap();
        let outcome = check(&gate, &format!("Bearer {token}"), &mut edge);
        match reason {
            None => drop(admitted(outcome)),
            Some(reason) => assert_eq!(refused(outcome), (401, reason)),
        }
    }
}

/// A client of an issuer with one key, whose metadata is read if `source` does so.
fn discovered(
    signer: &SigningKey,
    source: JwksSource,
) -> AsyncJwksClient<impl boltguard::jwks::AsyncFetch> {
    let keys: KeySet = [signer.verifying_key().clone()].into_iter().collect();
    let set = keys.to_jwks();
    let fetch = move |url: JwksUrl, _| {
        let body = match url.as_str() {
            "https://id.example.com/jwks" => set.clone(),
            _ => r#"{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks"}"#
                .to_owned(),
        };
        async { Ok::<_, FetchError>(ok(body)) }
    };
    AsyncJwksClient::from_source(source, &[ALGORITHM], fetch).unwrap()
}

#[test]
fn issuer_of_a_configured_url_is_a_config_error() {
    let key = Key::from(PrivateKey::generate(ALGORITHM).unwrap());
    let signer = SigningKey::new(&key, ALGORITHM).unwrap();
    let url = JwksUrl::new("https://id.example.com/jwks").unwrap();
    let client = discovered(&signer, url.into());
    assert_eq!(
        JwtBackend::for_issuer(&client, ClaimsPolicy::new()).unwrap_err(),
        ConfigError::NotDiscovered
    );
}

#[test]
fn blocking_clients_are_composed_in_the_same_way() {
    let issuer = Issuer::new();
    let gate = authenticated([issuer.backend().into()]);
    let response = issuer.response();
    let fetch = move |_: usize| Ok::<_, FetchError>(response.clone());
    let client = JwksClient::new(Arc::clone(&issuer.remote), fetch);
    let mut edge = Services::new().with_keys(JwksEdge::new([client]));
    let token = issuer.token();
    let parts = [("authorization", token.as_str())];
    admitted(gate.check_blocking(&parts, || NOW, &mut edge));
}

/// An edge whose every method returns that all is well.
#[derive(Clone, Copy)]
struct Permissive;

impl Edge for Permissive {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }

    fn check_revocation(&mut self, _: &RevocationCheck) -> RevocationStatus {
        RevocationStatus::NotRevoked
    }

    fn authenticate(&mut self, _: &EdgeAuthentication) -> Authentication {
        Authentication::Identified(Identity::new("7", ""))
    }

    fn run_check(&mut self, _: &RunChecks, _: &str) -> Option<bool> {
        Some(true)
    }
}

impl AsyncEdge for Permissive {
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

/// The decisions of both drivers, which must be equal: `None` if the caller is admitted.
fn status(gate: &Gate, edge: impl Edge + AsyncEdge) -> Option<u16> {
    let value = bearer(r#"{"sub":"42","jti":"t-1","exp":1300819380}"#);
    let parts = [("authorization", value.as_str())];
    let mut edge = edge;
    let outcomes = [
        gate.check_blocking(&parts, || NOW, &mut edge),
        ready(gate.check(&parts, || NOW, &mut edge)),
    ];
    let [one, two] = outcomes.map(|outcome| match outcome {
        Outcome::Admitted(_) => None,
        Outcome::Refused(refusal) => Some(refusal.status()),
    });
    assert_eq!(one, two);
    one
}

#[test]
fn each_need_only_reaches_the_edge_of_its_kind() {
    let services = Services::new();
    let revocable = authenticated([jwt().with_revocation(Revocation::External).into()]);
    assert_eq!(
        status(&revocable, services.with_revocation(Permissive)),
        None
    );
    let others = services
        .with_keys(Permissive)
        .with_api_keys(Permissive)
        .with_backends(Permissive)
        .with_checks(Permissive);
    assert_eq!(status(&revocable, others), Some(503));

    let session = authenticated([EdgeBackend::new("session").into()]);
    assert_eq!(status(&session, services.with_backends(Permissive)), None);
    assert_eq!(
        status(&session, services.with_checks(Permissive)),
        Some(503)
    );

    let checked = gate([jwt().into()], &r#"check("a")"#.parse().unwrap());
    assert_eq!(status(&checked, services.with_checks(Permissive)), None);
    assert_eq!(
        status(&checked, services.with_backends(Permissive)),
        Some(403)
    );
}

/// A table with one API key.
struct Table {
    gate: Gate,
    store: Arc<MemoryKeyStore>,
    freshness: Arc<Freshness>,
    stored: StoredKey,
    key: String,
    start: Instant,
}

impl Table {
    fn new() -> Self {
        let start = Instant::now();
        let peppers = Peppers::new(Secret::generate(Algorithm::Hs256).unwrap());
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let stored = StoredKey::new(&key, &peppers, NOW);
        let store = Arc::new(MemoryKeyStore::new());
        let freshness = Arc::new(Freshness::new(Duration::from_secs(5), start));
        let source = ApiKeySource::Store(ApiKeyVerifier::new(format, peppers), store.clone());
        let backend = ApiKeyBackend::new(source, HeaderName::new("x-api-key").unwrap())
            .with_snapshot(freshness.clone(), StoreFailurePolicy::FailClosed);
        Self {
            gate: authenticated([backend.into()]),
            store,
            freshness,
            stored,
            key: key.expose().to_owned(),
            start,
        }
    }

    fn edge<L>(&self, read: L) -> ApiKeyEdge<impl Fn() -> Now + Send + Sync, L> {
        let start = self.start;
        let clock = move || Now::at(NOW, start);
        ApiKeyEdge::new(self.store.clone(), self.freshness.clone(), clock, read)
    }

    async fn check(&self, mut edge: impl AsyncEdge) -> Outcome {
        let clock = || Now::at(NOW, self.start);
        let parts = [("x-api-key", self.key.as_str())];
        self.gate.check(&parts, clock, &mut edge).await
    }
}

type Read = Result<Vec<StoredKey>, ()>;

#[test]
fn stored_api_keys_are_read_once_while_they_are_current() {
    let table = Table::new();
    let reads = AtomicUsize::new(0);
    let edge = table.edge(|| {
        reads.fetch_add(1, Ordering::SeqCst);
        async { Read::Ok(vec![table.stored.clone()]) }
    });
    for _ in 0..3 {
        admitted(ready(table.check(edge.clone())));
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    table.freshness.note_change();
    admitted(ready(table.check(edge)));
    assert_eq!(reads.load(Ordering::SeqCst), 2);
}

#[test]
fn api_keys_that_cannot_be_read_are_a_503() {
    let table = Table::new();
    let edge = table.edge(|| async { Read::Err(()) });
    assert_eq!(
        refused(ready(table.check(edge))),
        (503, ReasonCode::ApiKeysUnavailable)
    );
}

fn poll<T>(task: &mut Pin<Box<impl Future<Output = T>>>) -> Poll<T> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// The results of three requests, and how often the table was read. The first request may be cancelled.
fn simultaneous(result: bool, is_cancelled: bool) -> (Vec<u16>, usize) {
    let table = Table::new();
    let (reads, is_ready) = (AtomicUsize::new(0), AtomicBool::new(false));
    let edge = table.edge(|| {
        reads.fetch_add(1, Ordering::SeqCst);
        async {
            poll_fn(|_| match is_ready.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            result.then(|| vec![table.stored.clone()]).ok_or(())
        }
    });
    let mut tasks: Vec<_> = (0..3)
        .map(|_| Box::pin(table.check(edge.clone())))
        .collect();
    assert!(tasks.iter_mut().all(|task| poll(task).is_pending()));
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    if is_cancelled {
        drop(tasks.remove(0));
    }
    is_ready.store(true, Ordering::SeqCst);
    let statuses = tasks.iter_mut().map(|task| match poll(task) {
        Poll::Ready(Outcome::Admitted(_)) => 200,
        Poll::Ready(Outcome::Refused(refusal)) => refusal.status(),
        Poll::Pending => panic!("it waits"),
    });
    (statuses.collect(), reads.load(Ordering::SeqCst))
}

#[test]
fn simultaneous_requests_share_one_read_of_the_api_keys() {
    assert_eq!(simultaneous(true, false), (vec![200; 3], 1));
    assert_eq!(simultaneous(false, false), (vec![503; 3], 1));
    assert_eq!(simultaneous(true, true), (vec![200; 2], 2));
}

#[test]
fn requests_that_wait_for_a_read_are_woken_up() {
    let table = Table::new();
    let is_ready = AtomicBool::new(false);
    let edge = table.edge(|| async {
        poll_fn(|_| match is_ready.load(Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        Read::Ok(vec![table.stored.clone()])
    });
    let mut reading = Box::pin(table.check(edge.clone()));
    assert!(poll(&mut reading).is_pending());
    let woken = Arc::new(Woken::default());
    let mut waiting = Box::pin(table.check(edge));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    is_ready.store(true, Ordering::SeqCst);
    assert!(poll(&mut reading).is_ready());
    assert!(woken.0.load(Ordering::SeqCst));
    assert!(waiting.as_mut().poll(&mut context).is_ready());
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
