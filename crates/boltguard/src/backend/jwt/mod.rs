//! Authentication by a JWT, [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1).

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use boltguard_grants::Requirements;
use boltguard_jwks::{AsyncFetch, AsyncJwksClient, KeyObserver, RemoteKeySet};
use boltguard_jws::{JwsError, UnverifiedJws};
use boltguard_jwt::{AdmittedClaims, CachedClaims, Claims, ClaimsPolicy, IgnoredGrant};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_types::{NumericDate, ReasonCode};

use super::{Attempt, BackendName, JWT_BACKEND};
use crate::credentials::check_schemes;
use crate::ignored_grants::IgnoredGrants;
use crate::key_generation::{KeyGeneration, is_cached};
use crate::token_cache::{CachedToken, MAX_CACHED_TOKENS, TokenCache};
use crate::{
    ConfigError, CredentialSource, DuplicateCookie, Failure, HeaderName, RequestParts, Scheme,
    TokenCookie,
};

mod revocation;
mod token_source;

pub use revocation::{Revocation, StoreFailurePolicy};

/// A backend for JWTs in a header or a cookie.
pub struct JwtBackend {
    name: BackendName,
    header: HeaderName,
    cookie: Option<TokenCookie>,
    /// The headers that are read, of which `Cookie` may be one.
    headers: Box<[HeaderName]>,
    schemes: Box<[Scheme]>,
    trusted: ArcSwap<KeyGeneration>,
    algorithms: Box<[Algorithm]>,
    policy: ClaimsPolicy,
    revocation: Revocation,
    on_store_failure: StoreFailurePolicy,
    remote: Option<Arc<RemoteKeySet>>,
    ignored_grants: IgnoredGrants,
}

impl JwtBackend {
    /// Creates a backend that reads tokens from the `Authorization` header, verifies them with those of the `keys` that
    /// are for one of the `algorithms`, RFC 8725 §3.1, and checks their claims with `policy`.
    ///
    /// The policy is one [for authentication](ClaimsPolicy::for_authentication): tokens require a subject, unless the
    /// policy makes it optional, and must not be marked as anything other than an access token.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::NoKeyFor`] if no key can be used with one of the `algorithms`.
    /// - [`ConfigError::NoKeys`] if there are no keys, or no algorithms.
    /// - [`ConfigError::Policy`] if the policy has a [mistake](ClaimsPolicy::check_settings).
    pub fn new(
        keys: KeySet,
        algorithms: &[Algorithm],
        policy: ClaimsPolicy,
    ) -> Result<Self, ConfigError> {
        if keys.is_empty() || algorithms.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        policy.check_settings().map_err(ConfigError::Policy)?;
        let served = |allowed: &&Algorithm| keys.algorithms().any(|served| served == **allowed);
        if let Some(missing) = algorithms.iter().find(|algorithm| !served(algorithm)) {
            return Err(ConfigError::NoKeyFor(*missing));
        }
        Ok(Self::trusting(
            keys.restricted_to(algorithms),
            algorithms,
            policy,
        ))
    }

    /// Creates a backend that trusts the fetched keys of another issuer, each with those of the `algorithms` that it
    /// can be used with.
    ///
    /// No token verifies before the first fetch, for which evaluations return
    /// [`Need::RefreshKeys`](crate::Need::RefreshKeys).
    ///
    /// # Errors
    ///
    /// - [`ConfigError::NoKeys`] if there are no algorithms.
    /// - [`ConfigError::NoKeyFor`] if the keys are not fetched for one of the `algorithms`, or
    ///   [`ConfigError::Symmetric`] if they can't be.
    /// - [`ConfigError::Policy`] if the policy has a [mistake](ClaimsPolicy::check_settings).
    pub fn with_remote_keys(
        keys: Arc<RemoteKeySet>,
        algorithms: &[Algorithm],
        policy: ClaimsPolicy,
    ) -> Result<Self, ConfigError> {
        if algorithms.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        policy.check_settings().map_err(ConfigError::Policy)?;
        for algorithm in algorithms {
            if algorithm.is_symmetric() {
                return Err(ConfigError::Symmetric(*algorithm));
            }
            if !keys.algorithms().contains(algorithm) {
                return Err(ConfigError::NoKeyFor(*algorithm));
            }
        }
        let mut backend = Self::trusting(KeySet::default(), algorithms, policy);
        backend.remote = Some(keys);
        Ok(backend)
    }

