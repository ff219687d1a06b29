//! What an evaluation needs from outside, and how it is resumed.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use boltguard_guard::{CheckResults, Decision};
use boltguard_jwks::{Refresh, RemoteKeySet};
use boltguard_jwt::AdmittedClaims;
use boltguard_revocation::RevocationQuery;
use boltguard_types::{KeyId, NumericDate, ReasonCode};

use crate::backend::Attempt;
use crate::evaluation::{Evaluation, Progress};
use crate::origin::{ORIGIN, SEC_FETCH_SITE, UPGRADE};
use crate::revocation_query::revocation_query;
use crate::{
    ApiKeyBackend, Authentication, Backend, Caller, ConfigError, CredentialSource, Failure, Gate,
    Now, Outcome, Refusal, RequestParts, Step,
};

/// What an evaluation needs from outside.
///
/// Each need is resumed with a specific type of result, at the same gate and for the same request. If the headers that
/// the gate reads have changed, the request is refused. The dates of a token or an API key are checked again.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum Need {
    /// A backend of the edge has to authenticate.
    Authenticate(EdgeAuthentication),
    /// An external store has to be queried whether a token is revoked.
    CheckRevocation(RevocationCheck),
    /// A snapshot of stored API keys has to be refreshed.
    RefreshApiKeys(ApiKeyRefresh),
    /// The keys of an issuer have to be refreshed.
    RefreshKeys(KeyRefresh),
    /// Custom checks of the guard have to be run.
    RunChecks(RunChecks),
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// It succeeded, or was no longer necessary.
    Done,
    /// It failed.
    Unavailable,
}

/// The result of a query to a revocation store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// The token isn't revoked.
    NotRevoked,
    /// The token is revoked.
    Revoked,
    /// The store is unavailable.
    Unavailable,
}

/// A suspended evaluation: its gate, a hash of its request, and the needs that were already met.
#[derive(Clone, Debug)]
pub(crate) struct Suspended {
    gate: Gate,
    request: u64,
    progress: Progress,
}

impl Suspended {
    pub(crate) fn new(gate: &Gate, parts: &impl RequestParts, progress: Progress) -> Self {
        Self {
            gate: gate.clone(),
            request: hash_of(gate, parts),
            progress,
        }
    }

