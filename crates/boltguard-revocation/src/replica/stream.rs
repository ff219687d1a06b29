//! The stream of new entries, and the proof that none of them was missed.

use std::fmt;
use std::str::FromStr;

use super::entry::{InvalidEntry, RevocationEntry};
use super::query::{StreamQuery, StreamResponse};
use super::random::random_id;

/// The ID of an entry of a stream in Redis: milliseconds and a sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId {
    millis: u64,
    sequence: u64,
}

impl StreamId {
    /// The ID before all others, `0-0`, which is the last one of a stream that doesn't exist.
    pub const ZERO: Self = Self::new(0, 0);

    /// Creates an ID.
    #[must_use]
    pub const fn new(millis: u64, sequence: u64) -> Self {
        Self { millis, sequence }
    }

    /// Returns the ID that directly follows, unless this is the last one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.sequence.checked_add(1) {
            Some(sequence) => Self::new(self.millis, sequence),
            None => Self::new(self.millis.saturating_add(1), 0),
        }
    }
}

impl FromStr for StreamId {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let number = |digits: &str| {
            let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_decimal)
        };
        let parse = || {
            let (millis, sequence) = text.split_once('-')?;
            Some(Self::new(number(millis)?, number(sequence)?))
        };
        parse().ok_or(InvalidEntry)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

/// A row of the response to `XRANGE`.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamRow {
    /// The ID of the row.
    pub id: StreamId,
    /// The names and values of its fields.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl StreamRow {
    /// Creates a row with this entry.
    #[must_use]
    pub fn new(id: StreamId, entry: &RevocationEntry) -> Self {
        let fields = entry.fields().into_iter();
        Self {
            id,
            fields: fields
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }

    fn entry(&self) -> Result<RevocationEntry, InvalidEntry> {
        let fields = self.fields.iter();
        RevocationEntry::from_fields(fields.map(|(name, value)| (&**name, &**value)))
    }
}

/// Hides the fields, which contain IDs of tokens.
impl fmt::Debug for StreamRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The reason why entries may be missing, so that the whole list must be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The system clock was set back.
    ClockMoved,
    /// The server was emptied, or the stream was deleted.
    Flushed,
    /// The replica is full.
    Full,
    /// A row of the stream is invalid.
    InvalidRow,
    /// Rows were removed before they were read.
    MissingRows,
    /// The server isn't a primary.
    NotPrimary,
    /// The server has become a primary, so that its data may have been replaced.
    Promoted,
    /// The server was restarted, or is another one.
    Restarted,
    /// Nothing has been read yet.
    Start,
}

/// How far the stream has been read.
#[derive(Debug, Default)]
pub(super) struct Position {
    server: Option<Server>,
    after: StreamId,
    /// The value of `entries-added` when the last row that was read was the latest one.
    count: u64,
    /// Whether the last response had no epoch.
    lacks_epoch: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Server {
    run_id: String,
    replication_id: String,
    epoch: StreamId,
}

/// What a response proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All rows have been read.
    Complete,
    /// There are more rows.
    More,
    /// Nothing, because the stream has no epoch. The next query sets it.
    NoEpoch,
}

impl Position {
    /// Returns whether there is a position from which the stream is read.
    pub(super) fn is_known(&self) -> bool {
        self.server.is_some()
    }

    pub(super) fn query(&self, number: u64, page_size: usize) -> StreamQuery {
        StreamQuery {
            number,
            after: self.after,
            // The first response only determines the position.
            limit: if self.is_known() { page_size } else { 1 },
            new_epoch: self.lacks_epoch.then(random_id),
        }
    }

    /// Moves the position over the rows of a response, and passes on their entries.
    ///
    /// After a loss, the position is the end of the stream, so that the list can be read and then followed from there.
    pub(super) fn advance(
        &mut self,
        query: &StreamQuery,
        response: &StreamResponse,
        mut insert: impl FnMut(&RevocationEntry) -> Result<(), Loss>,
    ) -> Result<Progress, Loss> {
        if !response.is_primary {
            self.server = None;
            return Err(Loss::NotPrimary);
        }
        self.lacks_epoch = response.epoch.is_none();
        let Some(epoch) = response.epoch else {
            return Ok(Progress::NoEpoch);
        };
        let server = Server {
            run_id: response.run_id.clone(),
            replication_id: response.replication_id.clone(),
            epoch,
        };
        let advanced = self
            .check_server(&server)
            .and_then(|()| self.read_rows(response, &mut insert))
            .and_then(|()| self.progress(query, response));
        if advanced.is_err() {
            *self = Self {
                server: Some(server),
                after: response.last_id,
                count: response.entries_added,
                lacks_epoch: false,
            };
        }
        advanced
    }

    fn check_server(&self, server: &Server) -> Result<(), Loss> {
        match &self.server {
            None => Err(Loss::Start),
            Some(known) if known.run_id != server.run_id => Err(Loss::Restarted),
            Some(known) if known.replication_id != server.replication_id => Err(Loss::Promoted),
            Some(known) if known.epoch != server.epoch => Err(Loss::Flushed),
            Some(_) => Ok(()),
        }
    }