    /// Creates a backend that trusts the keys of a discovered issuer, for the algorithms of its client.
    ///
    /// Tokens must have this issuer, in addition to what the policy requires. Issuers that the policy already names are
    /// accepted, too, with the same keys: for an issuer whose tokens have several forms of its name.
    ///
    /// The keys are only fetched if the client is passed to a [`JwksEdge`](crate::JwksEdge), whose documentation has an
    /// example.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::NotDiscovered`] if the client fetches the keys from a configured URL.
    /// - [`ConfigError::Policy`] if the policy has a [mistake](ClaimsPolicy::check_settings).
    pub fn for_issuer<F: AsyncFetch>(
        client: &AsyncJwksClient<F>,
        policy: ClaimsPolicy,
    ) -> Result<Self, ConfigError> {
        let issuer = client.source().issuer().ok_or(ConfigError::NotDiscovered)?;
        let keys = Arc::clone(client.remote());
        let algorithms: Box<[Algorithm]> = keys.algorithms().into();
        Self::with_remote_keys(keys, &algorithms, policy.with_issuer([issuer]))
    }

    fn trusting(keys: KeySet, algorithms: &[Algorithm], policy: ClaimsPolicy) -> Self {
        Self {
            name: BackendName::Default(JWT_BACKEND),
            header: HeaderName::authorization(),
            cookie: None,
            headers: [HeaderName::authorization()].into(),
            schemes: [Scheme::bearer()].into(),
            trusted: ArcSwap::from_pointee(KeyGeneration::new(keys, 0)),
            algorithms: algorithms.into(),
            policy: policy.for_authentication(),
            revocation: Revocation::Disabled,
            on_store_failure: StoreFailurePolicy::FailClosed,
            remote: None,
            ignored_grants: IgnoredGrants::default(),
        }
    }

