//! Claims of tokens that are used repeatedly.

use std::fmt;
use std::sync::OnceLock;

use boltguard_grants::{GrantSet, Requirements};
use boltguard_types::NumericDate;

use crate::{AdmittedClaims, Claims, ClaimsError, ClaimsPolicy};

/// The claims of a verified token, cached for its next use.
///
/// [`ClaimsPolicy::admit_cached`](crate::ClaimsPolicy::admit_cached) validates them each time.
///
/// ```
/// use boltguard_jws::{HeaderFields, Verifier, sign};
/// use boltguard_jwt::{Claims, ClaimsError, ClaimsPolicy, CachedClaims};
/// use boltguard_keys::{Algorithm, Key, KeySet, SigningKey};
/// use boltguard_grants::Requirements;
/// use boltguard_types::NumericDate;
///
/// let key = SigningKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?;
/// let token = sign(br#"{"sub":"42","exp":1300819380}"#, &HeaderFields::new(), &key)?;
/// let verifier = Verifier::new(KeySet::from(key.verifying_key().clone()));
/// let (policy, requirements) = (ClaimsPolicy::new(), Requirements::new());
///
/// let cached = CachedClaims::new(&Claims::read(verifier.verify(&token)?, &requirements)?);
/// let admit = |now| policy.admit_cached(&cached, &requirements, NumericDate::from_secs(now));
/// assert_eq!(admit(1_300_819_379)?.subject().as_deref(), Some("42"));
/// assert!(matches!(admit(1_300_819_380), Err(ClaimsError::Expired { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CachedClaims {
    claims: Claims<'static>,
    /// The requirements of the first guards that the claims meet.
    grant_set: [OnceLock<GrantSet>; GUARDS],
}

/// The number of guards whose grants are cached; for other guards, they are read from the payload.
const GUARDS: usize = 4;

impl CachedClaims {
    /// Copies the claims.
    #[must_use]
    pub fn new(claims: &Claims<'_>) -> Self {
        let mut claims = claims.clone().into_owned();
        claims.body.registered.grant_set = GrantSet::default();
        Self {
            claims,
            grant_set: Default::default(),
        }
    }

    /// Determines which of the `requirements` the claims meet.
    #[inline]
    pub(crate) fn grants_for(&self, requirements: &Requirements) -> GrantSet {
        let mut cached = self.grant_set.iter().filter_map(OnceLock::get);
        match cached.find(|grant_set| grant_set.was_read_for(requirements)) {
            Some(grant_set) => grant_set.clone(),
            None => self.read_grants(requirements),
        }
    }

    #[cold]
    fn read_grants(&self, requirements: &Requirements) -> GrantSet {
        let grant_set = self.claims.body.grants_for(requirements);
        let mut cached = grant_set.clone();
        for place in &self.grant_set {
            match place.set(cached) {
                Ok(()) => break,
                Err(taken) => cached = taken,
            }
        }
        grant_set
    }

    #[inline]
    pub(crate) fn claims(&self) -> &Claims<'static> {
        &self.claims
    }
}

impl ClaimsPolicy {
    /// Validates a copy of cached claims at the time `now`, and determines which of the `requirements` they meet.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    #[inline]
    pub fn admit_cached(
        &self,
        cached: &CachedClaims,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Result<AdmittedClaims, ClaimsError> {
        let claims = cached.claims();
        self.check(claims, now)?;
        let mut body = claims.body.clone();
        if self.has_grant_sources() || requirements.has_fresh_auth() {
            body.registered.grant_set = GrantSet::default();
            return Ok(AdmittedClaims::new(body, self, now)?.with_requirements(requirements));
        }
        body.registered.grant_set = cached.grants_for(requirements);
        AdmittedClaims::new(body, self, now)
    }
}

/// Hides the claims.
impl fmt::Debug for CachedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedClaims").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use boltguard_grants::ClaimTest;
    use boltguard_jws::{HeaderFields, Verifier, sign};
    use boltguard_keys::{Algorithm, Key, KeySet, SigningKey};
    use boltguard_types::Permission;

