//! Gates whose backends trust the keys of other issuers.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use boltguard::guard::Guard;
use boltguard::jwks::{
    Fetch, FetchError, JwksClient, Refresh, RefreshPolicy, RefreshStep, RemoteKeySet, Response,
};
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, PrivateKey, SigningKey};
use boltguard::types::ReasonCode;
use boltguard::{
    Authentication, Backend, ConfigError, Edge, EdgeAuthentication, EdgeBackend, Gate, JwtBackend,
    KeyRefresh, Now, Outcome, PossibleNeed, Refreshed,
};

use crate::support::{NOW, admitted, bearer, jwt, refused};

const ALGORITHM: Algorithm = Algorithm::Es256;
const CLAIMS: &str = r#"{"sub":"42","exp":1300819380}"#;
const EXPIRED: &str = r#"{"sub":"42","exp":1300818999}"#;

fn key(name: &str) -> SigningKey {
    let key = Key::from(PrivateKey::generate(ALGORITHM).unwrap());
    SigningKey::new(&key, ALGORITHM).unwrap().with_key_id(name)
}

fn token(key: &SigningKey, claims: &str) -> String {
    let token = sign(claims.as_bytes(), &HeaderFields::new(), key).unwrap();
    format!("Bearer {token}")
}

/// An issuer, and a client that fetches from it.
struct Issuer {
    client: JwksClient<Box<dyn Fetch>>,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    /// Its responses are these in order. The last one is repeated, and `None` fails.
    fn new(responses: impl IntoIterator<Item = Option<KeySet>>) -> Self {
        let responses: Vec<_> = responses.into_iter().collect();
        let fetches = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&fetches);
        let fetch = move |_: usize| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let response = responses
                .get(number)
                .or(responses.last())
                .cloned()
                .flatten();
            let body = response
                .ok_or(FetchError::Connection)?
                .to_jwks()
                .into_bytes();
            Ok(Response {
                status: 200,
                cache_control: None,
                body,
            })
        };
        let remote = Arc::new(RemoteKeySet::new(&[ALGORITHM], RefreshPolicy::default()).unwrap());
        Self {
            client: JwksClient::new(remote, Box::new(fetch)),
            fetches,
        }
    }

    fn backend(&self) -> Backend {
        let remote = Arc::clone(self.client.remote());
        let backend = JwtBackend::with_remote_keys(remote, &[ALGORITHM], ClaimsPolicy::new());
        backend.unwrap().into()
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn set<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Option<KeySet> {
    Some(
        keys.into_iter()
            .map(|key| key.verifying_key().clone())
            .collect(),
    )
}

/// The issuers of a gate's backends, at a fixed time.
struct Issuers<'i>(&'i [&'i Issuer], Instant);

impl Edge for Issuers<'_> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::RefreshKeys { .. })
    }

    fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        let Self(issuers, now) = self;
        match issuers[need.backend()].client.refresh(need.refresh(), *now) {
            Ok(_) => Refreshed::Done,
            Err(_) => Refreshed::Unavailable,
        }
    }
}

/// The decision about a request with this token. Issuers are fetched from if necessary.
fn check(gate: &Gate, issuers: &[&Issuer], value: &str, now: Instant) -> Outcome {
    outcome(gate, issuers, &[("authorization", value)], now)
}

fn outcome(gate: &Gate, issuers: &[&Issuer], headers: &[(&str, &str)], now: Instant) -> Outcome {
    let clock = || Now::at(NOW, now);
    gate.check_blocking(&headers, clock, &mut Issuers(issuers, now))
}

/// The value of `Retry-After` for a token of an unknown key.
fn retry_after(gate: &Gate, issuers: &[&Issuer], value: &str, now: Instant) -> Option<u32> {
    match check(gate, issuers, value, now) {
        Outcome::Refused(refusal) => refusal.retry_after(),
        Outcome::Admitted(caller) => panic!("{caller:?}"),
    }
}

fn gate_of(issuers: &[&Issuer], guard: &Guard) -> Gate {
    Gate::new(issuers.iter().map(|issuer| issuer.backend()), guard).unwrap()
}

