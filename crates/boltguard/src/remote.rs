//! The keys of other issuers: whether a request needs some that are not there.

use std::sync::Arc;
use std::time::Instant;

use boltguard_jwks::{Refresh, RemoteKeySet, Unavailable};
use boltguard_jws::UnverifiedJws;
use boltguard_types::{NumericDate, ReasonCode};

use crate::{Backend, Caller, Gate, HeaderName, JwtBackend, Outcome, Refusal};

/// Lets each backend learn of its issuer's keys; `false` if none of them has any.
pub(crate) fn follow(backends: &[Backend]) -> bool {
    let mut has_remote_keys = false;
    for (_, backend, keys) in with_remote_keys(backends) {
        keys.add_observer(backend);
        has_remote_keys = true;
    }
    has_remote_keys
}

/// The backends whose keys their issuer publishes, with their places among all.
fn with_remote_keys(
    backends: &[Backend],
) -> impl Iterator<Item = (usize, &Arc<JwtBackend>, &Arc<RemoteKeySet>)> {
    backends
        .iter()
        .enumerate()
        .filter_map(|(at, backend)| match backend {
            Backend::ApiKey(_) => None,
            Backend::Jwt(jwt) => Some((at, jwt, jwt.remote_keys()?)),
        })
}

impl Outcome {
    /// Whether no backend vouches for the caller, so that a key which is not there might. Of a revoked token it is
    /// known by which key it is genuine.
    #[must_use]
    pub fn is_of_nobody(&self) -> bool {
        let is_revoked = |reason| reason == ReasonCode::TokenRevoked;
        match self {
            Self::Admitted(Caller::Anonymous(reason)) | Self::Check(Caller::Anonymous(reason)) => {
                !reason.is_some_and(is_revoked)
            }
            Self::Admitted(_) | Self::Check(_) | Self::Ask(_) => false,
            Self::Refused(refusal) => refusal.status() == 401 && !is_revoked(refusal.reason()),
        }
    }
}

impl Gate {
    /// The first backend, from `first` on, whose issuer's keys have to be looked after for this request. It is for the
    /// edge to ask its [`RemoteKeySet`](boltguard_jwks::RemoteKeySet) what to do.
    ///
    /// For [`Refresh::IfStale`] ask before [`check`](Self::check): such keys are out of date, and the request has a
    /// token of an algorithm that they serve. For [`Refresh::UnknownKid`] ask after it, where the outcome [is of
    /// nobody](Outcome::is_of_nobody): of such keys none has the token's `kid` or has signed it, and none of another
    /// backend has signed it. That another issuer has a key of the same name says nothing.
    pub fn needs_keys<'h>(
        &self,
        need: Refresh,
        first: usize,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
        now: Instant,
    ) -> Option<usize> {
        with_remote_keys(self.backends())
            .filter(|(at, _, keys)| *at >= first && !keys.is_up_to_date(need, now))
            .find(|(_, backend, _)| self.has_token_for(need, backend, &header))
            .map(|(at, ..)| at)
    }

    /// Whether the request has a token that may be genuine by a key which its issuer could not be asked for: the last
    /// fetch failed, or one is still under way. Ask where the outcome [is of nobody](Outcome::is_of_nobody): the
    /// response is 503 then, since nobody can say whether the key exists.
    pub fn misses_keys<'h>(&self, header: impl Fn(&HeaderName) -> Option<&'h str>) -> bool {
        with_remote_keys(self.backends()).any(|(_, backend, keys)| {
            is_open(keys) && self.has_token_for(Refresh::UnknownKid, backend, &header)
        })
    }

    /// The refusal where an issuer's keys can't be had: 503, with the time when one of them is asked again.
    #[cold]
    #[must_use]
    pub fn without_keys(&self, now: Instant) -> Refusal {
        let open = with_remote_keys(self.backends())
            .map(|(_, _, keys)| keys)
            .filter(|keys| is_open(keys));
        let refusal = Refusal::issuer_keys_unavailable();
        match open.map(|keys| keys.retry_in(now)).min() {
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
    /// use boltguard::jwks::{FetchError, JwksClient, RemoteKeySet, Response, RefreshPolicy};
    /// use boltguard::jwt::ClaimsPolicy;
    /// use boltguard::keys::Algorithm;
    /// use boltguard::types::NumericDate;
    /// use boltguard::{Gate, HeaderName, JwtBackend};
    ///
    /// // With the feature `jwks-http` this is `HttpFetch::new(JwksUrl::new("https://…")?)`.
    /// let fetch = |_limit: usize| -> Result<Response, FetchError> { Err(FetchError::Timeout) };
    /// let keys = Arc::new(RemoteKeySet::new(&[Algorithm::Rs256], RefreshPolicy::default())?);
    /// let client = JwksClient::new(Arc::clone(&keys), fetch);
    /// let policy = ClaimsPolicy::new().with_issuer(["https://id.example.com"]);
    /// let backend = JwtBackend::with_remote_keys(keys, &[Algorithm::Rs256], policy)?;
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
        mut refresh: impl FnMut(usize, Refresh) -> Result<(), Unavailable>,
    ) -> Outcome {
        let mut first = 0;
        while let Some(at) = self.needs_keys(Refresh::IfStale, first, &header, clock()) {
            // Without keys nothing verifies, and the question comes again below.
            let _ = refresh(at, Refresh::IfStale);
            first = at + 1;
        }
        let mut outcome = self.check(&header, now);
        let (mut first, mut unavailable) = (0, false);
        while outcome.is_of_nobody()
            && let Some(at) = self.needs_keys(Refresh::UnknownKid, first, &header, clock())
        {
            match refresh(at, Refresh::UnknownKid) {
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

    /// Whether the request has a token for which these keys may be needed.
    fn has_token_for<'h>(
        &self,
        need: Refresh,
        backend: &JwtBackend,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
    ) -> bool {
        header(backend.header())
            .and_then(|value| backend.token(value))
            .is_some_and(|token| self.may_need_keys(need, backend, token))
    }

    /// What is no token, or one of an algorithm that is not allowed, is a reason to fetch nothing.
    #[cold]
    fn may_need_keys(&self, need: Refresh, backend: &JwtBackend, token: &str) -> bool {
        let Ok(unverified) = UnverifiedJws::parse(token) else {
            return false;
        };
        let has_signed = |other: &Backend| match other {
            Backend::ApiKey(_) => false,
            Backend::Jwt(other) => !other.lacks_key_of(token),
        };
        backend.allows(unverified.unverified_header().algorithm())
            && match need {
                Refresh::Force | Refresh::IfStale => true,
                Refresh::UnknownKid => {
                    !backend.names_key_of(&unverified) && !self.backends().iter().any(has_signed)
                }
            }
    }
}

/// Whether it may turn out that there are other keys than those in hand.
fn is_open(keys: &RemoteKeySet) -> bool {
    keys.is_failing() || keys.is_fetching()
}
