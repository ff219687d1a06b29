//! Creating, refreshing and ending sessions in a store.

use boltguard_types::{NumericDate, Subject};

use crate::{
    Decision, RefreshToken, SessionError, SessionId, SessionKeys, SessionPolicy, SessionState,
    SessionStore, UnverifiedRefreshToken, VerifiedRefreshToken,
};

/// A refresh token and the state of its session.
#[derive(Debug)]
pub struct IssuedToken {
    /// The state of the session, with the generation of this token.
    pub state: SessionState,
    /// The token.
    pub token: RefreshToken,
    /// When the token expires.
    pub expires: NumericDate,
    /// Whether the same token was issued before, because its predecessor was used again within the grace period.
    pub is_replay: bool,
}

/// Sessions in a store: created at login, continued with refresh tokens, and ended.
///
/// See the [crate documentation](crate) for an example.
#[derive(Clone, Debug)]
pub struct Sessions<S> {
    store: S,
    keys: SessionKeys,
    policy: SessionPolicy,
}

impl<S: SessionStore> Sessions<S> {
    /// Creates sessions in this store.
    #[must_use]
    pub const fn new(store: S, keys: SessionKeys, policy: SessionPolicy) -> Self {
        Self {
            store,
            keys,
            policy,
        }
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Returns the policy.
    #[must_use]
    pub const fn policy(&self) -> &SessionPolicy {
        &self.policy
    }

    /// Begins a session of a user who has just logged in.
    ///
    /// # Errors
    ///
    /// - [`SessionError::Contended`] if every generated ID is already used.
    /// - [`SessionError::Random`] if the random number generator of the system is unavailable.
    /// - [`SessionError::Store`] if the store is unavailable.
    pub fn create(
        &self,
        subject: impl Into<Subject>,
        now: NumericDate,
    ) -> Result<IssuedToken, SessionError<S::Error>> {
        let subject = subject.into();
        for _ in 0..ATTEMPTS {
            let state = SessionState::new(SessionId::generate()?, subject.clone(), now);
            if self.store.insert(&state).map_err(SessionError::Store)? {
                let expires = self.policy.expires(&state);
                return Ok(self.issue(state, expires, false));
            }
        }
        Err(SessionError::Contended)
    }

    /// Exchanges a refresh token for its successor.
    ///
    /// The store is only queried if the token was issued by this server. If another request with the same token is
    /// faster, the session is read again, and both receive the same successor.
    ///
    /// # Errors
    ///
    /// - [`SessionError::Contended`] if the store refuses to rotate, although the token is current at each read.
    /// - [`SessionError::Ended`] if the session has ended.
    /// - [`SessionError::Expired`] if the token or the session has expired.
    /// - [`SessionError::Invalid`] if the string isn't a token of this server, or the session is unknown.
    /// - [`SessionError::Reused`] if the token was used before. The session is ended.
    /// - [`SessionError::Store`] if the store is unavailable.
    pub fn refresh(
        &self,
        presented: &str,
        now: NumericDate,
    ) -> Result<IssuedToken, SessionError<S::Error>> {
        let token = self.verify(presented).ok_or(SessionError::Invalid)?;
        for _ in 0..ATTEMPTS {
            if let Some(issued) = self.try_refresh(&token, now)? {
                return Ok(issued);
            }
        }
        Err(SessionError::Contended)
    }

    /// Ends a session, for example at logout. Returns whether it was active.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store is unavailable.
    pub fn end(&self, id: &SessionId, now: NumericDate) -> Result<bool, SessionError<S::Error>> {
        self.store.end(id, now).map_err(SessionError::Store)
    }

    /// Returns the session and the generation of a token of this server, without asking the store.
    #[must_use]
    pub fn verify(&self, presented: &str) -> Option<VerifiedRefreshToken> {
        self.keys.verify(&UnverifiedRefreshToken::parse(presented)?)
    }

    /// Reads, decides and writes. Returns `None` if another request has changed the session in between.
    fn try_refresh(
        &self,
        token: &VerifiedRefreshToken,
        now: NumericDate,
    ) -> Result<Option<IssuedToken>, SessionError<S::Error>> {
        let found = self.store.find(token.session_id());
        let state = found
            .map_err(SessionError::Store)?
            .ok_or(SessionError::Invalid)?;
        match self.policy.decide(&state, token, now) {
            Decision::Ended => Err(SessionError::Ended),
            Decision::Expired => Err(SessionError::Expired),
            Decision::Invalid => Err(SessionError::Invalid),
            Decision::Replay { expires } => Ok(Some(self.issue(state, expires, true))),
            Decision::Reused => {
                self.end(&state.id, now)?;
                Err(SessionError::Reused(state))
            }
            Decision::Rotate { next, expires } => {
                let is_stored = self.store.rotate(&next).map_err(SessionError::Store)?;
                Ok(is_stored.then(|| self.issue(next, expires, false)))
            }
        }
    }

    fn issue(&self, state: SessionState, expires: NumericDate, is_replay: bool) -> IssuedToken {
        IssuedToken {
            token: self.keys.issue(&state.id, state.generation),
            state,
            expires,
            is_replay,
        }
    }
}

/// The second attempt succeeds, unless reads are stale.
const ATTEMPTS: usize = 4;