    /// Sets the name by which guards and contexts refer to the backend, instead of `jwt`.
    #[must_use]
    pub fn with_name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.name = BackendName::Given(name.into());
        self
    }

    pub(crate) fn name(&self) -> &BackendName {
        &self.name
    }

    /// Reads another header.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self.with_headers()
    }

    /// Accepts tokens after these schemes, instead of `Bearer`. In headers other than `Authorization`, bare tokens are
    /// also accepted.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Schemes`] if the list is empty or contains a duplicate.
    ///
    /// ```
    /// use boltguard::{JwtBackend, Scheme};
    /// # use boltguard::{jwt::ClaimsPolicy, keys::*};
    /// # let keys = KeySet::new([VerifyingKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?]);
    /// # let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
    /// // Clients of django-graphql-jwt and of DRF's own tokens send other schemes.
    /// let backend = backend.with_schemes([Scheme::bearer(), Scheme::new("Token")?])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_schemes(
        mut self,
        schemes: impl IntoIterator<Item = Scheme>,
    ) -> Result<Self, ConfigError> {
        let schemes: Box<[Scheme]> = schemes.into_iter().collect();
        check_schemes(&schemes)?;
        self.schemes = schemes;
        Ok(self)
    }

    /// Returns the accepted schemes.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// Caches up to `capacity` verified tokens, whose signatures aren't verified again. The default is zero.
    ///
    /// A cached token is compared as a whole, and is still checked by the policy, the revocation store and the guard.
    /// It is cached until it expires, the keys are replaced, or it is evicted. Tokens with an HMAC aren't cached,
    /// because verifying them costs little more than a look-up.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::CacheSize`] over [`MAX_CACHED_TOKENS`].
    /// - [`ConfigError::NothingToCache`] if no public key is trusted.
    ///
    /// ```
    /// use boltguard::jwt::ClaimsPolicy;
    /// use boltguard::keys::{Algorithm, Key, KeySet, PrivateKey, VerifyingKey};
    /// use boltguard::JwtBackend;
    ///
    /// let key = Key::from(PrivateKey::generate(Algorithm::Es256)?.public_key().clone());
    /// let keys = KeySet::new([VerifyingKey::new(&key, Algorithm::Es256)?]);
    /// let backend = JwtBackend::new(keys, &[Algorithm::Es256], ClaimsPolicy::new())?.with_cache(10_000)?;
    /// assert_eq!(backend.cached_tokens(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_cache(self, capacity: usize) -> Result<Self, ConfigError> {
        if capacity > MAX_CACHED_TOKENS {
            return Err(ConfigError::CacheSize);
        }
        if capacity > 0 && !self.algorithms.iter().copied().any(is_cached) {
            return Err(ConfigError::NothingToCache);
        }
        let keys = self.trusted.load().verifier.keys().clone();
        self.trusted
            .store(Arc::new(KeyGeneration::new(keys, capacity)));
        Ok(self)
    }

    /// Returns the number of tokens that are cached.
    #[must_use]
    pub fn cached_tokens(&self) -> usize {
        self.trusted
            .load()
            .cache
            .as_ref()
            .map_or(0, TokenCache::len)
    }

    /// Replaces the trusted keys, for the same algorithms. Evaluations in progress finish with the old ones.
    pub fn replace_keys(&self, keys: KeySet) {
        let keys = keys.restricted_to(&self.algorithms);
        let current = self.trusted.load();
        // An issuer's keys are fetched repeatedly and seldom change. If they are equal, the cache is kept.
        if current.verifier.keys().is_same_as(&keys) {
            return;
        }
        let capacity = current.cache_capacity;
        self.trusted
            .store(Arc::new(KeyGeneration::new(keys, capacity)));
    }

    /// Returns the keys of another issuer, if the backend trusts such keys.
    #[must_use]
    pub fn remote_keys(&self) -> Option<&Arc<RemoteKeySet>> {
        self.remote.as_ref()
    }

    /// Returns the schemes that are offered to clients, for which there must be a header.
    pub(super) fn offered_schemes(&self) -> &[Scheme] {
        if self.reads_header() {
            &self.schemes
        } else {
            &[]
        }
    }

    /// Returns whether one of the keys has the token's `kid`.
    pub(crate) fn knows_kid_of(&self, token: &UnverifiedJws<'_>) -> bool {
        let kid = token.unverified_header().key_id();
        kid.is_some_and(|kid| self.trusted.load().verifier.keys().names(kid))
    }

    /// Returns whether a key that isn't among the current ones may verify the token.
    pub(crate) fn may_verify_with_missing_key(&self, token: &str) -> bool {
        let trusted = self.trusted.load();
        matches!(
            trusted.verifier.verify(token),
            Err(JwsError::AlgorithmNotAllowed | JwsError::KeyNotFound | JwsError::SignatureInvalid)
        )
    }

    pub(crate) fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &ClaimsPolicy {
        &self.policy
    }

    #[inline]
    pub(crate) fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    #[inline]
    pub(super) fn attempt<P: RequestParts>(
        &self,
        parts: &P,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Attempt {
        let (token, source) = match self.token(parts) {
            Ok(Some(found)) => found,
            Ok(None) => return Attempt::Absent,
            Err(DuplicateCookie) => return Attempt::Failed(ReasonCode::CookieDuplicated.into()),
        };
        match self.admit(token, requirements, now) {
            Ok(_) if source == CredentialSource::Cookie && self.may_be_forged(parts) => {
                Attempt::Forged
            }
            Ok(claims) => self.check_revocation(claims, token, source, now),
            Err(failure) => Attempt::Failed(failure),
        }
    }

    #[inline]
    fn admit(
        &self,
        token: &str,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Result<AdmittedClaims, Failure> {
        let trusted = self.trusted.load();
        let cache = trusted.cache.as_ref();
        match cache.and_then(|cache| cache.find(token, now)) {
            Some(cached) => Ok(self
                .policy
                .admit_cached(cached.claims(), requirements, now)?),
            None => self.admit_new(&trusted, token, requirements, now),
        }
    }

    #[inline]
    fn admit_new(
        &self,
        trusted: &KeyGeneration,
        token: &str,
        requirements: &Requirements,
        now: NumericDate,
    ) -> Result<AdmittedClaims, Failure> {
        let jws = trusted.verifier.verify(token).map_err(JwsError::code)?;
        let cache = trusted.cache_for(jws.header().algorithm());
        let claims = Claims::read(jws, requirements)?;
        let cached = cache.map(|cache| (cache, CachedClaims::new(&claims)));
        let mut admitted = self.policy.admit(claims, now)?;
        if self.policy.has_grant_sources() || requirements.has_fresh_auth() {
            admitted = admitted.with_freshness(requirements, now);
            admitted = admitted.with_requirements(requirements);
        }
        if let Some((cache, claims)) = cached {
            let cached = CachedToken::new(claims, admitted.expires());
            cache.insert(token, cached, now);
        }
        Ok(admitted)
    }

    /// Returns the claims for grants that have the wrong type in tokens of this backend. Each is returned once, so that
    /// logs aren't flooded.
    #[must_use]
    #[inline]
    pub fn take_ignored_grants(&self) -> Vec<IgnoredGrant> {
        self.ignored_grants.take()
    }
}

impl KeyObserver for JwtBackend {
    fn on_keys(&self, keys: &KeySet) {
        self.replace_keys(keys.clone());
    }
}

impl fmt::Debug for JwtBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("JwtBackend");
        debug
            .field("header", &self.header)
            .field("cookie", &self.cookie)
            .field("schemes", &self.schemes)
            .field("policy", &self.policy);
        debug.finish_non_exhaustive()
    }
}
