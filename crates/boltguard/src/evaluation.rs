//! The evaluation of one request, from its parts to a decision.
//!
//! It never waits. If it needs something from outside, it returns a [`Need`] and is resumed with the result.

use boltguard_guard::{CheckResults, Decision};
use boltguard_jwks::Refresh;
use boltguard_types::{KeyId, ReasonCode};

use crate::backend::{Attempt, Unavailable};
use crate::failure::is_further;
use crate::need::{
    ApiKeyRefresh, EdgeAuthentication, KeyRefresh, RevocationCheck, RunChecks, Suspended,
};
use crate::{Anonymous, Backend, Caller, Failure, Gate, Need, Now, Refusal, RequestParts, issuers};

/// The next step of an evaluation.
#[derive(Clone, Debug)]
#[must_use]
pub enum Step {
    /// The request is decided.
    Done(Outcome),
    /// The evaluation needs something from outside.
    Need(Need),
}

/// The decision about a request.
#[derive(Clone, Debug)]
#[must_use]
pub enum Outcome {
    /// The guard allows the request of this caller.
    Admitted(Caller),
    /// The request is refused.
    Refused(Refusal),
}

impl From<Refusal> for Step {
    fn from(refusal: Refusal) -> Self {
        Self::Done(Outcome::Refused(refusal))
    }
}

/// The needs that were already met, so that none is returned twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// The backend from which on a snapshot of API keys may have to be refreshed.
    pub(crate) api_keys: usize,
    /// The backend from which on an issuer's keys may have to be refreshed because they are stale.
    pub(crate) stale_keys: usize,
    /// The backend from which on they may have to be refreshed because none of them fits.
    pub(crate) unknown_keys: usize,
    /// Keys that may verify the token are unavailable.
    pub(crate) keys_unavailable: bool,
    /// The backends of the edge identified no caller.
    pub(crate) edge_is_done: bool,
    /// The backend of the edge that got furthest, and why it rejected the credentials.
    pub(crate) edge_failure: Option<(usize, ReasonCode)>,
}

impl Progress {
    /// Records the failure of a backend of the edge, because the backend isn't called again after a refresh.
    pub(crate) fn note_edge_failure(&mut self, backend: usize, reason: ReasonCode) {
        match self.edge_failure {
            Some((_, earlier)) if !is_further(reason, earlier) => {}
            _ => self.edge_failure = Some((backend, reason)),
        }
    }
}

/// An evaluation between two needs.
pub(crate) struct Evaluation<'g, P> {
    gate: &'g Gate,
    parts: &'g P,
    now: Now,
    progress: Progress,
}

impl<'g, P: RequestParts> Evaluation<'g, P> {
    #[inline]
    pub(crate) fn new(gate: &'g Gate, parts: &'g P, now: Now) -> Self {
        Self::continuing(gate, parts, now, Progress::default())
    }

    #[inline]
    pub(crate) fn continuing(gate: &'g Gate, parts: &'g P, now: Now, progress: Progress) -> Self {
        Self {
            gate,
            parts,
            now,
            progress,
        }
    }

    /// Tries all backends, once everything that they need is up to date.
    #[inline]
    pub(crate) fn start(&self) -> Step {
        if self.gate.has_refreshes()
            && let Some(need) = self.outdated()
        {
            return Step::Need(need);
        }
        self.try_backends(0, None)
    }

    /// Returns what has to be refreshed before the backends are tried.
    #[cold]
    #[inline(never)]
    fn outdated(&self) -> Option<Need> {
        let stale = self.stale_api_keys();
        stale.or_else(|| self.keys_to_refresh(Refresh::IfStale, self.progress.stale_keys))
    }

    /// Returns the first snapshot in which a key would be looked up, and that isn't current.
    fn stale_api_keys(&self) -> Option<Need> {
        let needs_refresh = |backend: &Backend| match backend {
            Backend::ApiKey(keys) => {
                let value = self.parts.header(keys.header());
                value.is_some_and(|value| keys.needs_refresh(value, self.now.instant()))
            }
            _ => false,
        };
        let mut backends = self.backends_from(self.progress.api_keys);
        let (backend, _) = backends.find(|(_, backend)| needs_refresh(backend))?;
        Some(Need::RefreshApiKeys(ApiKeyRefresh {
            suspended: self.suspend(),
            backend,
        }))
    }

    fn keys_to_refresh(&self, refresh: Refresh, first: usize) -> Option<Need> {
        if !self.gate.has_issuers() {
            return None;
        }
        let now = self.now.instant();
        let backend = issuers::to_refresh(self.gate, refresh, first, self.parts, now)?;
        Some(Need::RefreshKeys(KeyRefresh {
            suspended: self.suspend(),
            backend,
            refresh,
        }))
    }

