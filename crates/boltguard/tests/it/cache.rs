//! The cache of verified tokens.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use boltguard::guard::Guard;
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, PrivateKey, Secret, SigningKey, VerifyingKey};
use boltguard::revocation::{MemoryRevocation, RevocationStore};
use boltguard::types::{NumericDate, Permission, ReasonCode};
use boltguard::{Backend, ConfigError, Gate, JwtBackend, MAX_CACHED_TOKENS, Outcome, Revocation};

use crate::support::{NOW, admitted, check, done, gate, jwt, refused, revocation_check};

const CLAIMS: &str = r#"{"sub":"42","jti":"a","exp":1300819380,"permissions":["blog.add"]}"#;

fn signing_key() -> SigningKey {
    let key = Key::from(PrivateKey::generate(Algorithm::EdDsa).unwrap());
    SigningKey::new(&key, Algorithm::EdDsa).unwrap()
}

fn trusting(key: &SigningKey) -> KeySet {
    KeySet::from(key.verifying_key().clone())
}

fn backend(key: &SigningKey, policy: ClaimsPolicy) -> JwtBackend {
    JwtBackend::new(trusting(key), &[Algorithm::EdDsa], policy).unwrap()
}

fn signed(claims: &str, key: &SigningKey) -> String {
    let token = sign(claims.as_bytes(), &HeaderFields::new(), key).unwrap();
    format!("Bearer {token}")
}

/// A gate for authenticated callers, and its backend.
fn known(backend: JwtBackend) -> (Gate, Arc<JwtBackend>) {
    let backend = Arc::new(backend);
    let gate = gate(
        [Backend::Jwt(Arc::clone(&backend))],
        &Guard::authenticated(),
    );
    (gate, backend)
}

fn check_token(gate: &Gate, value: &str, now: NumericDate) -> Outcome {
    done(gate.evaluate(&[("authorization", value)], now))
}

fn ask_now(gate: &Gate, value: &str) -> Outcome {
    check(gate, &[("authorization", value)])
}

fn later(seconds: u64) -> NumericDate {
    NOW + Duration::from_secs(seconds)
}

#[test]
fn nothing_is_cached_by_default() {
    let key = signing_key();
    let (gate, backend) = known(backend(&key, ClaimsPolicy::new()));
    admitted(ask_now(&gate, &signed(CLAIMS, &key)));
    assert_eq!(backend.cached_tokens(), 0);
}

#[test]
fn a_cached_token_has_the_same_result() {
    let key = signing_key();
    let (gate, backend) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(CLAIMS, &key);
    let first = admitted(ask_now(&gate, &token));
    assert_eq!(backend.cached_tokens(), 1);
    let again = admitted(ask_now(&gate, &token));
    assert_eq!(backend.cached_tokens(), 1);
    assert_eq!(first.principal(), again.principal());
    assert_eq!(again.user_id().as_deref(), Some("42"));
    assert_eq!(again.permissions(), ["blog.add"]);
}

#[test]
fn a_cache_that_would_stay_empty_is_a_config_error() {
    assert_eq!(
        jwt().with_cache(10).err(),
        Some(ConfigError::NothingToCache)
    );
    assert!(jwt().with_cache(0).is_ok());
}

#[test]
fn a_cache_without_bounds_is_a_config_error() {
    let with_cache = |size| backend(&signing_key(), ClaimsPolicy::new()).with_cache(size);
    for size in [MAX_CACHED_TOKENS + 1, usize::MAX] {
        assert_eq!(with_cache(size).err(), Some(ConfigError::CacheSize));
    }
    assert!(with_cache(MAX_CACHED_TOKENS).is_ok());
}

#[test]
fn only_tokens_of_public_keys_are_cached() {
    let public = signing_key();
    let secret = Secret::new(b"a secret that is thirty-two bytes").unwrap();
    let secret = SigningKey::new(&Key::from(secret), Algorithm::Hs256).unwrap();
    let keys = trusting(&public).and(trusting(&secret));
    let algorithms = [Algorithm::EdDsa, Algorithm::Hs256];
    let backend = JwtBackend::new(keys, &algorithms, ClaimsPolicy::new()).unwrap();
    let (gate, backend) = known(backend.with_cache(10).unwrap());
    admitted(ask_now(&gate, &signed(CLAIMS, &secret)));
    assert_eq!(backend.cached_tokens(), 0);
    admitted(ask_now(&gate, &signed(CLAIMS, &public)));
    assert_eq!(backend.cached_tokens(), 1);
}

