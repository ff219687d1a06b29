//! The entrants of Boltguard.

use std::hint::black_box;
use std::sync::Arc;

use boltguard::guard::{CompiledGuard, Guard};
use boltguard::jws::Verifier;
use boltguard::jwt::{Claims, ClaimsPolicy};
use boltguard::keys::{Algorithm, KeySet};
use boltguard::mint::Minter;
use boltguard::revocation::MemoryRevocation;
use boltguard::types::NumericDate;
use boltguard::{Gate, HeaderName, JwtBackend, Outcome, Revocation, Step, headers};
use boltguard_testing::keys;

use crate::claims::{self, ISSUER, LIFETIME, SUBJECT, USERNAME};

pub(crate) const NAME: &str = "boltguard";

/// A service that verifies and admits tokens without a gate.
pub(crate) struct Admission {
    verifier: Verifier,
    policy: ClaimsPolicy,
    guard: CompiledGuard,
    now: NumericDate,
}

impl Admission {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self {
            verifier: Verifier::new(KeySet::from(keys::verifying_key(algorithm))),
            policy: ClaimsPolicy::new().with_issuer([ISSUER]),
            guard: guard().compile().expect("the guard is valid"),
            now: claims::now(),
        }
    }

    /// Verifies a token, and returns whether it is admitted.
    #[inline]
    pub(crate) fn admits(&self, token: &str) -> bool {
        let Ok(jws) = self.verifier.verify(black_box(token)) else {
            return false;
        };
        let Ok(claims) = Claims::read(jws, self.guard.requirements()) else {
            return false;
        };
        match self.policy.admit(claims, self.now) {
            Ok(admitted) => {
                black_box(&admitted);
                true
            }
            Err(_) => false,
        }
    }
}

/// Returns the work of admitting a token, which must have the expected result.
pub(crate) fn admit(algorithm: Algorithm, token: String, expected: bool) -> impl FnMut() -> bool {
    let admission = Admission::new(algorithm);
    assert_eq!(admission.admits(&token), expected);
    move || admission.admits(&token)
}

/// A service with a gate, which checks the header, the token, the revocation list and the guard.
pub(crate) struct GateService {
    gate: Gate,
}

impl GateService {
    /// Creates a service. The cache of verified tokens has the given capacity, or is disabled if it is zero.
    pub(crate) fn new(algorithm: Algorithm, cache: usize) -> Self {
        Self {
            gate: gate(algorithm, cache),
        }
    }

    /// Returns whether a request with this `Authorization` header is admitted.
    #[inline]
    pub(crate) fn admits(&self, value: &str) -> bool {
        let look_up = |name: &HeaderName| (name.as_str() == "authorization").then_some(value);
        let step = self
            .gate
            .evaluate(black_box(&headers(look_up)), claims::now());
        matches!(black_box(step), Step::Done(Outcome::Admitted(_)))
    }
}

/// Returns a gate with a revocation list. The cache of verified tokens has the given capacity, or is disabled if it is
/// zero.
pub(crate) fn gate(algorithm: Algorithm, cache: usize) -> Gate {
    let store = MemoryRevocation::new();
    let _ = store.revoke("another", None, claims::now());
    let backend = JwtBackend::new(
        KeySet::from(keys::verifying_key(algorithm)),
        &[algorithm],
        ClaimsPolicy::new().with_issuer([ISSUER]),
    )
    .expect("the key matches the algorithm")
    .with_revocation(Revocation::InProcess(Arc::new(store)))
    .with_cache(cache)
    .expect("the capacity is valid");
    Gate::new([backend.into()], &guard()).expect("the guard is valid")
}

/// Returns the work of checking requests with these tokens in turn, with a cache of the given capacity.
pub(crate) fn check_requests(
    algorithm: Algorithm,
    tokens: &[String],
    cache: usize,
) -> impl FnMut() -> bool + use<> {
    let service = GateService::new(algorithm, cache);
    let values: Vec<String> = tokens
        .iter()
        .map(|token| format!("Bearer {token}"))
        .collect();
    assert!(values.iter().all(|value| service.admits(value)));
    let mut index = 0;
    move || {
        index = (index + 1) % values.len();
        service.admits(&values[index])
    }
}

/// Returns the work of issuing a token with a number of permissions.
pub(crate) fn mint(algorithm: Algorithm, size: usize) -> impl FnMut() -> String {
    let minter = Minter::new(keys::signing_key(algorithm));
    let permissions = claims::permissions(size);
    move || {
        let mut token = minter
            .token(black_box(SUBJECT), LIFETIME)
            .issuer(ISSUER)
            .claim("is_staff", &false)
            .claim("is_superuser", &false)
            .claim("username", USERNAME);
        if !permissions.is_empty() {
            token = token.permissions(black_box(&permissions));
        }
        let minted = token.sign(claims::now());
        minted.expect("the claims are valid").token
    }
}

/// Returns a guard that allows tokens with and without permissions.
fn guard() -> Guard {
    r#"authenticated & ~perm("blog.banned") | perm("shop.change_model001")"#
        .parse()
        .expect("the guard is valid")
}
