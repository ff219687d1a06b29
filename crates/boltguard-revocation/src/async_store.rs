//! The interface of stores that don't respond at once.

use std::sync::Arc;
use std::time::Duration;

use boltguard_types::NumericDate;

use crate::{RevocationError, RevocationLevel, RevocationQuery, Watermark};

/// A revocation list whose lookups can take time, such as one in a database.
///
/// This is the asynchronous variant of [`RevocationStore`](crate::RevocationStore), with the same contract. It depends
/// on no runtime. A gate with such a store has `Revocation::External`, and the application looks up each token between
/// authentication and the guard; `RevocationEdge` of the crate `boltguard` does it.
///
/// With the feature `contract-tests`, `contract::check_async_store` tests such a store.
///
/// ```
/// use boltguard_revocation::{AsyncRevocationStore, RevocationError};
/// use boltguard_types::NumericDate;
///
/// struct Table;
///
/// impl AsyncRevocationStore for Table {
///     async fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
///         // SELECT EXISTS (SELECT FROM revoked WHERE jti = $1 AND expires_at > $2)
///         Ok(false)
///     }
///
///     async fn revoke(
///         &self,
///         token_id: &str,
///         until: Option<NumericDate>,
///         now: NumericDate,
///     ) -> Result<(), RevocationError> {
///         // INSERT … ON CONFLICT (jti) DO UPDATE, with the later date. Without a date, the entry is permanent.
///         Ok(())
///     }
/// }
/// ```
pub trait AsyncRevocationStore: Send + Sync {
    /// Returns whether the token with this ID is revoked at `now`.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the store is unavailable. The token must be rejected then.
    fn is_revoked(
        &self,
        token_id: &str,
        now: NumericDate,
    ) -> impl Future<Output = Result<bool, RevocationError>> + Send;

    /// Revokes the token with this ID until `until`, or permanently if it is `None`.
    ///
    /// Revoking a token again can extend the entry, but never shortens it.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if the store is full.
    /// - [`RevocationError::Unavailable`] if the store is unavailable.
    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), RevocationError>> + Send;

    /// Returns whether a token is revoked at `now`, at any level that the store supports.
    ///
    /// See [`RevocationStore::check`](crate::RevocationStore::check). By default, only the ID is checked.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the store is unavailable. The token must be rejected then.
    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> impl Future<Output = Result<bool, RevocationError>> + Send {
        self.is_revoked(query.token_id(), now)
    }

    /// Revokes all tokens of a level that were issued at or before the time of the watermark.
    ///
    /// If the level already has a watermark, the later time and the longer retention are kept.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if the store is full.
    /// - [`RevocationError::Unavailable`] if the store is unavailable.
    /// - [`RevocationError::Unsupported`] if the store doesn't support the level, which is the default.
    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), RevocationError>> + Send {
        let _ = (level, watermark, now);
        async { Err(RevocationError::Unsupported) }
    }

    /// Announces that tokens are accepted for this duration after their `exp`, so that entries must be kept for longer.
    ///
    /// By default, this is ignored: revoke with [`retain_until`](crate::retain_until) and the largest leeway.
    fn bind_leeway(&self, leeway: Duration) {
        let _ = leeway;
    }
}

/// Implements the trait for pointers to a store.
macro_rules! forward {
    ($($pointer:ty),*) => {
        $(
            impl<S: AsyncRevocationStore + ?Sized> AsyncRevocationStore for $pointer {
                fn is_revoked(
                    &self,
                    token_id: &str,
                    now: NumericDate,
                ) -> impl Future<Output = Result<bool, RevocationError>> + Send {
                    (**self).is_revoked(token_id, now)
                }

                fn revoke(
                    &self,
                    token_id: &str,
                    until: Option<NumericDate>,
                    now: NumericDate,
                ) -> impl Future<Output = Result<(), RevocationError>> + Send {
                    (**self).revoke(token_id, until, now)
                }

                fn check(
                    &self,
                    query: &RevocationQuery<'_>,
                    now: NumericDate,
                ) -> impl Future<Output = Result<bool, RevocationError>> + Send {
                    (**self).check(query, now)
                }

                fn revoke_level(
                    &self,
                    level: RevocationLevel<'_>,
                    watermark: Watermark,
                    now: NumericDate,
                ) -> impl Future<Output = Result<(), RevocationError>> + Send {
                    (**self).revoke_level(level, watermark, now)
                }

                fn bind_leeway(&self, leeway: Duration) {
                    (**self).bind_leeway(leeway);
                }
            }
        )*
    };
}

forward!(&S, Arc<S>);
