//! Whether the token of a request is revoked.

use std::sync::Arc;

use boltguard_jwt::AdmittedClaims;
use boltguard_revocation::RevocationStore;
use boltguard_types::{KeyId, NumericDate, ReasonCode};

use super::JwtBackend;
use crate::backend::{Attempt, Unavailable};
use crate::revocation_query::{key_id, revocation_query};
use crate::{Caller, CredentialSource, RequestParts};

impl JwtBackend {
    /// Rejects revoked tokens, and those without a `jti`, which can't be revoked.
    ///
    /// A token can be revoked by its `jti`, its session (`sid`), its subject, its issuer, or the key of its header
    /// (`kid`). The subject is the user ID: `sub`, or the claim that the policy names.
    ///
    /// The leeway of the policy is passed to an in-process store, so that entries are kept as long as their tokens are
    /// accepted.
    #[must_use]
    pub fn with_revocation(mut self, revocation: Revocation) -> Self {
        if let Some(store) = revocation.in_process() {
            store.bind_leeway(self.policy.leeway());
        }
        self.revocation = revocation;
        self
    }

    /// Sets what happens if the revocation store is unavailable.
    #[must_use]
    pub fn on_store_failure(mut self, choice: StoreFailurePolicy) -> Self {
        self.on_store_failure = choice;
        self
    }

    #[inline]
    pub(super) fn check_revocation(
        &self,
        claims: AdmittedClaims,
        token: &str,
        source: CredentialSource,
        now: NumericDate,
    ) -> Attempt {
        self.ignored_grants.record(&claims);
        if matches!(self.revocation, Revocation::Disabled) {
            return self.known(claims, source);
        }
        // An empty ID may be in all tokens of an issuer, so it can't be revoked.
        let Some(token_id) = claims.token_id().filter(|id| !id.is_empty()) else {
            return Attempt::Failed(ReasonCode::TokenIdMissing.into());
        };
        let is_revoked = match self.revocation.in_process() {
            Some(store) if store.has_levels() => {
                let key_id = key_id(token);
                store.check(&revocation_query(&claims, key_id.as_ref()), now)
            }
            Some(store) => store.is_revoked(&token_id, now),
            None => return Attempt::CheckRevocation(claims, source),
        };
        match is_revoked {
            Ok(true) => Attempt::Revoked,
            Ok(false) => self.known(claims, source),
            Err(_) if self.revocation.is_external() => Attempt::CheckRevocation(claims, source),
            Err(_) => self.store_failed(claims, source),
        }
    }

    /// Returns whether tokens may be checked in a store of the edge.
    pub(crate) fn checks_external_store(&self) -> bool {
        self.revocation.is_external()
    }

    /// Returns the `kid` of the token of a request.
    pub(crate) fn key_id(&self, parts: &impl RequestParts) -> Option<KeyId> {
        let (token, _) = self.token(parts).ok()??;
        key_id(token)
    }

    /// Returns the attempt with a valid token that isn't known to be revoked.
    #[inline]
    pub(crate) fn known(&self, claims: AdmittedClaims, source: CredentialSource) -> Attempt {
        Attempt::Known(Caller::from_token(self.name.clone(), claims, source))
    }

    /// Returns the attempt with a valid token if the store is unavailable.
    #[cold]
    pub(crate) fn store_failed(&self, claims: AdmittedClaims, source: CredentialSource) -> Attempt {
        match self.on_store_failure {
            StoreFailurePolicy::FailOpen => self.known(claims, source),
            StoreFailurePolicy::FailClosed => {
                let store = self.revocation.in_process();
                let retry_in = store.and_then(|store| store.retry_in());
                Attempt::Unavailable(Unavailable::Revocation(retry_in))
            }
        }
    }
}

/// Where revoked tokens are stored.
#[derive(Clone, Default)]
pub enum Revocation {
    /// In a store that the edge has to query, because queries may wait.
    External,
    /// In a store of this process, which never waits.
    InProcess(Arc<dyn RevocationStore>),
    /// In a store of this process. If it is unavailable, the edge has to query an external store.
    InProcessOrExternal(Arc<dyn RevocationStore>),
    /// Not stored. Tokens stay valid until they expire.
    #[default]
    Disabled,
}

impl Revocation {
    #[inline]
    fn in_process(&self) -> Option<&Arc<dyn RevocationStore>> {
        match self {
            Self::InProcess(store) | Self::InProcessOrExternal(store) => Some(store),
            Self::Disabled | Self::External => None,
        }
    }

    fn is_external(&self) -> bool {
        matches!(self, Self::External | Self::InProcessOrExternal(_))
    }
}

/// How tokens are treated if the revocation store is unavailable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreFailurePolicy {
    /// The token is accepted, even if it is revoked.
    FailOpen,
    /// The request is refused with 503.
    #[default]
    FailClosed,
}