    /// Tries the backends from `first` on, after the `failure` of one before.
    #[inline]
    pub(crate) fn try_backends(&self, first: usize, mut failure: Option<Failure>) -> Step {
        let requirements = self.gate.guard().requirements();
        for (index, backend) in self.backends_from(first) {
            match backend.attempt(self.parts, requirements, self.now.date()) {
                Attempt::Absent => {}
                Attempt::Known(caller) => return decide(self.gate, caller, Some(index)),
                Attempt::Failed(reason) => failure = Some(Failure::furthest(failure, reason)),
                Attempt::Edge if self.progress.edge_is_done => {
                    failure = self.after_edge_failure(index, failure);
                }
                attempt => return self.after(attempt, index, failure),
            }
        }
        self.anonymous(failure)
    }

    /// Continues after this attempt of a backend: the search for a caller ends, waits, or goes to the next backend.
    #[cold]
    #[inline(never)]
    pub(crate) fn after(&self, attempt: Attempt, backend: usize, failure: Option<Failure>) -> Step {
        match attempt {
            Attempt::Absent => self.try_backends(backend + 1, failure),
            Attempt::Failed(reason) => {
                self.try_backends(backend + 1, Some(Failure::furthest(failure, reason)))
            }
            Attempt::Known(caller) => decide(self.gate, caller, Some(backend)),
            Attempt::CheckRevocation(claims, source) => {
                Step::Need(Need::CheckRevocation(RevocationCheck {
                    suspended: self.suspend(),
                    claims,
                    source,
                    key_id: self.key_id_of(backend),
                    backend,
                    failure,
                }))
            }
            Attempt::Edge => Step::Need(Need::Authenticate(EdgeAuthentication {
                suspended: self.suspend(),
                backend,
                failure,
            })),
            Attempt::Forged => Refusal::csrf_failed().into(),
            Attempt::Revoked => {
                let revoked = Failure::from(ReasonCode::TokenRevoked);
                decide(self.gate, revoked.into(), None)
            }
            Attempt::Unavailable(Unavailable::ApiKeys) => Refusal::keys_unavailable().into(),
            Attempt::Unavailable(Unavailable::Revocation(None)) => Refusal::unavailable().into(),
            Attempt::Unavailable(Unavailable::Revocation(Some(time))) => {
                Refusal::unavailable().with_retry_in(time).into()
            }
            Attempt::Unavailable(Unavailable::Backend) => Refusal::backend_unavailable().into(),
        }
    }

    /// Returns the failure, given the one of this backend of the edge before the last refresh.
    #[cold]
    fn after_edge_failure(&self, backend: usize, failure: Option<Failure>) -> Option<Failure> {
        match self.progress.edge_failure {
            Some((at, reason)) if at == backend => Some(Failure::furthest(failure, reason.into())),
            _ => failure,
        }
    }

    /// Returns the step for an anonymous caller, or for unavailable keys if one of them may verify the token.
    #[cold]
    #[inline(never)]
    fn anonymous(&self, failure: Option<Failure>) -> Step {
        let caller = Caller::from(match failure {
            Some(failure) => Anonymous::Failed(failure),
            None if self.has_unsupported_scheme() => Anonymous::UnsupportedScheme,
            None => Anonymous::NoCredentials,
        });
        let is_denied = matches!(self.gate.guard().decide(None), Decision::Deny(_));
        if self.gate.has_issuers() && !is_denied {
            let first = self.progress.unknown_keys;
            if let Some(need) = self.keys_to_refresh(Refresh::UnknownKid, first) {
                return Step::Need(need);
            }
            if self.progress.keys_unavailable || issuers::keys_unavailable(self.gate, self.parts) {
                return issuers::refusal(self.gate, self.now.instant()).into();
            }
        }
        decide(self.gate, caller, None)
    }

    /// Returns whether `Authorization` has credentials, and none of the backends that read it supports their scheme.
    fn has_unsupported_scheme(&self) -> bool {
        let mut names = self.gate.backends().iter().flat_map(Backend::headers);
        let authorization = names.find(|name| name.is_authorization());
        let value = authorization.and_then(|name| self.parts.header(name));
        value.is_some_and(|value| !value.trim().is_empty())
    }

    /// Returns the `kid` of the token for this backend.
    fn key_id_of(&self, backend: usize) -> Option<KeyId> {
        match self.gate.backends().get(backend)? {
            Backend::Jwt(backend) => backend.key_id(self.parts),
            _ => None,
        }
    }

    fn backends_from(&self, first: usize) -> impl Iterator<Item = (usize, &'g Backend)> {
        self.gate.backends().iter().enumerate().skip(first)
    }

    fn suspend(&self) -> Suspended {
        Suspended::new(self.gate, self.parts, self.progress)
    }
}

/// Returns the guard's decision about a caller that this backend identified.
#[inline]
pub(crate) fn decide(gate: &Gate, caller: Caller, backend: Option<usize>) -> Step {
    match gate.guard().decide(caller.view().as_ref()) {
        Decision::Allow => Step::Done(Outcome::Admitted(caller)),
        Decision::Challenge => gate.challenge(&caller).into(),
        Decision::Deny(reason) => gate.forbid(caller, reason).into(),
        Decision::Undetermined => Step::Need(Need::RunChecks(RunChecks {
            gate: gate.clone(),
            caller,
            backend,
            results: CheckResults::new(),
        })),
    }
}
