//! An edge that only checks revocations.

use boltguard_revocation::{AsyncRevocationStore, RevocationError};
use boltguard_types::NumericDate;

use crate::need::RevocationCheck;
use crate::{AsyncEdge, PossibleNeed, RevocationStatus};

/// An [`AsyncEdge`] that checks tokens in a store, and provides nothing else.
///
/// [`Services`](crate::Services) combines it with other edges. If the backends have several stores, implement
/// [`AsyncEdge`], and call [`RevocationCheck::check_in`].
///
/// ```
/// use std::time::SystemTime;
/// use boltguard::{Gate, Outcome, RevocationEdge};
/// use boltguard::revocation::AsyncRevocationStore;
/// use boltguard::types::NumericDate;
///
/// async fn check(
///     gate: &Gate,
///     headers: &[(&str, &str)],
///     store: &impl AsyncRevocationStore,
/// ) -> Outcome {
///     let clock = || NumericDate::from(SystemTime::now());
///     gate.check(&headers, clock, &mut RevocationEdge::new(store, clock)).await
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RevocationEdge<S, C> {
    store: S,
    clock: C,
}

impl<S: AsyncRevocationStore, C: Fn() -> NumericDate + Send + Sync> RevocationEdge<S, C> {
    /// Creates an edge with this store or a reference to it, for all backends with `Revocation::External`.
    #[must_use]
    pub fn new(store: S, clock: C) -> Self {
        Self { store, clock }
    }
}

impl<S: AsyncRevocationStore, C: Fn() -> NumericDate + Send + Sync> AsyncEdge
    for RevocationEdge<S, C>
{
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    async fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        need.check_in(&self.store, (self.clock)()).await
    }
}

impl RevocationCheck {
    /// Checks the token in a store, at all levels that the store supports.
    pub async fn check_in(
        &self,
        store: &impl AsyncRevocationStore,
        now: NumericDate,
    ) -> RevocationStatus {
        store.check(&self.query(), now).await.into()
    }
}

/// An error means that the store is unavailable.
impl From<Result<bool, RevocationError>> for RevocationStatus {
    fn from(result: Result<bool, RevocationError>) -> Self {
        match result {
            Ok(true) => Self::Revoked,
            Ok(false) => Self::NotRevoked,
            Err(_) => Self::Unavailable,
        }
    }
}
