//! What an edge must provide for a gate, which is checked at startup.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use boltguard::apikey::{ApiKeyVerifier, KeyFormat, MemoryKeyStore, Peppers, StoredKey};
use boltguard::guard::Guard;
use boltguard::jwks::{
    AsyncFetch, AsyncJwksClient, FetchError, JwksClient, JwksUrl, RefreshPolicy, RemoteKeySet,
    Response,
};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Secret};
use boltguard::revocation::{AsyncRevocationStore, MemoryRevocation, RevocationError};
use boltguard::types::NumericDate;
use boltguard::{
    ApiKeyBackend, ApiKeyEdge, ApiKeySource, AsyncEdge, Backend, ConfigError, Edge, EdgeBackend,
    EdgeError, Freshness, Gate, HeaderName, JwksEdge, JwtBackend, PossibleNeed, Revocation,
    RevocationCheck, RevocationEdge, RevocationStatus, Services, SharedEdge, StoreFailurePolicy,
};

use crate::support::{NOW, gate, jwt};

const ALGORITHM: Algorithm = Algorithm::Es256;

/// A hand-written edge that provides everything.
#[derive(Clone, Copy)]
struct Anything;

impl Edge for Anything {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }
}

impl AsyncEdge for Anything {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }
}

/// A hand-written edge that only checks revocations.
struct OnlyRevocation;

impl Edge for OnlyRevocation {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    fn check_revocation(&mut self, _: &RevocationCheck) -> RevocationStatus {
        RevocationStatus::NotRevoked
    }
}

/// A store that no test queries.
#[derive(Clone, Copy)]
struct Store;

impl AsyncRevocationStore for Store {
    async fn is_revoked(&self, _: &str, _: NumericDate) -> Result<bool, RevocationError> {
        Err(RevocationError::Unavailable)
    }

    async fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::ReadOnly)
    }
}

fn authenticated(backends: impl IntoIterator<Item = Backend>) -> Gate {
    gate(backends, &Guard::authenticated())
}

fn external() -> Gate {
    authenticated([jwt().with_revocation(Revocation::External).into()])
}

fn session() -> Gate {
    authenticated([EdgeBackend::new("session").into()])
}

