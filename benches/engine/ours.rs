//! Boltguard's entrants.

use std::hint::black_box;
use std::sync::Arc;

use boltguard::guard::{CompiledGuard, Guard};
use boltguard::jws::Verifier;
use boltguard::jwt::{Claims, ClaimsPolicy};
use boltguard::keys::{Algorithm, KeySet};
use boltguard::mint::Minter;
use boltguard::revocation::MemoryRevocation;
use boltguard::types::NumericDate;
use boltguard::{Gate, HeaderName, JwtBackend, Outcome, Revocation};
use boltguard_testing::keys;

use crate::claims::{self, ISSUER, LIFETIME, SUBJECT, USERNAME};

pub(crate) const NAME: &str = "boltguard";

/// What a service has that admits tokens by itself.
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
            guard: guard().compile().expect("a small guard"),
            now: claims::now(),
        }
    }

    /// Verifies and admits a token.
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

/// The work of admitting `token`, which succeeds or not as expected.
pub(crate) fn admit(algorithm: Algorithm, token: String, expected: bool) -> impl FnMut() -> bool {
    let admission = Admission::new(algorithm);
    assert_eq!(admission.admits(&token), expected);
    move || admission.admits(&token)
}

/// What a service has that leaves requests to a gate: header, token, deny-list, guard.
pub(crate) struct Entrance {
    gate: Gate,
}

impl Entrance {
    /// With a cache of verified tokens, if its capacity is not zero.
    pub(crate) fn new(algorithm: Algorithm, cache: usize) -> Self {
        let store = MemoryRevocation::new();
        let _ = store.revoke("another", None, claims::now());
        let backend = JwtBackend::new(
            KeySet::from(keys::verifying_key(algorithm)),
            &[algorithm],
            ClaimsPolicy::new().with_issuer([ISSUER]),
        )
        .expect("the key serves the algorithm")
        .with_revocation(Revocation::InProcess(Arc::new(store)))
        .with_cache(cache)
        .expect("a cache that is of use");
        let gate = Gate::new([backend.into()], &guard()).expect("a small guard");
        Self { gate }
    }

    /// Whether a request with this `Authorization` is admitted.
    #[inline]
    pub(crate) fn admits(&self, value: &str) -> bool {
        let header = |name: &HeaderName| (name.as_str() == "authorization").then_some(value);
        let outcome = self.gate.check(black_box(header), claims::now());
        matches!(black_box(outcome), Outcome::Admitted(_))
    }
}

/// The work of letting requests with these tokens in, one after the other, which a cache of so many may help with.
pub(crate) fn enter(
    algorithm: Algorithm,
    tokens: &[String],
    cache: usize,
) -> impl FnMut() -> bool + use<> {
    let entrance = Entrance::new(algorithm, cache);
    let values: Vec<String> = tokens
        .iter()
        .map(|token| format!("Bearer {token}"))
        .collect();
    assert!(values.iter().all(|value| entrance.admits(value)));
    let mut place = 0;
    move || {
        place = (place + 1) % values.len();
        entrance.admits(&values[place])
    }
}

/// The work of minting a token with so many permissions.
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
        token.sign(claims::now()).expect("the claims are good")
    }
}

/// Holds for a token with permissions as for one without.
fn guard() -> Guard {
    r#"authenticated & ~perm("blog.banned") | perm("shop.change_model001")"#
        .parse()
        .expect("it is a guard")
}
