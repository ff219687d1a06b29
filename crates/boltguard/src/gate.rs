//! Backends and a guard for one route.

use std::borrow::Cow;
use std::hash::RandomState;
use std::sync::Arc;

use boltguard_guard::{CheckResults, CompiledGuard, Decision, Explanation, Guard};
use boltguard_jwt::IgnoredGrant;
use boltguard_types::ReasonCode;

use crate::backend::BackendName;
use crate::caller::Credential;
use crate::evaluation::Evaluation;
use crate::{
    Anonymous, ApiKeyBackend, Backend, Caller, ConfigError, Now, Refusal, RequestParts, Schemes,
    Step, evaluation, issuers,
};

/// Backends and a guard, compiled once for one route. Clones are cheap and share everything.
///
/// Backends are tried in order, and the first that succeeds identifies the caller. Bad credentials for one backend
/// don't prevent the next one from being tried, except for a token that is genuine and revoked. If no backend succeeds,
/// the caller is anonymous, and the guard decides.
///
/// ```
/// use boltguard::{Gate, JwtBackend, Outcome, Step};
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
/// match gate.evaluate(&[], now) {
///     Step::Done(Outcome::Refused(refusal)) => assert_eq!(refusal.status(), 401),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    backends: Arc<[Backend]>,
    shared: Arc<Shared>,
}

/// The parts that don't depend on the API keys of the gate.
#[derive(Debug)]
struct Shared {
    guard: CompiledGuard,
    schemes: Schemes,
    has_issuers: bool,
    has_refreshes: bool,
    request_hasher: RandomState,
}

impl Gate {
    /// Creates a gate from these backends and this guard.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::Guard`] if the guard is too large to [compile](Guard::compile).
    /// - [`ConfigError::NoAuthTime`] if the guard requires a recent authentication, which only tokens can prove, and
    ///   none of `backends` is for tokens.
    /// - [`ConfigError::NoRoles`] if the guard requires a role, which no caller of `backends` can have.
    /// - [`ConfigError::UnknownBackend`] if the guard names a backend that isn't among `backends`.
    /// - [`ConfigError::DuplicateBackend`] if the explicit name of a backend is also the name of another.
    pub fn new(
        backends: impl IntoIterator<Item = Backend>,
        guard: &Guard,
    ) -> Result<Self, ConfigError> {
        let backends: Vec<_> = backends.into_iter().collect();
        let is_known = |name: &&str| backends.iter().any(|backend| backend.name() == *name);
        if let Some(unknown) = guard.backends().find(|name| !is_known(name)) {
            return Err(ConfigError::UnknownBackend(unknown.into()));
        }
        if let Some(role) = guard.roles().next()
            && !backends.iter().any(Backend::can_have_roles)
        {
            return Err(ConfigError::NoRoles(role.into()));
        }
        let is_token = |backend: &Backend| matches!(backend, Backend::Jwt(_));
        if guard.fresh_auths().next().is_some() && !backends.iter().any(is_token) {
            return Err(ConfigError::NoAuthTime);
        }
        if let Some(name) = duplicate_name(&backends) {
            return Err(ConfigError::DuplicateBackend(name.into()));
        }
        Self::compile(backends, guard)
    }

    /// Creates a gate for callers that other gates identify, see [`evaluate_caller`](Self::evaluate_caller).
    ///
    /// It has no backends, so the callers of all requests are anonymous. The guard may name any backend.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Guard`] if the guard is too large to [compile](Guard::compile).
    pub fn for_callers(guard: &Guard) -> Result<Self, ConfigError> {
        Self::compile(Vec::new(), guard)
    }

    fn compile(backends: Vec<Backend>, guard: &Guard) -> Result<Self, ConfigError> {
        let has_issuers = issuers::observe(&backends);
        let shared = Shared {
            guard: guard.compile().map_err(ConfigError::Guard)?,
            schemes: Schemes::of(&backends),
            has_issuers,
            has_refreshes: has_issuers || backends.iter().any(has_snapshot),
            request_hasher: RandomState::new(),
        };
        Ok(Self {
            backends: backends.into(),
            shared: Arc::new(shared),
        })
    }

    /// Returns the same gate with another API key backend at `index`, such as one with the keys of a tenant.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Replacement`] if there is no API key backend at that index, or if it has another header or name.
    pub fn with_api_keys(
        &self,
        index: usize,
        keys: Arc<ApiKeyBackend>,
    ) -> Result<Self, ConfigError> {
        let mut backends = self.backends.to_vec();
        match backends.get_mut(index) {
            Some(Backend::ApiKey(backend)) if keys.can_replace(backend) => *backend = keys,
            _ => return Err(ConfigError::Replacement),
        }
        Ok(Self {
            backends: backends.into(),
            shared: Arc::clone(&self.shared),
        })
    }

    /// Returns the backends, in the order in which they are tried.
    #[must_use]
    #[inline]
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// Returns whether the keys of another issuer are trusted, which have to be fetched.
    #[inline]
    pub(crate) fn has_issuers(&self) -> bool {
        self.shared.has_issuers
    }

    /// Returns whether there is something that may have to be refreshed.
    #[inline]
    pub(crate) fn has_refreshes(&self) -> bool {
        self.shared.has_refreshes
    }