    /// Continues with `then`, unless it is for another request.
    fn resume<P: RequestParts>(
        &self,
        parts: &P,
        now: Now,
        then: impl FnOnce(Evaluation<'_, P>) -> Step,
    ) -> Step {
        if hash_of(&self.gate, parts) != self.request {
            let schemes = self.gate.schemes().clone();
            return Refusal::forbidden(ReasonCode::Denied, schemes).into();
        }
        then(Evaluation::continuing(
            &self.gate,
            parts,
            now,
            self.progress,
        ))
    }

    fn with_progress(mut self, progress: impl FnOnce(&mut Progress)) -> Self {
        progress(&mut self.progress);
        self
    }
}

/// Returns a keyed hash of what the gate's backends read.
fn hash_of(gate: &Gate, parts: &impl RequestParts) -> u64 {
    let mut hasher = gate.request_hasher().build_hasher();
    for name in gate.backends().iter().flat_map(Backend::headers) {
        parts.header(name).hash(&mut hasher);
    }
    for cookie in gate.backends().iter().filter_map(Backend::cookie) {
        parts.cookie(cookie.name()).ok().hash(&mut hasher);
        (parts.method(), parts.host()).hash(&mut hasher);
        for name in [&ORIGIN, &SEC_FETCH_SITE, &UPGRADE] {
            parts.header(name).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The keys of an issuer have to be refreshed.
#[derive(Clone, Debug)]
pub struct KeyRefresh {
    pub(crate) suspended: Suspended,
    pub(crate) backend: usize,
    pub(crate) refresh: Refresh,
}

impl KeyRefresh {
    /// Returns the index of the backend of this issuer.
    #[must_use]
    pub fn backend(&self) -> usize {
        self.backend
    }

    /// Returns the keys, which [`JwksClient::refresh`](boltguard_jwks::JwksClient::refresh) refreshes.
    #[must_use]
    pub fn keys(&self) -> Option<&Arc<RemoteKeySet>> {
        match self.suspended.gate.backends().get(self.backend) {
            Some(Backend::Jwt(backend)) => backend.remote_keys(),
            _ => None,
        }
    }

    /// Returns why the keys have to be refreshed.
    #[must_use]
    pub fn refresh(&self) -> Refresh {
        self.refresh
    }

    /// Resumes with the current keys.
    pub fn resume<P: RequestParts>(
        self,
        result: Refreshed,
        parts: &P,
        now: impl Into<Now>,
    ) -> Step {
        let next = self.backend + 1;
        let suspended = self.suspended.with_progress(|progress| match self.refresh {
            // Without keys, no token verifies, and the evaluation returns to this need for an unknown key.
            Refresh::Force | Refresh::IfStale => progress.stale_keys = next,
            Refresh::UnknownKid => {
                progress.stale_keys = usize::MAX;
                progress.unknown_keys = next;
                progress.keys_unavailable |= result == Refreshed::Unavailable;
            }
        });
        suspended.resume(parts, now.into(), |evaluation| evaluation.start())
    }
}

/// A snapshot of stored API keys has to be refreshed.
#[derive(Clone, Debug)]
pub struct ApiKeyRefresh {
    pub(crate) suspended: Suspended,
    pub(crate) backend: usize,
}

impl ApiKeyRefresh {
    /// Returns the index of the backend of this snapshot.
    #[must_use]
    pub fn backend(&self) -> usize {
        self.backend
    }

    /// Replaces the backend for this request, such as by one with the keys of a tenant.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Replacement`] if the new one has another header or name.
    pub fn with_backend(mut self, keys: Arc<ApiKeyBackend>) -> Result<Self, ConfigError> {
        self.suspended.gate = self.suspended.gate.with_api_keys(self.backend, keys)?;
        Ok(self)
    }

    /// Resumes with the current keys.
    ///
    /// If the refresh failed, the request is refused with 503, unless the backend
    /// [accepts](ApiKeyBackend::with_snapshot) the keys of the previous read.
    pub fn resume<P: RequestParts>(
        self,
        result: Refreshed,
        parts: &P,
        now: impl Into<Now>,
    ) -> Step {
        if result == Refreshed::Unavailable && !self.outlives_failure() {
            return Refusal::keys_unavailable().into();
        }
        let next = self.backend + 1;
        let suspended = self
            .suspended
            .with_progress(|progress| progress.api_keys = next);
        suspended.resume(parts, now.into(), |evaluation| evaluation.start())
    }

    fn outlives_failure(&self) -> bool {
        match self.suspended.gate.backends().get(self.backend) {
            Some(Backend::ApiKey(backend)) => backend.outlives_failure(),
            _ => false,
        }
    }
}

/// A valid token, which has to be checked in the revocation store of its backend.
#[derive(Clone, Debug)]
pub struct RevocationCheck {
    pub(crate) suspended: Suspended,
    pub(crate) claims: AdmittedClaims,
    pub(crate) source: CredentialSource,
    pub(crate) key_id: Option<KeyId>,
    pub(crate) backend: usize,
    pub(crate) failure: Option<Failure>,
}

impl RevocationCheck {
    /// Returns the index of the backend of this store.
    #[must_use]
    pub fn backend(&self) -> usize {
        self.backend
    }

    /// Returns the token's `jti`.
    #[must_use]
    pub fn token_id(&self) -> String {
        self.claims.token_id().unwrap_or_default().into_owned()
    }

    /// Returns the parts of the token by which it can be revoked, for a store with several levels.
    #[must_use]
    pub fn query(&self) -> RevocationQuery<'_> {
        revocation_query(&self.claims, self.key_id.as_ref())
    }

    /// Resumes with the result of the store. The token must still be valid at `now`.
    pub fn resume<P: RequestParts>(
        self,
        status: RevocationStatus,
        parts: &P,
        now: impl Into<Now>,
    ) -> Step {
        let (now, index) = (now.into(), self.backend);
        let requirements = self.suspended.gate.guard().requirements();
        let attempt = match self.suspended.gate.backends().get(index) {
            Some(Backend::Jwt(backend)) => match status {
                RevocationStatus::Revoked => Attempt::Revoked,
                _ => match backend.policy().check_again(&self.claims, now.date()) {
                    Err(error) => Attempt::Failed(error.into()),
                    Ok(()) if status == RevocationStatus::NotRevoked => backend.known(
                        self.claims.with_freshness(requirements, now.date()),
                        self.source,
                    ),
                    Ok(()) => backend.store_failed(
                        self.claims.with_freshness(requirements, now.date()),
                        self.source,
                    ),
                },
            },
            _ => return Refusal::unavailable().into(),
        };
        self.suspended.resume(parts, now, |evaluation| {
            evaluation.after(attempt, index, self.failure)
        })
    }
}

/// A backend of the edge has to authenticate the request.
#[derive(Clone, Debug)]
pub struct EdgeAuthentication {
    pub(crate) suspended: Suspended,
    pub(crate) backend: usize,
    pub(crate) failure: Option<Failure>,
}

impl EdgeAuthentication {
    /// Returns the index of the backend.
    #[must_use]
    pub fn backend(&self) -> usize {
        self.backend
    }

    /// Resumes with the result of the backend.
    pub fn resume<P: RequestParts>(
        self,
        found: Authentication,
        parts: &P,
        now: impl Into<Now>,
    ) -> Step {
        let rejected = match found {
            Authentication::Failed(reason) => Some(reason),
            _ => None,
        };
        let gate = &self.suspended.gate;
        let attempt = match gate.backends().get(self.backend) {
            Some(backend) => backend.authenticated(found, gate.guard().requirements()),
            None => Attempt::Absent,
        };
        let is_last = !gate.backends()[self.backend + 1..]
            .iter()
            .any(|backend| matches!(backend, Backend::Edge(_)));
        let suspended = self.suspended.with_progress(|progress| {
            progress.edge_is_done |= is_last;
            if let Some(reason) = rejected {
                progress.note_edge_failure(self.backend, reason);
            }
        });
        suspended.resume(parts, now.into(), |evaluation| {
            evaluation.after(attempt, self.backend, self.failure)
        })
    }
}

/// The caller is identified, and the decision depends on custom checks of the guard.
#[derive(Clone, Debug)]
pub struct RunChecks {
    pub(crate) gate: Gate,
    pub(crate) caller: Caller,
    pub(crate) backend: Option<usize>,
    pub(crate) results: CheckResults,
}

impl RunChecks {
    /// Returns the caller, about whom there is no decision yet.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the checks that could still change the decision, in reading order, given the results so far.
    #[must_use]
    pub fn open_checks(&self) -> Vec<&str> {
        self.open_checks_after(&CheckResults::new())
    }

    /// Returns the checks that could still change the decision, given these further results.
    #[must_use]
    pub fn open_checks_after(&self, results: &CheckResults) -> Vec<&str> {
        let results = self.results.clone().and(results);
        self.gate
            .guard()
            .open_checks(self.caller.view().as_ref(), &results)
    }

    /// Resumes with further results. The token or the API key must still be valid at `now`.
    pub fn resume(mut self, results: &CheckResults, now: NumericDate) -> Step {
        self.results = self.results.and(results);
        match self.decide(now) {
            Ok(Decision::Undetermined) => Step::Need(Need::RunChecks(self)),
            Ok(decision) => Step::Done(self.conclude(decision)),
            Err(refusal) => refusal.into(),
        }
    }

    /// Returns the decision with these further results. Checks without a result count as failed. The token or the API
    /// key must still be valid at `now`.
    pub fn finish(mut self, results: &CheckResults, now: NumericDate) -> Outcome {
        self.results = self.results.and(results);
        match self.decide(now) {
            Ok(decision) => self.conclude(decision.closed()),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn decide(&mut self, now: NumericDate) -> Result<Decision, Refusal> {
        let guard = self.gate.guard();
        self.check_dates(now)?;
        if guard.requirements().has_fresh_auth() {
            let caller = self.caller.clone();
            self.caller = caller.with_freshness(guard.requirements(), now);
        }
        Ok(guard.decide_with(self.caller.view().as_ref(), &self.results))
    }

    /// Rejects a token or an API key that has expired in the meantime.
    fn check_dates(&self, now: NumericDate) -> Result<(), Refusal> {
        self.check_credential(now)
            .map_err(|failure| self.gate.challenge(&failure.into()))
    }

    fn check_credential(&self, now: NumericDate) -> Result<(), Failure> {
        if let Some(entry) = self.caller.api_key() {
            return match entry.has_expired(now) {
                true => Err(ReasonCode::ApiKeyExpired.into()),
                false => Ok(()),
            };
        }
        let backend = self.backend.and_then(|at| self.gate.backends().get(at));
        match (backend, self.caller.claims()) {
            (Some(Backend::Jwt(backend)), Some(claims)) => {
                Ok(backend.policy().check_again(claims, now)?)
            }
            _ => Ok(()),
        }
    }

    fn conclude(self, decision: Decision) -> Outcome {
        match decision {
            Decision::Allow => Outcome::Admitted(self.caller),
            Decision::Deny(reason) => Outcome::Refused(self.gate.forbid(self.caller, reason)),
            Decision::Challenge | Decision::Undetermined => {
                Outcome::Refused(self.gate.challenge(&self.caller))
            }
        }
    }
}
