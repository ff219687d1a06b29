//! Claims of tokens that come again.

use std::fmt;
use std::sync::OnceLock;

use boltguard_types::{Held, Wanted};

use crate::Claims;

/// The claims of a token whose signature was found good, kept for the next time that it comes.
///
/// No policy has admitted them: [`ClaimsPolicy::admit_kept`](crate::ClaimsPolicy::admit_kept) has to, each time.
///
/// ```
/// use boltguard_jws::{HeaderFields, Verifier, sign};
/// use boltguard_jwt::{Claims, ClaimsError, ClaimsPolicy, KeptClaims};
/// use boltguard_keys::{Algorithm, Key, KeySet, SigningKey};
/// use boltguard_types::{NumericDate, Wanted};
///
/// let key = SigningKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?;
/// let token = sign(br#"{"sub":"42","exp":1300819380}"#, &HeaderFields::new(), &key)?;
/// let verifier = Verifier::new(KeySet::from(key.verifying_key().clone()));
/// let (policy, wanted) = (ClaimsPolicy::new(), Wanted::new());
///
/// let kept = KeptClaims::new(&Claims::read(verifier.verify(&token)?, &wanted)?);
/// let admit = |now| policy.admit_kept(&kept, &wanted, NumericDate::from_secs(now));
/// assert_eq!(admit(1_300_819_379)?.subject().as_deref(), Some("42"));
/// assert_eq!(admit(1_300_819_380).unwrap_err(), ClaimsError::Expired);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeptClaims {
    claims: Claims<'static>,
    /// What the claims grant of what the first guards request.
    held: [OnceLock<Held>; GUARDS],
}

/// For this many guards the grants are kept with the claims; for others they are read again.
const GUARDS: usize = 4;

impl KeptClaims {
    /// Keeps a copy.
    #[must_use]
    pub fn new(claims: &Claims<'_>) -> Self {
        let mut claims = claims.clone().into_owned();
        claims.body.registered.held = Held::default();
        Self {
            claims,
            held: Default::default(),
        }
    }

    /// Which of the `wanted` grants the claims contain.
    #[inline]
    pub(crate) fn held_for(&self, wanted: &Wanted) -> Held {
        let mut kept = self.held.iter().filter_map(OnceLock::get);
        match kept.find(|held| held.is_of(wanted)) {
            Some(held) => held.clone(),
            None => self.read_held(wanted),
        }
    }

    #[cold]
    fn read_held(&self, wanted: &Wanted) -> Held {
        let held = self.claims.body.held_for(wanted);
        let mut kept = held.clone();
        for place in &self.held {
            match place.set(kept) {
                Ok(()) => break,
                Err(taken) => kept = taken,
            }
        }
        held
    }

    #[inline]
    pub(crate) fn claims(&self) -> &Claims<'static> {
        &self.claims
    }
}

/// Hides the claims.
impl fmt::Debug for KeptClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptClaims").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use boltguard_jws::{HeaderFields, Verifier, sign};
    use boltguard_keys::{Algorithm, Key, KeySet, SigningKey};
    use boltguard_types::{ClaimTest, NumericDate, Permission};

    use super::*;
    use crate::ClaimsPolicy;

    const PAYLOAD: &str = r#"{"sub":"4\u0032","exp":2000,"nbf":1000,"uid":7,
        "permissions":["blog.add","shop.*"],"scope":"read write","amr":["pwd"]}"#;

    fn read(header: &HeaderFields, wanted: &Wanted) -> (KeptClaims, Claims<'static>) {
        let key = Key::generate(Algorithm::Hs256).unwrap();
        let key = SigningKey::new(&key, Algorithm::Hs256).unwrap();
        let token = sign(PAYLOAD.as_bytes(), header, &key).unwrap();
        let verifier = Verifier::new(KeySet::from(key.verifying_key().clone()));
        let claims = Claims::read(verifier.verify(&token).unwrap(), wanted).unwrap();
        (KeptClaims::new(&claims), claims.into_owned())
    }

    fn questions() -> Wanted {
        let mut wanted = Wanted::new();
        wanted.permission(&Permission::new("shop.view").unwrap());
        wanted.permission(&Permission::new("blog.drop").unwrap());
        wanted.scope("write");
        wanted.claim(&ClaimTest::new("amr").any_of(["pwd"]));
        wanted
    }

    /// All that admitted claims say.
    fn told(claims: crate::AdmittedClaims) -> (Held, String, Option<String>) {
        let user_id = claims.user_id().map(|id| id.as_str().to_owned());
        (claims.held().clone(), claims.as_json().to_owned(), user_id)
    }

    #[test]
    fn kept_claims_are_admitted_as_they_were() {
        let wanted = questions();
        let policies = [
            ClaimsPolicy::new(),
            ClaimsPolicy::new().with_user_id_claim("uid"),
            ClaimsPolicy::new().with_leeway(Duration::from_secs(5)),
            ClaimsPolicy::new().with_type("at+jwt"),
            ClaimsPolicy::new().with_audience(["shop"]),
            ClaimsPolicy::new().with_subject("42"),
            ClaimsPolicy::new().requiring_only(["jti"]),
        ];
        for header in [
            HeaderFields::new(),
            HeaderFields::bare().with("typ", "at+jwt"),
        ] {
            let (kept, claims) = read(&header, &wanted);
            for (number, policy) in policies.iter().enumerate() {
                for now in [999, 1000, 1999, 2000, 2004, 2005].map(NumericDate::from_secs) {
                    let again = policy.admit_kept(&kept, &wanted, now);
                    let first = policy.admit(claims.clone(), now);
                    assert_eq!(again.map(told), first.map(told), "{number} {now}");
                }
            }
        }
    }

    #[test]
    fn grants_are_found_for_whoever_asks() {
        let wanted = questions();
        let (kept, _) = read(&HeaderFields::new(), &Wanted::new());
        let (_, claims) = read(&HeaderFields::new(), &wanted);
        assert_eq!(kept.held_for(&wanted), claims.body.registered.held);
        assert_ne!(kept.held_for(&wanted), wanted.reader().finish());
        assert!(kept.held_for(&Wanted::new()).is_of(&Wanted::new()));
    }
}