    fn read_rows(
        &mut self,
        response: &StreamResponse,
        insert: &mut impl FnMut(&RevocationEntry) -> Result<(), Loss>,
    ) -> Result<(), Loss> {
        for row in &response.rows {
            if row.id <= self.after {
                return Err(Loss::InvalidRow);
            }
            insert(&row.entry().map_err(|_| Loss::InvalidRow)?)?;
            self.after = row.id;
            self.count += 1;
        }
        Ok(())
    }

    fn progress(&self, query: &StreamQuery, response: &StreamResponse) -> Result<Progress, Loss> {
        if self.count == response.entries_added && self.after == response.last_id {
            return Ok(Progress::Complete);
        }
        match response.rows.len() >= query.limit && self.count < response.entries_added {
            true => Ok(Progress::More),
            false => Err(Loss::MissingRows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_two_decimal_numbers() {
        for id in [StreamId::ZERO, StreamId::new(u64::MAX, u64::MAX)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "+1-0",
            "1-0-0",
            "1-+0",
            "1-18446744073709551616",
        ] {
            assert_eq!(text.parse::<StreamId>(), Err(InvalidEntry), "{text}");
        }
    }

    const EPOCH: StreamId = StreamId::new(7, 7);

    fn response(rows: &[u64]) -> StreamResponse {
        let row = |n: &u64| {
            StreamRow::new(
                StreamId::new(*n, 0),
                &RevocationEntry::token(&n.to_string(), None),
            )
        };
        StreamResponse {
            run_id: "a".into(),
            replication_id: "r".into(),
            entries_added: 3,
            last_id: StreamId::new(3, 0),
            rows: rows.iter().map(row).collect(),
            epoch: Some(EPOCH),
            is_primary: true,
        }
    }

    /// The position after the first row.
    fn position() -> Position {
        Position {
            server: Some(Server {
                run_id: "a".into(),
                replication_id: "r".into(),
                epoch: EPOCH,
            }),
            after: StreamId::new(1, 0),
            count: 1,
            lacks_epoch: false,
        }
    }

    /// The result, and the entries, of a response to a position after the first of three rows.
    fn advance(response: &StreamResponse, limit: usize) -> (Result<Progress, Loss>, usize) {
        let mut position = position();
        let query = position.query(1, limit);
        let mut entries = 0;
        let result = position.advance(&query, response, |_| {
            entries += 1;
            Ok(())
        });
        if result.is_err() && response.is_primary {
            assert_eq!((position.after, position.count), (StreamId::new(3, 0), 3));
        }
        (result, entries)
    }

    #[test]
    fn response_is_complete_if_all_rows_are_counted() {
        let all = response(&[2, 3]);
        assert_eq!(advance(&all, 5), (Ok(Progress::Complete), 2));
        assert_eq!(advance(&all, 2), (Ok(Progress::Complete), 2));
        assert_eq!(advance(&response(&[2]), 1), (Ok(Progress::More), 1));
    }

    #[test]
    fn losses_are_detected() {
        let check = |change: fn(&mut StreamResponse), loss| {
            let mut response = response(&[2, 3]);
            change(&mut response);
            assert_eq!(advance(&response, 5).0, Err(loss), "{response:?}");
        };
        check(|all| all.run_id = "b".into(), Loss::Restarted);
        check(|all| all.replication_id = "s".into(), Loss::Promoted);
        check(|all| all.epoch = Some(StreamId::ZERO), Loss::Flushed);
        check(|all| all.is_primary = false, Loss::NotPrimary);
        check(|all| drop(all.rows.remove(0)), Loss::MissingRows);
        check(|all| all.rows.clear(), Loss::MissingRows);
        check(|all| all.rows.swap(0, 1), Loss::InvalidRow);
        check(|all| all.rows[0].fields.clear(), Loss::InvalidRow);
    }

    #[test]
    fn stream_without_an_epoch_proves_nothing() {
        let (mut position, mut response) = (position(), response(&[2, 3]));
        let epoch = response.epoch.take();
        let query = position.query(1, 5);
        let result = position.advance(&query, &response, |_| Ok(()));
        assert_eq!((query.new_epoch, result), (None, Ok(Progress::NoEpoch)));
        let query = position.query(2, 5);
        assert!(query.new_epoch.is_some() && query.new_epoch != position.query(2, 5).new_epoch);
        response.epoch = epoch;
        let result = position.advance(&query, &response, |_| Ok(()));
        assert_eq!(result, Ok(Progress::Complete));
        assert_eq!(position.query(3, 5).new_epoch, None);
    }

    #[test]
    fn emptied_stream_with_as_many_rows_is_detected() {
        // The clock of the server was set back, so all new IDs are lower.
        let mut response = response(&[]);
        response.entries_added = 1;
        response.last_id = StreamId::new(0, 5);
        let mut position = position();
        let query = position.query(1, 5);
        let result = position.advance(&query, &response, |_| Ok(()));
        assert_eq!(result, Err(Loss::MissingRows));
    }
}
