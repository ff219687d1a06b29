//! One request from its headers to a decision.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use boltguard_guard::{CheckResults, CompiledGuard, Decision, Explanation, Guard};
use boltguard_jwt::{AdmittedClaims, IgnoredGrant};
use boltguard_types::{NumericDate, ReasonCode};

use crate::backend::{Attempt, Failure};
use crate::{ApiKeyBackend, Backend, Caller, ConfigError, HeaderName, Refusal, Schemes, remote};

/// Backends and a guard, compiled once for one route.
///
/// Backends are tried in order and the first that succeeds wins; a bad credential for one does not stop the
/// next. Where none succeeds the caller is anonymous, and the guard decides.
///
/// ```
/// use boltguard::{Gate, HeaderName, JwtBackend, Outcome};
/// use boltguard::guard::Guard;
/// use boltguard::jwt::ClaimsPolicy;
/// use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
/// use boltguard::types::NumericDate;
///
/// let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
/// let keys = KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]);
/// let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
/// let gate = Gate::new([backend.into()], &Guard::authenticated())?;
///
/// let now = NumericDate::from_secs(1_300_819_000);
/// let no_headers = |_: &HeaderName| None;
/// match gate.check(no_headers, now) {
///     Outcome::Refused(refusal) => assert_eq!(refusal.status(), 401),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    backends: Vec<Backend>,
    guard: CompiledGuard,
    schemes: Schemes,
    has_remote_keys: bool,
    identity: Arc<GateIdentity>,
}

/// Tells a gate and its clones from other gates.
#[derive(Debug)]
struct GateIdentity;

/// What becomes of a request.
#[derive(Clone, Debug)]
#[must_use]
pub enum Outcome {
    /// The guard lets the caller in.
    Admitted(Caller),
    /// A store that lives elsewhere has to be asked; then [`Gate::resume`].
    Ask(Question),
    /// The caller is known so far and may pass if the guard's own checks say so, which only the edge can ask:
    /// [`Gate::decide`] takes their answers.
    Check(Caller),
    /// The caller is refused.
    Refused(Refusal),
}

/// A token that is genuine and current, unless the store of its backend says that it is revoked.
///
/// Only the gate that asked it, or a clone of that gate, takes its answer.
#[derive(Clone, Debug)]
pub struct Question {
    gate: Arc<GateIdentity>,
    claims: AdmittedClaims,
    backend: usize,
    failure: Option<Failure>,
}

impl Question {
    /// The token's `jti`, which the store is to be asked for.
    #[must_use]
    pub fn token_id(&self) -> String {
        self.claims.token_id().unwrap_or_default().into_owned()
    }

    /// Which of the gate's backends asks.
    #[must_use]
    pub fn backend(&self) -> usize {
        self.backend
    }
}

/// What a store says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing is written against it.
    NotRevoked,
    /// It is revoked.
    Revoked,
    /// The store gave no answer.
    Unavailable,
}

impl Gate {
    /// Compiles `guard` behind `backends`.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::Guard`] if the guard is too large to [compile](Guard::compile).
    /// - [`ConfigError::UnknownBackend`] if the guard names a backend that is not among `backends`.
    pub fn new(
        backends: impl IntoIterator<Item = Backend>,
        guard: &Guard,
    ) -> Result<Self, ConfigError> {
        let backends: Vec<_> = backends.into_iter().collect();
        let is_known = |name: &&str| backends.iter().any(|backend| backend.name() == *name);
        if let Some(unknown) = guard.backends().find(|name| !is_known(name)) {
            return Err(ConfigError::UnknownBackend(unknown.into()));
        }
        Self::compile(backends, guard)
    }

    /// Compiles `guard` for callers whom other gates identify, see [`decide`](Self::decide).
    ///
    /// It has no backends, so a request is anonymous to it. The guard may name any backend.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Guard`] if the guard is too large to [compile](Guard::compile).
    pub fn for_callers(guard: &Guard) -> Result<Self, ConfigError> {
        Self::compile(Vec::new(), guard)
    }

    fn compile(backends: Vec<Backend>, guard: &Guard) -> Result<Self, ConfigError> {
        let schemes = Schemes::of(&backends);
        Ok(Self {
            has_remote_keys: remote::follow(&backends),
            backends,
            guard: guard.compile().map_err(ConfigError::Guard)?,
            schemes,
            identity: Arc::new(GateIdentity),
        })
    }

