//! The edge of an integration, which its callers share.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::need::{ApiKeyRefresh, EdgeAuthentication, KeyRefresh, RevocationCheck, RunChecks};
use crate::{
    AsyncEdge, Authentication, ConfigError, Gate, PossibleNeed, Refreshed, RevocationStatus,
};

/// An edge of any type that provides everything that a gate may need. Clones share it.
///
/// An integration creates it at startup and adds it to each [`AdmittedCaller`](crate::AdmittedCaller), so that the
/// credentials of a connection that stays open are checked with the same edge as its request.
#[derive(Clone)]
pub struct SharedEdge(Arc<dyn ErasedEdge>);

impl SharedEdge {
    /// Wraps the edge for requests of this gate. It is cloned for each need.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Edge`] if the edge doesn't [provide](AsyncEdge::provides) something.
    pub fn new(gate: &Gate, edge: impl AsyncEdge + Clone + 'static) -> Result<Self, ConfigError> {
        gate.validate_edge(&edge)?;
        Ok(Self(Arc::new(Mutex::new(edge))))
    }
}

impl AsyncEdge for SharedEdge {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        self.0.provides(need)
    }

    async fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        self.0.refresh_keys(need).await
    }

    async fn refresh_api_keys(&mut self, need: &ApiKeyRefresh) -> Refreshed {
        self.0.refresh_api_keys(need).await
    }

    async fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        self.0.check_revocation(need).await
    }

    async fn authenticate(&mut self, need: &EdgeAuthentication) -> Authentication {
        self.0.authenticate(need).await
    }

    async fn run_check(&mut self, need: &RunChecks, check: &str) -> Option<bool> {
        self.0.run_check(need, check).await
    }
}

impl fmt::Debug for SharedEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedEdge").finish_non_exhaustive()
    }
}

type Pending<'n, T> = Pin<Box<dyn Future<Output = T> + Send + 'n>>;

/// The methods of [`AsyncEdge`], for a trait object.
trait ErasedEdge: Send + Sync {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool;
    fn refresh_keys<'n>(&self, need: &'n KeyRefresh) -> Pending<'n, Refreshed>;
    fn refresh_api_keys<'n>(&self, need: &'n ApiKeyRefresh) -> Pending<'n, Refreshed>;
    fn check_revocation<'n>(&self, need: &'n RevocationCheck) -> Pending<'n, RevocationStatus>;
    fn authenticate<'n>(&self, need: &'n EdgeAuthentication) -> Pending<'n, Authentication>;
    fn run_check<'n>(&self, need: &'n RunChecks, check: &'n str) -> Pending<'n, Option<bool>>;
}

/// An edge that can be sent to another thread can be shared in a mutex, which is locked only to clone it.
impl<E: AsyncEdge + Clone + 'static> ErasedEdge for Mutex<E> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        cloned(self).provides(need)
    }

    fn refresh_keys<'n>(&self, need: &'n KeyRefresh) -> Pending<'n, Refreshed> {
        let mut edge = cloned(self);
        Box::pin(async move { edge.refresh_keys(need).await })
    }

    fn refresh_api_keys<'n>(&self, need: &'n ApiKeyRefresh) -> Pending<'n, Refreshed> {
        let mut edge = cloned(self);
        Box::pin(async move { edge.refresh_api_keys(need).await })
    }

    fn check_revocation<'n>(&self, need: &'n RevocationCheck) -> Pending<'n, RevocationStatus> {
        let mut edge = cloned(self);
        Box::pin(async move { edge.check_revocation(need).await })
    }

    fn authenticate<'n>(&self, need: &'n EdgeAuthentication) -> Pending<'n, Authentication> {
        let mut edge = cloned(self);
        Box::pin(async move { edge.authenticate(need).await })
    }

    fn run_check<'n>(&self, need: &'n RunChecks, check: &'n str) -> Pending<'n, Option<bool>> {
        let mut edge = cloned(self);
        Box::pin(async move { edge.run_check(need, check).await })
    }
}

fn cloned<E: Clone>(edge: &Mutex<E>) -> E {
    edge.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
