//! `SessionEngine`: the tokens of sessions, and what happens to a session when a refresh token is presented.

use std::time::Duration;

use boltguard::keys::Secret;
use boltguard::session::{
    Decision, SessionError, SessionId, SessionKeys, SessionLimits, SessionPolicy,
    SessionState as State, UnverifiedRefreshToken, VerifiedRefreshToken,
};
use boltguard::types::ReasonCode;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::errors::{Class, key_error, plain};
use crate::time::Seconds;
use crate::tokens::minter::Minter;

/// Issues and verifies the tokens of sessions, and decides what happens to a session when a refresh token is presented.
///
/// It keeps no sessions: the caller stores them. Dates are seconds since the epoch.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct SessionEngine {
    keys: SessionKeys,
    policy: SessionPolicy,
    access_lifetime: Duration,
}

#[pymethods]
impl SessionEngine {
    /// Creates an engine whose tokens are derived from the first secret. Tokens of the other secrets are accepted.
    #[new]
    #[pyo3(signature = (secrets, *, access_lifetime, refresh_lifetime, session_lifetime, reuse_grace))]
    fn new(
        py: Python<'_>,
        secrets: Vec<Vec<u8>>,
        access_lifetime: Seconds,
        refresh_lifetime: Seconds,
        session_lifetime: Seconds,
        reuse_grace: Seconds,
    ) -> PyResult<Self> {
        let refused = |error: String| plain(py, Class::ConfigurationError, error);
        let duration = |name: &str, seconds: Seconds| {
            let refused = || refused(format!("{name} is negative or too long"));
            seconds.as_duration().ok_or_else(refused)
        };
        let limits = SessionLimits {
            refresh_lifetime: duration("refresh_lifetime", refresh_lifetime)?,
            session_lifetime: duration("session_lifetime", session_lifetime)?,
            reuse_grace: duration("reuse_grace", reuse_grace)?,
        };
        let policy = SessionPolicy::new(limits).map_err(|error| refused(error.to_string()))?;
        let access_lifetime = duration("access_lifetime", access_lifetime)?;
        check_access_lifetime(access_lifetime, limits).map_err(refused)?;
        Ok(Self {
            keys: keys(py, &secrets)?,
            policy,
            access_lifetime,
        })
    }

    /// Begins a session of a user, with a random ID.
    #[staticmethod]
    fn begin(subject: &str, now: Seconds) -> PyResult<SessionState> {
        let id = SessionId::generate().map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(SessionState(State::new(id, subject, now.since_epoch())))
    }

    /// Returns the session and the generation of a refresh token, or `None` if this server didn't issue it.
    fn verify(&self, token: &str) -> Option<PresentedRefreshToken> {
        let verified = self.keys.verify(&UnverifiedRefreshToken::parse(token)?)?;
        Some(PresentedRefreshToken(verified))
    }

    /// Decides what happens to a session if a token is presented.
    fn decide(
        &self,
        state: PyRef<'_, SessionState>,
        presented: PyRef<'_, PresentedRefreshToken>,
        now: Seconds,
    ) -> SessionDecision {
        let (state, presented) = (&state.0, &presented.0);
        SessionDecision::new(self.policy.decide(state, presented, now.since_epoch()))
    }

    /// The current refresh token of a session.
    fn refresh_token<'py>(
        &self,
        py: Python<'py>,
        state: PyRef<'_, SessionState>,
    ) -> Bound<'py, PyString> {
        let token = self.keys.issue(&state.0.id, state.0.generation);
        PyString::new(py, token.expose())
    }

    /// The access token that belongs to the current refresh token. It is the same whenever it is issued, if the claims
    /// are the same and the signature algorithm is deterministic.
    fn access_token(
        &self,
        state: PyRef<'_, SessionState>,
        minter: PyRef<'_, Minter>,
        claims: &Bound<'_, PyMapping>,
    ) -> PyResult<String> {
        let state = &state.0;
        let lifetime = self.lifetime_of_access(state);
        let seed = self.keys.access_token_seed(&state.id, state.generation);
        minter.mint_for(
            state.subject.as_str(),
            lifetime,
            claims,
            state.last_used,
            Some(seed),
        )
    }

    /// When the current refresh token expires, and the session with it, unless the token is used before.
    fn expires(&self, state: PyRef<'_, SessionState>) -> f64 {
        self.policy.expires(&state.0).as_f64()
    }

    /// When the access token expires that belongs to the current refresh token.
    fn access_expires(&self, state: PyRef<'_, SessionState>) -> f64 {
        let expires = self.policy.access_expires(&state.0, self.access_lifetime);
        expires.as_f64()
    }

    fn __repr__(&self) -> String {
        format!("<SessionEngine: {:?}>", self.policy.limits())
    }
}