    /// The same gate with another API key backend in the place `index`, such as one with the keys of the tenant that
    /// a request is for.
    ///
    /// `None` if there is no API key backend in that place, or one that reads another header.
    #[must_use]
    pub fn with_api_keys(&self, index: usize, keys: Arc<ApiKeyBackend>) -> Option<Self> {
        let mut gate = self.clone();
        gate.identity = Arc::new(GateIdentity);
        match gate.backends.get_mut(index)? {
            Backend::ApiKey(backend) if backend.header() == keys.header() => *backend = keys,
            _ => return None,
        }
        Some(gate)
    }

    /// The backends, in the order in which they are tried.
    #[must_use]
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// Whether one of the backends trusts the keys of another issuer, which have to be fetched.
    #[must_use]
    #[inline]
    pub fn has_remote_keys(&self) -> bool {
        self.has_remote_keys
    }

    /// The guard.
    #[must_use]
    pub fn guard(&self) -> &CompiledGuard {
        &self.guard
    }

    /// The schemes that a client may use.
    #[must_use]
    pub fn schemes(&self) -> &Schemes {
        &self.schemes
    }

    /// The claims that were meant to grant something in tokens of these backends, and don't for their type, with the
    /// places of the backends; each is returned once. Log them: their holders lack permissions that somebody meant
    /// them to have.
    #[must_use]
    #[inline]
    pub fn take_ignored_grants(&self) -> Vec<(usize, IgnoredGrant)> {
        let mut all = Vec::new();
        for (at, backend) in self.backends.iter().enumerate() {
            if let Backend::Jwt(backend) = backend {
                all.extend(
                    backend
                        .take_ignored_grants()
                        .into_iter()
                        .map(|one| (at, one)),
                );
            }
        }
        all
    }

