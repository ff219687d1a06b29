//! The revocations.

use std::time::Duration;

use boltguard_revocation::replica::RevocationEntry;
use boltguard_revocation::{RevocationLevel, RevocationQuery, Watermark};
use boltguard_types::NumericDate;

use crate::fleet::EPOCH;
use crate::settings::Fleet;

/// A row of the database.
pub(crate) struct Revocation {
    number: usize,
    is_session: bool,
    /// When it was written.
    pub(crate) at: Duration,
    /// When it was acknowledged, after it was appended to the stream.
    pub(crate) acknowledged: Option<Duration>,
    pub(crate) until: NumericDate,
    pub(crate) entry: RevocationEntry,
}

impl Revocation {
    pub(crate) fn new(fleet: &Fleet, number: usize, at: Duration) -> Self {
        let until = NumericDate::from_secs(EPOCH) + at + fleet.retention();
        let id = id(number);
        let entry = match fleet.revokes_sessions {
            true => RevocationEntry::level(
                RevocationLevel::Session(&id),
                Watermark::ALL.with_retention(Some(until)),
            ),
            false => RevocationEntry::token(&id, Some(until)),
        };
        Self {
            number,
            is_session: fleet.revokes_sessions,
            at,
            acknowledged: None,
            until,
            entry,
        }
    }

    /// Returns the query for a token that is revoked by this.
    pub(crate) fn query(&self) -> RevocationQuery<'static> {
        match self.is_session {
            true => RevocationQuery::new("a token").with_session_id(Some(id(self.number))),
            false => RevocationQuery::new(id(self.number)),
        }
    }
}

/// Returns an ID with the length of a UUID.
fn id(number: usize) -> String {
    format!("0190f5a2-7c3e-7b1d-9f00-{number:012x}")
}