    use super::*;

    const PAYLOAD: &str = r#"{"sub":"4\u0032","exp":2000,"nbf":1000,"uid":7,
        "permissions":["blog.add","shop.*"],"scope":"read write","amr":["pwd"]}"#;

    fn read(header: &HeaderFields, requirements: &Requirements) -> (CachedClaims, Claims<'static>) {
        let key = Key::generate(Algorithm::Hs256).unwrap();
        let key = SigningKey::new(&key, Algorithm::Hs256).unwrap();
        let token = sign(PAYLOAD.as_bytes(), header, &key).unwrap();
        let verifier = Verifier::new(KeySet::from(key.verifying_key().clone()));
        let claims = Claims::read(verifier.verify(&token).unwrap(), requirements).unwrap();
        (CachedClaims::new(&claims), claims.into_owned())
    }

    fn requirements() -> Requirements {
        let mut requirements = Requirements::new();
        requirements.permission(&Permission::new("shop.view").unwrap());
        requirements.permission(&Permission::new("blog.drop").unwrap());
        requirements.scope("write");
        requirements.claim(&ClaimTest::new("amr").any_of(["pwd"]));
        requirements
    }

    /// The content of admitted claims.
    fn content(claims: crate::AdmittedClaims) -> (GrantSet, String, Option<String>) {
        let user_id = claims.user_id().map(|id| id.as_str().to_owned());
        (
            claims.grant_set().clone(),
            claims.as_json().to_owned(),
            user_id,
        )
    }

    #[test]
    fn cached_claims_are_admitted_like_new_ones() {
        let requirements = requirements();
        let policies = [
            ClaimsPolicy::new(),
            ClaimsPolicy::new().with_user_id_claim("uid"),
            ClaimsPolicy::new().with_leeway(Duration::from_secs(5)),
            ClaimsPolicy::new().with_type("at+jwt"),
            ClaimsPolicy::new().with_audience(["shop"]),
            ClaimsPolicy::new().with_subject("42"),
            ClaimsPolicy::new().with_required(["jti"]),
        ];
        for header in [
            HeaderFields::new(),
            HeaderFields::empty().with("typ", "at+jwt"),
        ] {
            let (cached, claims) = read(&header, &requirements);
            for (number, policy) in policies.iter().enumerate() {
                for now in [999, 1000, 1999, 2000, 2004, 2005].map(NumericDate::from_secs) {
                    let again = policy.admit_cached(&cached, &requirements, now);
                    let first = policy.admit(claims.clone(), now);
                    assert_eq!(again.map(content), first.map(content), "{number} {now}");
                }
            }
        }
    }

    #[test]
    fn grants_are_found_for_any_requirements() {
        let requirements = requirements();
        let (cached, _) = read(&HeaderFields::new(), &Requirements::new());
        let (_, claims) = read(&HeaderFields::new(), &requirements);
        assert_eq!(
            cached.grants_for(&requirements),
            claims.body.registered.grant_set
        );
        assert_ne!(
            cached.grants_for(&requirements),
            requirements.reader().finish()
        );
        assert!(
            cached
                .grants_for(&Requirements::new())
                .was_read_for(&Requirements::new())
        );
    }

    #[test]
    fn grants_of_other_claims_are_read_each_time() {
        let roles = [crate::ClaimPath::new("amr").unwrap()];
        let policy = ClaimsPolicy::new().with_roles_from(roles);
        let other = ClaimsPolicy::new();
        let mut requirements = Requirements::new();
        let role = requirements.role("pwd");
        let (cached, _) = read(&HeaderFields::new(), &requirements);
        let now = NumericDate::from_secs(1500);
        for _ in 0..2 {
            let admit =
                |policy: &ClaimsPolicy| policy.admit_cached(&cached, &requirements, now).unwrap();
            assert!(admit(&policy).grant_set().contains(role));
            assert!(!admit(&other).grant_set().contains(role));
        }
    }
}