fn checked() -> Gate {
    gate([jwt().into()], &r#"check("author")"#.parse().unwrap())
}

fn remote() -> Arc<RemoteKeySet> {
    Arc::new(RemoteKeySet::new(&[ALGORITHM], RefreshPolicy::default()).unwrap())
}

fn issuer(keys: &Arc<RemoteKeySet>, policy: ClaimsPolicy) -> Backend {
    let backend = JwtBackend::with_remote_keys(Arc::clone(keys), &[ALGORITHM], policy).unwrap();
    backend.into()
}

fn client(keys: &Arc<RemoteKeySet>) -> AsyncJwksClient<impl AsyncFetch> {
    let url = JwksUrl::new("https://id.example.com/jwks").unwrap();
    AsyncJwksClient::new(Arc::clone(keys), url, |_, _| async {
        Err::<Response, _>(FetchError::Timeout)
    })
}

fn freshness() -> Arc<Freshness> {
    Arc::new(Freshness::new(Duration::from_secs(5), Instant::now()))
}

fn stored(freshness: &Arc<Freshness>) -> Gate {
    let peppers = Peppers::new(Secret::generate(Algorithm::Hs256).unwrap());
    let verifier = ApiKeyVerifier::new(KeyFormat::new("sk").unwrap(), peppers);
    let source = ApiKeySource::Store(verifier, Arc::new(MemoryKeyStore::new()));
    let backend = ApiKeyBackend::new(source, HeaderName::authorization())
        .with_snapshot(Arc::clone(freshness), StoreFailurePolicy::FailClosed);
    authenticated([backend.into()])
}

fn table(freshness: &Arc<Freshness>) -> impl AsyncEdge {
    let store = Arc::new(MemoryKeyStore::new());
    let read = || async { Ok::<Vec<StoredKey>, ()>(Vec::new()) };
    ApiKeyEdge::new(store, Arc::clone(freshness), || NOW, read)
}

#[track_caller]
fn accepts(gate: &Gate, edge: &impl AsyncEdge) {
    assert_eq!(gate.validate_edge(edge), Ok(()));
}

/// Checks that the error is this, followed by a remedy.
#[track_caller]
fn rejects(gate: &Gate, edge: &impl AsyncEdge, problem: &str, remedy: &str) {
    let error = gate.validate_edge(edge).unwrap_err().to_string();
    let rest = error.strip_prefix(problem);
    assert!(rest.is_some_and(|rest| rest.contains(remedy)), "{error}");
}

#[test]
fn gate_with_everything_in_memory_needs_no_edge() {
    let store = Arc::new(MemoryRevocation::new());
    let gate = authenticated([jwt().with_revocation(Revocation::InProcess(store)).into()]);
    assert_eq!(gate.possible_needs().count(), 0);
    accepts(&gate, &());
    assert_eq!(gate.validate_edge_blocking(&()), Ok(()));
}

#[test]
fn external_revocation_requires_a_store() {
    let problem = r#"backend "jwt" checks revocation in an external store, but the edge has none"#;
    let remedy = "Services::with_revocation";
    rejects(&external(), &(), problem, remedy);
    rejects(&external(), &Services::new(), problem, remedy);
    let fallback = Revocation::InProcessOrExternal(Arc::new(MemoryRevocation::new()));
    let fallback = authenticated([jwt().with_revocation(fallback).into()]);
    rejects(&fallback, &(), problem, remedy);

    let edge = RevocationEdge::new(Store, || NOW);
    accepts(&external(), &edge);
    accepts(&external(), &Services::new().with_revocation(edge));
}

#[test]
fn backend_of_the_edge_requires_an_edge_for_it() {
    let problem = r#"backend "session" is implemented by the edge, but the edge has no backends"#;
    let remedy = "Services::with_backends";
    rejects(&session(), &Services::new(), problem, remedy);
    accepts(&session(), &Services::new().with_backends(Anything));
}

#[test]
fn custom_check_requires_an_edge_that_runs_it() {
    let problem = r#"the guard has the custom check "author", but the edge runs no checks"#;
    rejects(&checked(), &(), problem, "Services::with_checks");
    rejects(&checked(), &(), problem, "Gate::for_callers");
    accepts(&checked(), &Services::new().with_checks(Anything));
}

#[test]
fn each_issuer_requires_its_own_client() {
    let (one, two) = (remote(), remote());
    let policy = |issuer| ClaimsPolicy::new().with_issuer([issuer]);
    let gate = authenticated([
        issuer(&one, policy("https://one.example.com")),
        issuer(&two, policy("https://two.example.com")),
    ]);
    let edge = Services::new().with_keys(JwksEdge::new([client(&one)]));
    let problem = r#"backend "jwt" uses the keys of the issuer "https://two.example.com", but"#;
    rejects(&gate, &edge, problem, "Services::with_keys");
    let edge = Services::new().with_keys(JwksEdge::new([client(&two), client(&one)]));
    accepts(&gate, &edge);
}

#[test]
fn issuer_that_the_policy_does_not_name_requires_a_client() {
    let keys = remote();
    let gate = authenticated([issuer(&keys, ClaimsPolicy::new())]);
    let problem = r#"backend "jwt" uses the keys of another issuer, but"#;
    rejects(&gate, &(), problem, "Services::with_keys");
}

#[test]
fn blocking_client_is_compared_in_the_same_way() {
    let (keys, other) = (remote(), remote());
    let gate = authenticated([issuer(&keys, ClaimsPolicy::new())]);
    let edge = |keys: &Arc<RemoteKeySet>| {
        let fetch = |_: usize| Err::<Response, _>(FetchError::Timeout);
        Services::new().with_keys(JwksEdge::new([JwksClient::new(Arc::clone(keys), fetch)]))
    };
    assert!(gate.validate_edge_blocking(&edge(&other)).is_err());
    assert_eq!(gate.validate_edge_blocking(&edge(&keys)), Ok(()));
}

#[test]
fn snapshot_of_api_keys_requires_the_edge_with_its_freshness() {
    let (one, two) = (freshness(), freshness());
    let problem = r#"backend "api_key" has a snapshot of stored API keys, but the edge"#;
    let remedy = "Services::with_api_keys";
    rejects(&stored(&one), &Services::new(), problem, remedy);
    let services = Services::new();
    let other = services.with_api_keys(table(&two));
    rejects(&stored(&one), &other, problem, remedy);
    accepts(&stored(&one), &services.with_api_keys(table(&one)));
}

#[test]
fn edge_of_one_kind_provides_nothing_else() {
    let keys = remote();
    for gate in [session(), checked()] {
        assert!(gate.validate_edge(&JwksEdge::new([client(&keys)])).is_err());
        assert!(gate.validate_edge(&table(&freshness())).is_err());
        let store = RevocationEdge::new(Store, || NOW);
        assert!(gate.validate_edge(&store).is_err());
        assert!(gate.validate_edge_blocking(&OnlyRevocation).is_err());
        assert!(gate.validate_edge_blocking(&()).is_err());
    }
    let services = Services::new()
        .with_keys(Anything)
        .with_api_keys(Anything)
        .with_backends(Anything)
        .with_checks(Anything);
    assert!(external().validate_edge(&services).is_err());
    assert!(external().validate_edge_blocking(&services).is_err());
    assert_eq!(external().validate_edge_blocking(&OnlyRevocation), Ok(()));
}

#[test]
fn edge_of_the_service_provides_what_it_states() {
    for gate in [external(), session(), checked(), stored(&freshness())] {
        accepts(&gate, &Anything);
        assert_eq!(gate.validate_edge_blocking(&Anything), Ok(()));
    }
    for gate in [session(), checked(), stored(&freshness())] {
        assert!(gate.validate_edge_blocking(&OnlyRevocation).is_err());
    }
}

#[test]
fn shared_edge_provides_everything_that_its_gate_may_need() {
    let services = Services::new().with_checks(Anything);
    let shared = SharedEdge::new(&checked(), services).unwrap();
    accepts(&checked(), &shared);
    assert!(session().validate_edge(&shared).is_err());
    let error = SharedEdge::new(&session(), services).unwrap_err();
    let expected = EdgeError::Backend("session".into());
    assert_eq!(error, ConfigError::Edge(expected));
    assert_eq!(format!("{shared:?}"), "SharedEdge { .. }");
}