impl SessionEngine {
    /// The configured lifetime, exactly, unless the session expires before.
    fn lifetime_of_access(&self, state: &State) -> Duration {
        let expires = self.policy.expires(state);
        if state.last_used + self.access_lifetime <= expires {
            self.access_lifetime
        } else {
            expires.since(state.last_used)
        }
    }
}

/// The state of a session, as it is stored.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct SessionState(State);

#[pymethods]
impl SessionState {
    #[new]
    #[pyo3(signature = (id, subject, *, generation, created, last_used, ended=None))]
    fn new(
        id: &str,
        subject: &str,
        generation: u32,
        created: Seconds,
        last_used: Seconds,
        ended: Option<Seconds>,
    ) -> PyResult<Self> {
        let invalid = || PyValueError::new_err("the ID of a session has 12 digits and letters");
        Ok(Self(State {
            id: SessionId::parse(id).ok_or_else(invalid)?,
            subject: subject.into(),
            generation,
            created: created.since_epoch(),
            last_used: last_used.since_epoch(),
            ended: ended.map(Seconds::since_epoch),
        }))
    }

    /// The ID, which isn't secret.
    #[getter]
    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// The generation of the current refresh token.
    #[getter]
    fn generation(&self) -> u32 {
        self.0.generation
    }

    /// When the user logged in.
    #[getter]
    fn created(&self) -> f64 {
        self.0.created.as_f64()
    }

    /// When the current refresh token was issued.
    #[getter]
    fn last_used(&self) -> f64 {
        self.0.last_used.as_f64()
    }

    fn __repr__(&self) -> String {
        format!("<SessionState: {}>", self.0.id)
    }
}

/// The session and the generation of a refresh token that this server issued.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct PresentedRefreshToken(VerifiedRefreshToken);

#[pymethods]
impl PresentedRefreshToken {
    /// The ID of the session.
    #[getter]
    fn session_id(&self) -> &str {
        self.0.session_id().as_str()
    }

    fn __repr__(&self) -> String {
        format!("<PresentedRefreshToken: {}>", self.0.session_id())
    }
}

/// What happens to a session.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct SessionDecision {
    kind: &'static str,
    code: Option<&'static str>,
    next: Option<State>,
}

impl SessionDecision {
    fn new(decision: Decision) -> Self {
        let refused = |kind, error: SessionError<()>| (kind, Some(error.code().as_str()), None);
        let (kind, code, next) = match decision {
            Decision::Ended => refused("ended", SessionError::Ended),
            Decision::Expired => refused("expired", SessionError::Expired),
            Decision::Invalid => refused("invalid", SessionError::Invalid),
            Decision::Replay { .. } => ("replay", None, None),
            Decision::Reused => (
                "reused",
                Some(ReasonCode::RefreshTokenReused.as_str()),
                None,
            ),
            Decision::Rotate { next, .. } => ("rotate", None, Some(next)),
        };
        Self { kind, code, next }
    }
}

#[pymethods]
impl SessionDecision {
    /// `"rotate"`: store `next`, unless the session was changed, and issue its tokens. `"replay"`: issue the current
    /// tokens again. `"reused"`: end the session. `"ended"`, `"expired"` or `"invalid"`: refuse the token.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    /// The reason code if the token is refused.
    #[getter]
    fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// The state to store, if the token is rotated.
    #[getter]
    fn next(&self) -> Option<SessionState> {
        self.next.clone().map(SessionState)
    }

    fn __repr__(&self) -> String {
        format!("<SessionDecision: {}>", self.kind)
    }
}

fn keys(py: Python<'_>, secrets: &[Vec<u8>]) -> PyResult<SessionKeys> {
    let mut secrets = secrets
        .iter()
        .map(|bytes| Secret::new(bytes.as_slice()).map_err(|error| key_error(py, error)));
    let Some(current) = secrets.next() else {
        let message = "secrets must not be empty";
        return Err(plain(py, Class::ConfigurationError, message));
    };
    secrets.try_fold(SessionKeys::new(&current?), |keys, old| {
        Ok(keys.with_old(&old?))
    })
}

/// A token that is used again within the grace receives the access token that was issued first, which must be valid.
fn check_access_lifetime(lifetime: Duration, limits: SessionLimits) -> Result<(), String> {
    if lifetime < Duration::from_secs(1) {
        return Err(format!(
            "access_lifetime is {lifetime:?}; it must be at least 1s"
        ));
    }
    if lifetime > limits.session_lifetime {
        return Err(format!(
            "access_lifetime is {lifetime:?}; it must be at most session_lifetime, which is {:?}",
            limits.session_lifetime
        ));
    }
    if lifetime <= limits.reuse_grace {
        return Err(format!(
            "access_lifetime is {lifetime:?}; it must be more than reuse_grace, which is {:?}",
            limits.reuse_grace
        ));
    }
    Ok(())
}
