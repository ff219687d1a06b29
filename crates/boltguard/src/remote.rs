//! The keys of other issuers: whether a request needs some that are not there.

use std::time::Instant;

use boltguard_jwks::{Need, Unavailable};
use boltguard_jws::UnverifiedJws;
use boltguard_types::NumericDate;

use crate::{Backend, Gate, HeaderName, JwtBackend, Outcome, Refusal};

/// Lets each backend learn of its issuer's keys; `false` if none of them has any.
pub(crate) fn follow(backends: &[Backend]) -> bool {
    let mut has_remote_keys = false;
    for backend in backends {
        if let Backend::Jwt(jwt) = backend
            && let Some(keys) = jwt.remote_keys()
        {
            keys.add_follower(jwt);
            has_remote_keys = true;
        }
    }
    has_remote_keys
}

impl Outcome {
    /// Whether no backend vouches for the caller, so that a key which is not there might.
    #[must_use]
    pub fn is_of_nobody(&self) -> bool {
        match self {
            Self::Admitted(caller) | Self::Check(caller) => !caller.is_known(),
            Self::Ask(_) => false,
            Self::Refused(refusal) => refusal.status() == 401,
        }
    }
}

impl Gate {
    /// The first backend, from `first` on, whose issuer's keys have to be looked after for this request. It is for the
    /// edge to ask its [`RemoteKeySet`](boltguard_jwks::RemoteKeySet) what to do.
    ///
    /// For [`Need::Current`] ask before [`check`](Self::check): such keys are out of date, and the request has a token
    /// of an algorithm that they serve. For [`Need::Unknown`] ask
    /// after it, where the outcome [is of nobody](Outcome::is_of_nobody): of such keys none has signed the token, and
    /// those of no other backend have its `kid`.
    pub fn needs_keys<'h>(
        &self,
        need: Need,
        first: usize,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
        now: Instant,
    ) -> Option<usize> {
        let backends = self.backends().iter().enumerate().skip(first);
        let mut needing = backends.filter_map(|(at, backend)| {
            let Backend::Jwt(jwt) = backend else {
                return None;
            };
            (!jwt.remote_keys()?.is_settled(need, now)).then_some((at, backend, jwt))
        });
        let found = needing.find(|(_, backend, jwt)| {
            let token = header(backend.header()).and_then(|value| jwt.token(value));
            token.is_some_and(|token| self.may_need_keys(need, jwt, token))
        });
        found.map(|(at, ..)| at)
    }

    /// Whether the request has a token that may be genuine by a key which its issuer could not be asked for, as the
    /// last fetch failed. Ask where the outcome [is of nobody](Outcome::is_of_nobody): the answer is 503 then, since
    /// nobody can say whether the key exists.
    pub fn misses_keys<'h>(&self, header: impl Fn(&HeaderName) -> Option<&'h str>) -> bool {
        self.backends().iter().any(|backend| {
            let Backend::Jwt(jwt) = backend else {
                return false;
            };
            let is_failing = jwt.remote_keys().is_some_and(|keys| keys.is_failing());
            is_failing
                && header(backend.header())
                    .and_then(|value| jwt.token(value))
                    .is_some_and(|token| self.may_need_keys(Need::Unknown, jwt, token))
        })
    }

    /// The refusal where an issuer's keys can't be had: 503, with the time when one of them is asked again.
    #[cold]
    #[must_use]
    pub fn without_keys(&self, now: Instant) -> Refusal {
        let remote = self.backends().iter().filter_map(|backend| match backend {
            Backend::Jwt(jwt) => jwt.remote_keys(),
            Backend::ApiKey(_) => None,
        });
        let failing = remote.filter(|keys| keys.is_failing());
        let refusal = Refusal::issuer_keys_unavailable();
        match failing.map(|keys| keys.retry_in(now)).min() {
            Some(time) => refusal.with_retry_in(time),
            None => refusal,
        }
    }

    /// [`check`](Self::check), for an edge that may wait: `refresh` is given the place of a backend, and what its keys
    /// are needed for. Where the keys can't be had that might have verified the token, the answer is 503.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Instant;
    /// use boltguard::guard::Guard;
    /// use boltguard::jwks::{FetchError, JwksClient, RemoteKeySet, Response, Times};
    /// use boltguard::jwt::ClaimsPolicy;
    /// use boltguard::keys::Algorithm;
    /// use boltguard::types::NumericDate;
    /// use boltguard::{Gate, HeaderName, JwtBackend};
    ///
    /// // With the feature `jwks-http` this is `HttpFetch::new(JwksUrl::new("https://…")?)`.
    /// let fetch = |_limit: usize| -> Result<Response, FetchError> { Err(FetchError::Timeout) };
    /// let keys = Arc::new(RemoteKeySet::new(&[Algorithm::Rs256], Times::default())?);
    /// let client = JwksClient::new(Arc::clone(&keys), fetch);
    /// let policy = ClaimsPolicy::new().with_issuer(["https://id.example.com"]);
    /// let backend = JwtBackend::remote(keys, &[Algorithm::Rs256], policy)?;
    /// let gate = Gate::new([backend.into()], &Guard::authenticated())?;
    ///
    /// let header = |_: &HeaderName| Some("Bearer eyJhbGciOiJSUzI1NiJ9.e30.AA");
    /// let now = NumericDate::from_secs(1_300_819_000);
    /// let outcome = gate.check_with_keys(header, now, Instant::now, |_, need| {
    ///     client.refresh(need, Instant::now()).map(drop)
    /// });
    /// assert!(format!("{outcome:?}").contains("Unavailable"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_with_keys<'h>(
        &self,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
        now: NumericDate,
        clock: impl Fn() -> Instant,
        mut refresh: impl FnMut(usize, Need) -> Result<(), Unavailable>,
    ) -> Outcome {
        let mut first = 0;
        while let Some(at) = self.needs_keys(Need::Current, first, &header, clock()) {
            // Without keys nothing verifies, and the question comes again below.
            let _ = refresh(at, Need::Current);
            first = at + 1;
        }
        let mut outcome = self.check(&header, now);
        let (mut first, mut unavailable) = (0, false);
        while outcome.is_of_nobody()
            && let Some(at) = self.needs_keys(Need::Unknown, first, &header, clock())
        {
            match refresh(at, Need::Unknown) {
                Ok(()) => outcome = self.check(&header, now),
                Err(_) => unavailable = true,
            }
            first = at + 1;
        }
        if outcome.is_of_nobody() && (unavailable || self.misses_keys(&header)) {
            return Outcome::Refused(self.without_keys(clock()));
        }
        outcome
    }

    /// What is no token, or one of an algorithm that is not allowed, is a reason to fetch nothing.
    #[cold]
    fn may_need_keys(&self, need: Need, backend: &JwtBackend, token: &str) -> bool {
        let Ok(unverified) = UnverifiedJws::parse(token) else {
            return false;
        };
        let is_known = |other: &Backend| match other {
            Backend::ApiKey(_) => false,
            Backend::Jwt(other) => other.names_key_of(&unverified),
        };
        backend.allows(unverified.unverified_header().algorithm())
            && match need {
                Need::Anew | Need::Current => true,
                Need::Unknown => {
                    !self.backends().iter().any(is_known) && backend.lacks_key_of(token)
                }
            }
    }
}
