//! Keys, sessions and dates of the tests.

use std::time::Duration;

use boltguard_keys::Secret;
use boltguard_session::{
    MemorySessionStore, SessionId, SessionKeys, SessionLimits, SessionPolicy, Sessions,
    UnverifiedRefreshToken, VerifiedRefreshToken,
};
use boltguard_types::NumericDate;

/// The date of the login.
pub(crate) const LOGIN: NumericDate = NumericDate::from_secs(1_800_000_000);

/// Short, so that random schedules meet all limits.
pub(crate) const LIMITS: SessionLimits = SessionLimits {
    refresh_lifetime: seconds(20),
    session_lifetime: seconds(60),
    reuse_grace: seconds(3),
};

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The date so many seconds after the login.
pub(crate) fn after(count: u64) -> NumericDate {
    LOGIN + seconds(count)
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes()).unwrap()
}

pub(crate) fn keys() -> SessionKeys {
    SessionKeys::new(&secret("a secret that is thirty-two bytes"))
}

pub(crate) fn policy() -> SessionPolicy {
    SessionPolicy::new(LIMITS).unwrap()
}

pub(crate) fn sessions() -> Sessions<MemorySessionStore> {
    Sessions::new(MemorySessionStore::new(), keys(), policy())
}

pub(crate) fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

/// The verified token of a generation.
pub(crate) fn verified(id: &SessionId, generation: u32) -> VerifiedRefreshToken {
    let token = keys().issue(id, generation);
    let parsed = UnverifiedRefreshToken::parse(token.expose()).unwrap();
    keys().verify(&parsed).unwrap()
}