    pub(crate) fn request_hasher(&self) -> &RandomState {
        &self.shared.request_hasher
    }

    /// Returns the guard.
    #[must_use]
    #[inline]
    pub fn guard(&self) -> &CompiledGuard {
        &self.shared.guard
    }

    /// Returns the schemes that a client may use.
    #[must_use]
    pub fn schemes(&self) -> &Schemes {
        &self.shared.schemes
    }

    /// Returns the claims for grants that have the wrong type in tokens of these backends, with the indexes of the
    /// backends. Each is returned once. Log them, because the callers are missing permissions that they should have.
    #[must_use]
    #[inline]
    pub fn take_ignored_grants(&self) -> Vec<(usize, IgnoredGrant)> {
        let mut all = Vec::new();
        for (at, backend) in self.backends.iter().enumerate() {
            if let Backend::Jwt(backend) = backend {
                let ignored = backend.take_ignored_grants();
                all.extend(ignored.into_iter().map(|one| (at, one)));
            }
        }
        all
    }

    /// Evaluates a request at the time `now`.
    ///
    /// The result is a decision, or what the evaluation needs from outside. In the latter case, provide it and resume
    /// the [`Need`](crate::Need). [`check_blocking`](Self::check_blocking) and [`check`](Self::check) do that.
    #[inline]
    pub fn evaluate<P: RequestParts>(&self, parts: &P, now: impl Into<Now>) -> Step {
        Evaluation::new(self, parts, now.into()).start()
    }

    /// Evaluates the guard for a caller that this or another gate identified.
    ///
    /// Grants that the other gate's guard didn't require are read again.
    pub fn evaluate_caller(&self, caller: &Caller) -> Step {
        let caller = self.reading(caller).into_owned();
        evaluation::decide(self, caller, None)
    }

    /// Returns the decision about a caller that this or another gate identified, given the results of some checks.
    ///
    /// Grants that the other gate's guard didn't require are read again.
    #[must_use]
    pub fn decide(&self, caller: &Caller, results: &CheckResults) -> Decision {
        let caller = self.reading(caller);
        self.guard().decide_with(caller.view().as_ref(), results)
    }

    /// Explains the decision about a caller, see [`CompiledGuard::explain`].
    #[must_use]
    pub fn explain(&self, caller: &Caller, results: &CheckResults) -> Explanation {
        let caller = self.reading(caller);
        self.guard().explain(caller.view().as_ref(), results)
    }

    /// Returns the caller, with the grants that this gate's guard requires.
    fn reading<'c>(&self, caller: &'c Caller) -> Cow<'c, Caller> {
        let requirements = self.guard().requirements();
        match caller.view() {
            Some(view) if !view.grant_set.was_read_for(requirements) => {
                Cow::Owned(caller.clone().with_requirements(requirements))
            }
            _ => Cow::Borrowed(caller),
        }
    }

    /// Returns the refusal of a caller who must authenticate first: 401.
    #[cold]
    #[must_use]
    pub fn challenge(&self, caller: &Caller) -> Refusal {
        let schemes = self.schemes().clone();
        match caller.credential() {
            Credential::Anonymous(Anonymous::Failed(failure)) => {
                Refusal::unauthorized(failure.reason(), schemes).with_failure(failure.clone())
            }
            Credential::Anonymous(anonymous) => Refusal::unauthorized(anonymous.reason(), schemes),
            _ => Refusal::unauthorized(ReasonCode::NotAuthenticated, schemes),
        }
    }

    /// Returns the refusal of an authenticated caller who doesn't have the required grants: 403. The challenge depends
    /// on the kind of credential.
    ///
    /// If the guard requires a more recent authentication, the client must authenticate the user again: 401.
    #[cold]
    #[must_use]
    pub fn forbid(&self, caller: Caller, reason: ReasonCode) -> Refusal {
        self.forbid_by(self.guard().guard(), caller, reason)
    }

    /// Returns the refusal of a caller whom this guard, which may be that of another gate, denies access.
    #[cold]
    pub(crate) fn forbid_by(&self, guard: &Guard, caller: Caller, reason: ReasonCode) -> Refusal {
        let schemes = match caller.api_key() {
            Some(_) => Schemes::none(),
            None => self.schemes().clone(),
        };
        if reason == ReasonCode::AuthenticationInsufficient {
            return Refusal::step_up(guard, schemes).of_caller(caller);
        }
        Refusal::forbidden(reason, schemes).of_caller(caller)
    }
}

fn has_snapshot(backend: &Backend) -> bool {
    matches!(backend, Backend::ApiKey(backend) if backend.has_snapshot())
}

/// Returns an explicit name of a backend that another one has, too. Unnamed backends of one kind may have the same
/// name.
fn duplicate_name(backends: &[Backend]) -> Option<&str> {
    let is_given = |backend: &Backend| matches!(backend.backend_name(), BackendName::Given(_));
    backends.iter().enumerate().find_map(|(at, backend)| {
        let mut others = backends[..at].iter();
        let same = others
            .find(|other| other.name() == backend.name() && (is_given(other) || is_given(backend)));
        same.map(Backend::name)
    })
}
