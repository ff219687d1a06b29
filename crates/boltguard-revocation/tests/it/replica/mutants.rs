//! Faulty ways to follow a list: they alter what the synchronizer receives.

use boltguard_revocation::replica::{RevocationEntry, StreamId, StreamResponse};

/// What alters the responses of the server and of the truth.
pub(super) trait Mutant {
    /// `key` is the value of a separate key, which is set by the first query and persists if the stream is deleted.
    fn response(&mut self, response: StreamResponse, _key: StreamId) -> StreamResponse {
        response
    }

    /// Returns the entries that are read instead of the truth. `stream` are those of the stream.
    fn truth(
        &mut self,
        truth: Vec<RevocationEntry>,
        _stream: Vec<RevocationEntry>,
    ) -> Vec<RevocationEntry> {
        truth
    }
}

/// No mutant.
pub(super) struct Faithful;

impl Mutant for Faithful {}

/// Considers each response complete, like a consumer of `XREAD` that believes its connection.
#[derive(Default)]
pub(super) struct TrustsConnection {
    count: u64,
    last_id: StreamId,
    is_started: bool,
}

impl Mutant for TrustsConnection {
    fn response(&mut self, mut response: StreamResponse, _: StreamId) -> StreamResponse {
        if self.is_started {
            self.count += response.rows.len() as u64;
            self.last_id = response.rows.last().map_or(self.last_id, |row| row.id);
        } else {
            self.is_started = true;
            self.last_id = response.last_id;
        }
        response.run_id = "any".into();
        response.replication_id = "any".into();
        response.epoch = Some(StreamId::ZERO);
        response.is_primary = true;
        response.entries_added = self.count;
        response.last_id = self.last_id;
        response
    }
}

/// Reads the stream again instead of the truth.
pub(super) struct ReadsOnlyStream;

impl Mutant for ReadsOnlyStream {
    fn truth(
        &mut self,
        _truth: Vec<RevocationEntry>,
        stream: Vec<RevocationEntry>,
    ) -> Vec<RevocationEntry> {
        stream
    }
}

/// Doesn't compare the epoch.
pub(super) struct ForgetsEpoch;

impl Mutant for ForgetsEpoch {
    fn response(&mut self, mut response: StreamResponse, _: StreamId) -> StreamResponse {
        response.epoch = Some(StreamId::ZERO);
        response
    }
}

/// Reads the epoch from another key than the stream.
pub(super) struct KeepsEpochInKey;

impl Mutant for KeepsEpochInKey {
    fn response(&mut self, mut response: StreamResponse, key: StreamId) -> StreamResponse {
        response.epoch = Some(key);
        response
    }
}

/// Doesn't compare the ID of the replication.
pub(super) struct ForgetsPromotion;

impl Mutant for ForgetsPromotion {
    fn response(&mut self, mut response: StreamResponse, _: StreamId) -> StreamResponse {
        response.replication_id = "any".into();
        response
    }
}