#[test]
fn a_cached_token_with_any_changed_character_is_refused() {
    let key = signing_key();
    let (gate, backend) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(CLAIMS, &key);
    admitted(ask_now(&gate, &token));
    let start = "Bearer ".len();
    for at in start..token.len() {
        let other = if token.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut changed = token.clone();
        changed.replace_range(at..=at, other);
        assert_eq!(refused(ask_now(&gate, &changed)).0, 401, "{at}");
    }
    for changed in [
        &token[..token.len() - 1],
        &format!("{token}A"),
        &format!("{} {}", &token[..start], &token[start + 1..]),
    ] {
        assert_eq!(refused(ask_now(&gate, changed)).0, 401);
    }
    admitted(ask_now(&gate, &token));
    assert_eq!(backend.cached_tokens(), 1);
}

#[test]
fn claims_are_not_admitted_with_the_signature_of_others() {
    let key = signing_key();
    let (gate, _) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(CLAIMS, &key);
    admitted(ask_now(&gate, &token));
    // Both have the same end, which is hashed.
    let other = signed(&CLAIMS.replace("42", "43"), &signing_key());
    let signature = token.rsplit_once('.').unwrap().1;
    let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    assert_eq!(forged.len(), token.len());
    assert_eq!(
        refused(ask_now(&gate, &forged)),
        (401, ReasonCode::SignatureInvalid)
    );
}

#[test]
fn a_cached_token_expires() {
    let key = signing_key();
    let (gate, _) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(CLAIMS, &key);
    admitted(check_token(&gate, &token, later(0)));
    admitted(check_token(&gate, &token, later(379)));
    let expired = (401, ReasonCode::TokenExpired);
    assert_eq!(refused(check_token(&gate, &token, later(380))), expired);
}

#[test]
fn a_token_in_its_leeway_is_verified_and_not_cached() {
    let key = signing_key();
    let policy = ClaimsPolicy::new().with_leeway(Duration::from_secs(60));
    let (gate, backend) = known(backend(&key, policy).with_cache(10).unwrap());
    let token = signed(CLAIMS, &key);
    admitted(check_token(&gate, &token, later(400)));
    assert_eq!(backend.cached_tokens(), 0);
    admitted(check_token(&gate, &token, later(0)));
    assert_eq!(backend.cached_tokens(), 1);
    admitted(check_token(&gate, &token, later(439)));
    let expired = (401, ReasonCode::TokenExpired);
    assert_eq!(refused(check_token(&gate, &token, later(440))), expired);
    assert_eq!(backend.cached_tokens(), 1);
}