    /// Decides on a request, whose headers `header` looks up, at the time `now`.
    ///
    /// Keys of a remote issuer are taken as they are at hand: nobody finds out here that they are too old. Where there
    /// are any, ask [`needs_keys`](Self::needs_keys) at each request first, or call
    /// [`check_with_keys`](Self::check_with_keys).
    #[inline]
    pub fn check<'h>(
        &self,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
        now: NumericDate,
    ) -> Outcome {
        self.check_from(0, None, header, now)
    }

    /// Goes on where a [`Question`] was asked, at the time `now`, at which the token must still be current.
    ///
    /// The question of another gate is refused with 403: it was asked by other rules.
    pub fn resume<'h>(
        &self,
        question: Question,
        answer: Answer,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
        now: NumericDate,
    ) -> Outcome {
        let Question {
            gate,
            claims,
            backend,
            failure,
        } = question;
        if !Arc::ptr_eq(&gate, &self.identity) {
            let refusal = Refusal::forbidden(ReasonCode::Denied, self.schemes.clone());
            return Outcome::Refused(refusal);
        }
        let attempt = self.answered(claims, backend, answer, now);
        match self.conclude(attempt, backend, failure) {
            ControlFlow::Break(outcome) => outcome,
            ControlFlow::Continue(failure) => self.check_from(backend + 1, failure, header, now),
        }
    }

    /// What a store's answer makes of a token that was current when the store was asked.
    fn answered(
        &self,
        claims: AdmittedClaims,
        backend: usize,
        answer: Answer,
        now: NumericDate,
    ) -> Attempt {
        let Some(Backend::Jwt(backend)) = self.backends.get(backend) else {
            return Attempt::StoreFailed;
        };
        if answer == Answer::Revoked {
            return Attempt::Revoked;
        }
        match backend.policy().check_again(&claims, now) {
            Err(error) => Attempt::Failed(error.code().into()),
            Ok(()) if answer == Answer::NotRevoked => Attempt::Known(Caller::Token(claims)),
            Ok(()) => backend.without_answer(claims),
        }
    }

    /// Decides about a caller whom this or another gate has identified, given answers to some of the guard's checks.
    ///
    /// What another gate's guard did not request of the credential is read again.
    #[must_use]
    pub fn decide(&self, caller: &Caller, answers: &CheckResults) -> Decision {
        let caller = self.reading(caller);
        self.guard.decide_with(caller.view().as_ref(), answers)
    }

    /// The checks without an answer that could still change what is decided about a caller, see
    /// [`CompiledGuard::open_checks`].
    #[must_use]
    pub fn open_checks(&self, caller: &Caller, answers: &CheckResults) -> Vec<&str> {
        let caller = self.reading(caller);
        self.guard.open_checks(caller.view().as_ref(), answers)
    }

    /// Why is decided so about a caller, see [`CompiledGuard::explain`].
    #[must_use]
    pub fn explain(&self, caller: &Caller, answers: &CheckResults) -> Explanation {
        let caller = self.reading(caller);
        self.guard.explain(caller.view().as_ref(), answers)
    }

    /// The caller, with the grants that this gate's guard requests.
    fn reading<'c>(&self, caller: &'c Caller) -> Cow<'c, Caller> {
        let requirements = self.guard.requirements();
        match caller.view() {
            Some(principal) if !principal.grant_set.was_read_for(requirements) => {
                Cow::Owned(caller.clone().with_requirements(requirements))
            }
            _ => Cow::Borrowed(caller),
        }
    }

    #[inline]
    fn check_from<'h>(
        &self,
        first: usize,
        mut failure: Option<Failure>,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
        now: NumericDate,
    ) -> Outcome {
        for (index, backend) in self.backends.iter().enumerate().skip(first) {
            let Some(value) = header(backend.header()) else {
                continue;
            };
            let attempt = backend.attempt(value, self.guard.requirements(), now);
            match self.conclude(attempt, index, failure) {
                ControlFlow::Break(outcome) => return outcome,
                ControlFlow::Continue(so_far) => failure = so_far,
            }
        }
        self.decide_anonymous(failure, header)
    }

    #[inline(always)]
    fn conclude(&self, attempt: Attempt, backend: usize, failure: Option<Failure>) -> Step {
        match attempt {
            Attempt::Absent => ControlFlow::Continue(failure),
            Attempt::Ask(claims) => ControlFlow::Break(Outcome::Ask(Question {
                gate: Arc::clone(&self.identity),
                claims,
                backend,
                failure,
            })),
            Attempt::Failed(reason) => ControlFlow::Continue(failure.or(Some(reason))),
            Attempt::Known(caller) => ControlFlow::Break(self.outcome(caller)),
            Attempt::Revoked => {
                ControlFlow::Break(self.outcome(Caller::Anonymous(Some(ReasonCode::TokenRevoked))))
            }
            Attempt::StoreFailed => ControlFlow::Break(Outcome::Refused(Refusal::unavailable())),
        }
    }

    #[inline(always)]
    fn outcome(&self, caller: Caller) -> Outcome {
        match self.guard.decide(caller.view().as_ref()) {
            Decision::Allow => Outcome::Admitted(caller),
            Decision::Undetermined => Outcome::Check(caller),
            Decision::Challenge => Outcome::Refused(self.challenge(&caller)),
            Decision::Deny(reason) => Outcome::Refused(self.forbid(&caller, reason)),
        }
    }

    /// Decides about a caller whom no backend identified.
    fn decide_anonymous<'h>(
        &self,
        failure: Option<Failure>,
        header: impl Fn(&HeaderName) -> Option<&'h str>,
    ) -> Outcome {
        let reason = failure.as_ref().map(|failure| failure.reason);
        match (self.outcome(Caller::Anonymous(reason)), failure) {
            (Outcome::Refused(refusal), Some(failure)) => {
                Outcome::Refused(refusal.with_claim(failure.claim))
            }
            (Outcome::Refused(refusal), None) if self.has_unsupported_scheme(header) => {
                Outcome::Refused(refusal.for_unsupported_scheme())
            }
            (outcome, _) => outcome,
        }
    }

    /// Whether `Authorization` has something that none of the backends, which look there, takes for its own.
    fn has_unsupported_scheme<'h>(&self, header: impl Fn(&HeaderName) -> Option<&'h str>) -> bool {
        let mut names = self.backends.iter().map(Backend::header);
        let authorization = names.find(|name| name.is_authorization());
        let value = authorization.and_then(header);
        value.is_some_and(|value| !value.trim().is_empty())
    }

    /// The refusal of a caller who has to be identified first: 401.
    #[cold]
    #[must_use]
    pub fn challenge(&self, caller: &Caller) -> Refusal {
        let reason = match caller {
            Caller::Anonymous(Some(reason)) => *reason,
            _ => ReasonCode::NotAuthenticated,
        };
        Refusal::unauthorized(reason, self.schemes.clone())
    }

    /// The refusal of a caller who is identified and lacks what the guard requires: 403. Its challenge is for the
    /// kind of credential that the caller has.
    #[cold]
    #[must_use]
    pub fn forbid(&self, caller: &Caller, reason: ReasonCode) -> Refusal {
        let schemes = match caller {
            Caller::ApiKey(_) => Schemes::none(),
            _ => self.schemes.clone(),
        };
        Refusal::forbidden(reason, schemes)
    }
}

/// The outcome, or the first failure so far, with which the next backend is tried.
type Step = ControlFlow<Outcome, Option<Failure>>;
