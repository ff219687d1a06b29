//! Boltguard's entrants.

use std::hint::black_box;
use std::mem;
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
            guard: guard().compile(),
            now: claims::now(),
        }
    }

    /// Verifies and admits a token. The buffer is used for one token after the other.
    #[inline]
    pub(crate) fn admits(&self, token: &str, buffer: &mut Vec<u8>) -> bool {
        let Ok(jws) = self
            .verifier
            .verify_into(black_box(token), mem::take(buffer))
        else {
            return false;
        };
        let Ok(claims) = Claims::read(jws, self.guard.wanted()) else {
            return false;
        };
        match self.policy.admit(claims, self.now) {
            Ok(admitted) => {
                *buffer = black_box(admitted).into_buffer();
                true
            }
            Err(_) => false,
        }
    }
}

/// The work of admitting `token`, which succeeds or not as expected.
pub(crate) fn admit(algorithm: Algorithm, token: String, expected: bool) -> impl FnMut() -> bool {
    let admission = Admission::new(algorithm);
    let mut buffer = Vec::new();
    assert_eq!(admission.admits(&token, &mut buffer), expected);
    move || admission.admits(&token, &mut buffer)
}

/// The work of a request: header, token, deny-list, guard.
pub(crate) fn pass_gate(token: &str) -> impl FnMut() -> bool + use<> {
    let store = MemoryRevocation::new();
    let _ = store.revoke("another", None, claims::now());
    let backend = JwtBackend::new(
        KeySet::from(keys::verifying_key(Algorithm::Hs256)),
        &[Algorithm::Hs256],
        ClaimsPolicy::new().with_issuer([ISSUER]),
    )
    .expect("the key serves the algorithm")
    .with_revocation(Revocation::Local(Arc::new(store)));
    let gate = Gate::new([backend.into()], &guard());
    let value = format!("Bearer {token}");
    let pass = move || {
        let header =
            |name: &HeaderName| (name.as_str() == "authorization").then_some(value.as_str());
        let outcome = gate.check(black_box(header), claims::now());
        matches!(black_box(outcome), Outcome::Admitted(_))
    };
    assert!(pass());
    pass
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
