//! The database with all entries.

use std::sync::Arc;

use boltguard_types::NumericDate;

use crate::replica::{RevocationEntry, TruthRead};
use crate::{RevocationError, RevocationLevel, RevocationQuery, Watermark};

/// The database with the complete revocation list, of which a [`ReplicatedRevocation`](crate::ReplicatedRevocation) is
/// a copy.
///
/// Implement it for the database of your service, or use [`RedisRevocation`](crate::RedisRevocation), on a server with
/// persistence. Unlike those of a [`RevocationStore`](crate::RevocationStore), its methods may block. They must return
/// an error after a timeout: no other read begins before. The leeway of this process is already part of `until`.
///
/// Only [`read`](Self::read) is required. A process that follows the list of another service needn't write to it.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use boltguard_revocation::replica::{RevocationEntry, TruthRead};
/// use boltguard_revocation::{RevocationError, RevocationTruth};
/// use boltguard_types::NumericDate;
///
/// /// A table of single tokens.
/// struct Table(Mutex<HashMap<String, Option<NumericDate>>>);
///
/// impl RevocationTruth for Table {
///     fn read(
///         &self,
///         read: &TruthRead,
///         entries: &mut dyn FnMut(RevocationEntry),
///     ) -> Result<(), RevocationError> {
///         // SELECT jti, expires_at FROM revoked WHERE expires_at IS NULL OR expires_at > $1
///         let rows = self.0.lock().map_err(|_| RevocationError::Unavailable)?;
///         for (id, until) in &*rows {
///             if until.is_none_or(|until| until > read.expired_at) {
///                 entries(RevocationEntry::token(id, *until));
///             }
///         }
///         Ok(())
///     }
///
///     fn revoke(
///         &self,
///         token_id: &str,
///         until: Option<NumericDate>,
///         _now: NumericDate,
///     ) -> Result<(), RevocationError> {
///         // INSERT … ON CONFLICT (jti) DO UPDATE, with the later date. Without a date, the entry is permanent.
///         let mut rows = self.0.lock().map_err(|_| RevocationError::Unavailable)?;
///         let row = rows.entry(token_id.to_owned()).or_insert(until);
///         *row = row.zip(until).map(|(one, other)| if one > other { one } else { other });
///         Ok(())
///     }
/// }
/// ```
pub trait RevocationTruth: Send + Sync {
    /// Passes all entries to a function, or those that were added since the last complete read if
    /// [`read.is_full`](TruthRead::is_full) is false.
    ///
    /// The read must begin after the call, on the primary database, and must include what was committed before.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the read failed, or if an entry is invalid.
    fn read(
        &self,
        read: &TruthRead,
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError>;

    /// Records the revocation of a token until `until`, or permanently if it is `None`.
    ///
    /// Revoking a token again can extend the entry, but never shortens it.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] or [`RevocationError::Unavailable`] if the entry may not have been recorded.
    /// - [`RevocationError::ReadOnly`] if this process can't write, which is the default.
    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let _ = (token_id, until, now);
        Err(RevocationError::ReadOnly)
    }

    /// Records the revocation of all tokens of a level. The later time and the longer retention are kept.
    ///
    /// # Errors
    ///
    /// Those of [`revoke`](Self::revoke), and [`RevocationError::Unsupported`] if the level isn't supported.
    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let _ = (level, watermark, now);
        Err(RevocationError::ReadOnly)
    }

    /// Returns whether a token is revoked at any level, for [`StalePolicy::LookUp`](crate::StalePolicy::LookUp).
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the database is unavailable, and by default.
    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let _ = (query, now);
        Err(RevocationError::Unavailable)
    }
}

impl<T: RevocationTruth + ?Sized> RevocationTruth for Arc<T> {
    fn read(
        &self,
        read: &TruthRead,
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        (**self).read(read, entries)
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke(token_id, until, now)
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        (**self).revoke_level(level, watermark, now)
    }

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        (**self).check(query, now)
    }
}