#[test]
fn keys_are_fetched_with_the_first_token_and_rotate_with_a_new_one() {
    let (old, new) = (key("old"), key("new"));
    let issuer = Issuer::new([set([&old]), set([&old, &new])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    let check =
        |value: &str, time| check(&gate, &[&issuer], value, start + Duration::from_secs(time));

    for value in ["Basic YTpi", "Bearer x.y.z", &bearer(CLAIMS)] {
        assert_eq!(refused(check(value, 0)).0, 401);
    }
    assert_eq!(issuer.fetches(), 0);
    admitted(check(&token(&old, CLAIMS), 0));
    admitted(check(&token(&old, CLAIMS), 40));
    assert_eq!(issuer.fetches(), 1);
    admitted(check(&token(&new, CLAIMS), 40));
    assert_eq!(issuer.fetches(), 2);
    // Its key is known now, and an expired token doesn't trigger a fetch.
    assert_eq!(
        refused(check(&token(&new, EXPIRED), 80)),
        (401, ReasonCode::TokenExpired)
    );
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_flood_of_unknown_keys_fetches_once_per_cooldown() {
    let (known, strange) = (key("known"), key("strange"));
    let issuer = Issuer::new([set([&known])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    for time in 0..60 {
        let now = start + Duration::from_secs(time);
        let outcome = check(&gate, &[&issuer], &token(&strange, CLAIMS), now);
        assert_eq!(refused(outcome), (401, ReasonCode::KeyNotFound));
    }
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn tokens_that_cannot_be_genuine_cause_no_fetch() {
    let known = key("known");
    let issuer = Issuer::new([set([&known])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    let later = start + Duration::from_secs(60);
    admitted(check(&gate, &[&issuer], &token(&known, CLAIMS), start));
    let forged = {
        let genuine = token(&known, CLAIMS);
        format!("{}AAAA", &genuine[..genuine.len() - 4])
    };
    for value in ["Bearer x.y.z", "Bearer x", &bearer(CLAIMS), &forged] {
        assert_eq!(refused(check(&gate, &[&issuer], value, later)).0, 401);
    }
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn keys_without_kid_are_fetched_for_an_unknown_signature() {
    let unnamed = || {
        let key = Key::from(PrivateKey::generate(ALGORITHM).unwrap());
        SigningKey::new(&key, ALGORITHM).unwrap()
    };
    let (old, new) = (unnamed(), unnamed());
    let issuer = Issuer::new([set([&old]), set([&new])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    let later = start + Duration::from_secs(60);
    admitted(check(&gate, &[&issuer], &token(&old, CLAIMS), start));
    assert_eq!(
        refused(check(&gate, &[&issuer], &token(&old, EXPIRED), later)).0,
        401
    );
    assert_eq!(issuer.fetches(), 1);
    admitted(check(&gate, &[&issuer], &token(&new, CLAIMS), later));
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn missing_keys_result_in_503() {
    let known = key("known");
    let issuer = Issuer::new([None]);
    let start = Instant::now();
    for guard in [Guard::authenticated(), Guard::allow_any()] {
        let gate = gate_of(&[&issuer], &guard);
        let decided = check(&gate, &[&issuer], &token(&known, CLAIMS), start);
        assert_eq!(refused(decided), (503, ReasonCode::IssuerKeysUnavailable));
        // Without a token, no keys are required.
        let fetches = issuer.fetches();
        match outcome(&gate, &[&issuer], &[], start) {
            Outcome::Admitted(caller) => assert!(!caller.is_authenticated()),
            Outcome::Refused(refusal) => assert_eq!(refusal.status(), 401),
        }
        assert_eq!(issuer.fetches(), fetches);
    }
}

#[test]
fn while_the_issuer_is_down_an_unknown_key_is_503() {
    let (known, strange) = (key("known"), key("strange"));
    let issuer = Issuer::new([set([&known]), None, set([&known])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    let check =
        |value: &str, time| check(&gate, &[&issuer], value, start + Duration::from_secs(time));
    admitted(check(&token(&known, CLAIMS), 0));
    // Many of them cause one fetch.
    for time in [31, 31, 32, 60] {
        assert_eq!(
            refused(check(&token(&strange, CLAIMS), time)),
            (503, ReasonCode::IssuerKeysUnavailable)
        );
    }
    assert_eq!(issuer.fetches(), 2);
    let again = |time| {
        let now = start + Duration::from_secs(time);
        retry_after(&gate, &[&issuer], &token(&strange, CLAIMS), now)
    };
    // The cooldown began when the fetch ended, a moment after it began.
    assert!(again(31) > Some(30) && again(60) > Some(1));
    // Decisions that the current keys allow don't depend on the issuer.
    admitted(check(&token(&known, CLAIMS), 60));
    let forged = {
        let genuine = token(&known, CLAIMS);
        format!("{}AAAA", &genuine[..genuine.len() - 4])
    };
    for value in [&token(&known, EXPIRED), &forged, "Bearer x.y.z"] {
        assert_eq!(refused(check(value, 60)).0, 401, "{value}");
    }
    // It is available again.
    assert_eq!(
        refused(check(&token(&strange, CLAIMS), 62)),
        (401, ReasonCode::KeyNotFound)
    );
    assert_eq!(issuer.fetches(), 3);
}

#[test]
fn stale_keys_are_used_until_they_expire() {
    let known = key("known");
    let issuer = Issuer::new([set([&known]), None, None, None, set([&known])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    let check = |time| {
        let now = start + Duration::from_secs(time);
        check(&gate, &[&issuer], &token(&known, CLAIMS), now)
    };
    admitted(check(0));
    admitted(check(301));
    admitted(check(3800));
    assert_eq!(
        refused(check(4000)),
        (503, ReasonCode::IssuerKeysUnavailable)
    );
    admitted(check(4100));
}

#[test]
fn an_unavailable_issuer_does_not_affect_the_other() {
    let (ours, theirs) = (key("ours"), key("theirs"));
    let (down, up) = (Issuer::new([None]), Issuer::new([set([&theirs])]));
    let issuers = [&down, &up];
    let gate = gate_of(&issuers, &Guard::authenticated());
    let start = Instant::now();
    admitted(check(&gate, &issuers, &token(&theirs, CLAIMS), start));
    let expired = check(&gate, &issuers, &token(&theirs, EXPIRED), start);
    assert_eq!(refused(expired).0, 401);
    let unknown = check(&gate, &issuers, &token(&ours, CLAIMS), start);
    assert_eq!(refused(unknown), (503, ReasonCode::IssuerKeysUnavailable));
}

#[test]
fn a_kid_of_one_issuer_does_not_stop_the_rotation_of_another() {
    let (theirs, old, new) = (key("2026"), key("2025"), key("2026"));
    for is_first in [true, false] {
        let other = Issuer::new([set([&theirs])]);
        let rotating = Issuer::new([set([&old]), set([&old, &new])]);
        let mut issuers = [&rotating, &other];
        if is_first {
            issuers.reverse();
        }
        let gate = gate_of(&issuers, &Guard::authenticated());
        let start = Instant::now();
        let later = start + Duration::from_secs(60);
        admitted(check(&gate, &issuers, &token(&theirs, CLAIMS), start));
        admitted(check(&gate, &issuers, &token(&old, CLAIMS), start));
        admitted(check(&gate, &issuers, &token(&new, CLAIMS), later));
        assert_eq!((rotating.fetches(), other.fetches()), (2, 1));
        // Tokens of the other issuer cause no fetch.
        let expired = check(&gate, &issuers, &token(&theirs, EXPIRED), later);
        assert_eq!(refused(expired).0, 401);
        assert_eq!((rotating.fetches(), other.fetches()), (2, 1));
    }
}

#[test]
fn a_token_of_a_key_without_kid_causes_no_fetch_of_others() {
    let unnamed = SigningKey::new(
        &Key::from(PrivateKey::generate(ALGORITHM).unwrap()),
        ALGORITHM,
    )
    .unwrap();
    let theirs = key("theirs");
    let (up, down) = (Issuer::new([set([&unnamed])]), Issuer::new([None]));
    let third = Issuer::new([set([&theirs])]);
    let issuers = [&down, &third, &up];
    let gate = gate_of(&issuers, &Guard::authenticated());
    let start = Instant::now();
    admitted(check(&gate, &issuers, &token(&unnamed, CLAIMS), start));
    let later = start + Duration::from_secs(60);
    for now in [start, later] {
        let fetches = (down.fetches(), third.fetches(), up.fetches());
        let expired = check(&gate, &issuers, &token(&unnamed, EXPIRED), now);
        assert_eq!(refused(expired).0, 401);
        assert_eq!((third.fetches(), up.fetches()), (fetches.1, fetches.2));
    }
    // The key may be a new one of this issuer, or one of the unavailable issuer.
    let untrusted = key("untrusted");
    let unknown = check(&gate, &issuers, &token(&untrusted, CLAIMS), later);
    assert_eq!(refused(unknown), (503, ReasonCode::IssuerKeysUnavailable));
    assert_eq!((third.fetches(), up.fetches()), (2, 2));
}

#[test]
fn an_unknown_key_is_503_while_others_fetch_and_no_room_is_left_to_wait() {
    let (known, strange) = (key("known"), key("strange"));
    let issuer = Issuer::new([set([&known])]);
    let gate = gate_of(&[&issuer], &Guard::authenticated());
    let start = Instant::now();
    let later = start + Duration::from_secs(60);
    admitted(check(&gate, &[&issuer], &token(&known, CLAIMS), start));
    let remote = issuer.client.remote();
    let RefreshStep::Fetch(turn) = remote.step(Refresh::UnknownKid, later) else {
        panic!("no fetch")
    };
    let _waiting: Vec<_> = (0..2)
        .map(|_| remote.step(Refresh::UnknownKid, later))
        .collect();
    let unknown = check(&gate, &[&issuer], &token(&strange, CLAIMS), later);
    assert_eq!(refused(unknown), (503, ReasonCode::IssuerKeysUnavailable));
    let again = retry_after(&gate, &[&issuer], &token(&strange, CLAIMS), later);
    assert_eq!(again, Some(1));
    admitted(check(&gate, &[&issuer], &token(&known, CLAIMS), later));
    let jwks = set([&known]).unwrap().to_jwks();
    let response = Response {
        status: 200,
        cache_control: None,
        body: jwks.into_bytes(),
    };
    turn.finish(Ok(response), later).keys().unwrap();
    let unknown = check(&gate, &[&issuer], &token(&strange, CLAIMS), later);
    assert_eq!(refused(unknown), (401, ReasonCode::KeyNotFound));
}

#[test]
fn a_token_of_another_backend_causes_no_fetch() {
    let known = key("known");
    let issuer = Issuer::new([set([&known])]);
    let gate = Gate::new([issuer.backend(), jwt().into()], &Guard::authenticated()).unwrap();
    let start = Instant::now();
    let now = start + Duration::from_secs(60);
    admitted(check(&gate, &[&issuer], &token(&known, CLAIMS), start));
    let caller = admitted(check(&gate, &[&issuer], &bearer(CLAIMS), now));
    assert!(caller.claims().is_some());
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn algorithms_with_secrets_are_a_config_error_for_issuers() {
    let remote = || Arc::clone(Issuer::new([]).client.remote());
    let error = |algorithms: &[Algorithm]| {
        JwtBackend::with_remote_keys(remote(), algorithms, ClaimsPolicy::new()).unwrap_err()
    };
    assert_eq!(error(&[]), ConfigError::NoKeys);
    assert_eq!(
        error(&[Algorithm::Hs256]),
        ConfigError::Symmetric(Algorithm::Hs256)
    );
    assert_eq!(
        error(&[Algorithm::Rs256]),
        ConfigError::NoKeyFor(Algorithm::Rs256)
    );
}

/// An edge that returns these results for an issuer's keys and for a backend.
struct Rejecting<'i> {
    issuer: Issuers<'i>,
    found: Authentication,
    calls: usize,
}

impl Edge for Rejecting<'_> {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }

    fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        let Issuers(issuers, now) = self.issuer;
        match issuers[0].client.refresh(need.refresh(), now) {
            Ok(_) => Refreshed::Done,
            Err(_) => Refreshed::Unavailable,
        }
    }

    fn authenticate(&mut self, _: &EdgeAuthentication) -> Authentication {
        self.calls += 1;
        self.found.clone()
    }
}

#[test]
fn a_rejection_by_the_edge_outlives_the_refresh_for_an_unknown_key() {
    let (known, unknown) = (key("known"), key("unknown"));
    let value = token(&unknown, CLAIMS);
    let headers = [("authorization", value.as_str())];
    let start = Instant::now();
    let later = start + Duration::from_secs(120);
    let refused_with = |responses: [Option<KeySet>; 2], first: bool, reason| {
        let issuer = Issuer::new(responses);
        let session = EdgeBackend::new("session").into();
        let backends = match first {
            true => [session, issuer.backend()],
            false => [issuer.backend(), session],
        };
        let gate = Gate::new(backends, &Guard::authenticated()).unwrap();
        issuer.client.refresh(Refresh::IfStale, start).unwrap();
        let mut edge = Rejecting {
            issuer: Issuers(&[&issuer], later),
            found: Authentication::Failed(reason),
            calls: 0,
        };
        let outcome = gate.check_blocking(&headers, || Now::at(NOW, later), &mut edge);
        assert_eq!((edge.calls, issuer.fetches()), (1, 2));
        refused(outcome)
    };
    let current = || [set([&known]), set([&known])];
    let (inactive, invalid) = (ReasonCode::UserInactive, ReasonCode::CredentialsInvalid);
    for first in [true, false] {
        // An inactive user got further than a token of an unknown key.
        let verdict = refused_with(current(), first, inactive);
        assert_eq!(verdict, (401, inactive));
        // The token may be genuine if the refresh fails.
        let verdict = refused_with([set([&known]), None], first, inactive);
        assert_eq!(verdict, (503, ReasonCode::IssuerKeysUnavailable));
    }
    // The first of two backends that got equally far.
    assert_eq!(refused_with(current(), true, invalid), (401, invalid));
    assert_eq!(
        refused_with(current(), false, invalid),
        (401, ReasonCode::KeyNotFound)
    );
}