#[test]
fn a_cached_token_is_not_valid_before_nbf() {
    let key = signing_key();
    let (gate, backend) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(r#"{"sub":"42","nbf":1300819010,"exp":1300819380}"#, &key);
    admitted(check_token(&gate, &token, later(10)));
    assert_eq!(backend.cached_tokens(), 1);
    let early = (401, ReasonCode::TokenNotYetValid);
    assert_eq!(refused(check_token(&gate, &token, later(9))), early);
}

#[test]
fn a_refused_token_is_not_cached() {
    let key = signing_key();
    let (gate, backend) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    for claims in [
        r#"{"sub":"42","exp":1}"#,
        r#"{"sub":"42"}"#,
        r#"{"sub":"42","aud":"shop","exp":1300819380}"#,
        "[]",
    ] {
        assert_eq!(refused(ask_now(&gate, &signed(claims, &key))).0, 401);
    }
    assert_eq!(
        refused(ask_now(&gate, &signed(CLAIMS, &signing_key()))).0,
        401
    );
    assert_eq!(backend.cached_tokens(), 0);
}

#[test]
fn a_cached_token_is_refused_once_it_is_revoked() {
    let key = signing_key();
    let store = Arc::new(MemoryRevocation::new());
    let revocation = Revocation::InProcess(Arc::clone(&store) as Arc<dyn RevocationStore>);
    let (gate, backend) = known(
        backend(&key, ClaimsPolicy::new())
            .with_revocation(revocation)
            .with_cache(10)
            .unwrap(),
    );
    let token = signed(CLAIMS, &key);
    admitted(ask_now(&gate, &token));
    assert_eq!(backend.cached_tokens(), 1);
    store.revoke("a", None, NOW).unwrap();
    assert_eq!(
        refused(ask_now(&gate, &token)),
        (401, ReasonCode::TokenRevoked)
    );
}

#[test]
fn a_cached_token_is_checked_in_an_external_store() {
    let key = signing_key();
    let (gate, _) = known(
        backend(&key, ClaimsPolicy::new())
            .with_revocation(Revocation::External)
            .with_cache(10)
            .unwrap(),
    );
    let token = signed(CLAIMS, &key);
    for _ in 0..3 {
        let need = revocation_check(&gate, &[("authorization", &token)]);
        assert_eq!(need.token_id(), "a");
    }
}

#[test]
fn replacing_keys_clears_the_cache() {
    let (old, new) = (signing_key(), signing_key());
    let (gate, backend) = known(backend(&old, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(CLAIMS, &old);
    admitted(ask_now(&gate, &token));
    backend.replace_keys(trusting(&new));
    assert_eq!(backend.cached_tokens(), 0);
    assert_eq!(
        refused(ask_now(&gate, &token)),
        (401, ReasonCode::SignatureInvalid)
    );
    // The capacity is unchanged.
    admitted(ask_now(&gate, &signed(CLAIMS, &new)));
    assert_eq!(backend.cached_tokens(), 1);
}

#[test]
fn fetching_the_same_keys_keeps_the_cache() {
    let key = signing_key();
    let (gate, backend) = known(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let token = signed(CLAIMS, &key);
    admitted(ask_now(&gate, &token));
    let public = Key::from(key.verifying_key().public_key().unwrap().clone());
    let again = VerifyingKey::new(&public, Algorithm::EdDsa).unwrap();
    backend.replace_keys(KeySet::from(again.clone()));
    assert_eq!(backend.cached_tokens(), 1);
    // With another `kid`, it verifies other tokens.
    backend.replace_keys(KeySet::from(again.with_key_id("a")));
    assert_eq!(backend.cached_tokens(), 0);
}

#[test]
fn each_guard_reads_its_own_requirements_of_a_cached_token() {
    let key = signing_key();
    let backend = Backend::from(backend(&key, ClaimsPolicy::new()).with_cache(10).unwrap());
    let guard = |name: &str| Guard::permission(Permission::new(name).unwrap());
    let token = signed(CLAIMS, &key);
    // More guards than the number of results that are cached per token.
    let names = [
        "blog.add",
        "blog.drop",
        "a.a",
        "blog.add",
        "b.b",
        "c.c",
        "blog.add",
        "blog.drop",
    ];
    let gates = names.map(|name| gate([backend.clone()], &guard(name)));
    for _ in 0..3 {
        for (name, gate) in names.iter().zip(&gates) {
            let outcome = ask_now(gate, &token);
            assert_eq!(
                matches!(outcome, Outcome::Admitted(_)),
                *name == "blog.add",
                "{name}"
            );
        }
    }
    // A guard with more requirements has different results.
    let both = gate([backend], &(guard("blog.drop") | guard("blog.add")));
    admitted(ask_now(&both, &token));
}

#[test]
fn the_capacity_of_the_cache_is_not_exceeded() {
    let key = signing_key();
    for capacity in [1, 2, 10, 64] {
        let (gate, backend) = known(
            backend(&key, ClaimsPolicy::new())
                .with_cache(capacity)
                .unwrap(),
        );
        for number in 0..4 * capacity {
            let token = signed(&CLAIMS.replace("42", &number.to_string()), &key);
            for _ in 0..2 {
                let caller = admitted(ask_now(&gate, &token));
                assert_eq!(caller.user_id().as_deref(), Some(&*number.to_string()));
            }
            assert!((1..=capacity).contains(&backend.cached_tokens()));
        }
        assert!(backend.cached_tokens() >= capacity / 2);
    }
}

#[test]
fn keys_are_replaced_while_cached_tokens_are_checked() {
    let keys = [signing_key(), signing_key()];
    let (gate, backend) = known(
        backend(&keys[0], ClaimsPolicy::new())
            .with_cache(4)
            .unwrap(),
    );
    let tokens: Vec<_> = (0..8)
        .map(|number| {
            signed(
                &CLAIMS.replace("42", &number.to_string()),
                &keys[number % 2],
            )
        })
        .collect();
    let bring = || {
        for _ in 0..200 {
            for (number, token) in tokens.iter().enumerate() {
                match ask_now(&gate, token) {
                    Outcome::Admitted(caller) => {
                        assert_eq!(caller.user_id().as_deref(), Some(&*number.to_string()));
                    }
                    Outcome::Refused(refusal) => {
                        assert_eq!(refusal.reason(), ReasonCode::SignatureInvalid);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(bring), scope.spawn(bring)];
        let mut turn = 0;
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            turn += 1;
            let key = &keys[turn % 2];
            backend.replace_keys(trusting(key));
            // Once the keys are replaced, no token of the other key is accepted, even if it was cached.
            let other = &tokens[(turn + 1) % 2];
            assert_eq!(
                refused(ask_now(&gate, other)).1,
                ReasonCode::SignatureInvalid
            );
        }
    });
}
