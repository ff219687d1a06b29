//! `RevocationSynchronizer`: decides what to read when, so that a replica is current.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boltguard::revocation::replica::{
    Loss, RevocationEntry as Entry, StreamId, StreamQuery as Query, StreamResponse as Response,
    StreamRow, SyncAction, SyncSettings, Synchronizer, TruthRead as Read,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use super::clock::monotonic;
use super::entry::RevocationEntry;
use super::stored::RevocationReplica;
use crate::clock::now;
use crate::time::Seconds;

/// A state machine that keeps a `RevocationReplica` current. It performs no I/O.
///
/// Call `next()` repeatedly, carry out what it returns, and report the result. A read of the complete list can be
/// carried out in another thread, and its result must always be reported.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RevocationSynchronizer(Mutex<Synchronizer>);

#[pymethods]
impl RevocationSynchronizer {
    /// With `is_polling`, there is no stream: the complete list is read at each interval.
    #[new]
    #[pyo3(signature = (replica, max_staleness, *, is_polling=false))]
    fn new(
        replica: PyRef<'_, RevocationReplica>,
        max_staleness: Seconds,
        is_polling: bool,
    ) -> PyResult<Self> {
        let Some(max_staleness) = max_staleness.as_duration().filter(|time| !time.is_zero()) else {
            return Err(PyValueError::new_err("max_staleness must be positive"));
        };
        let settings = SyncSettings::new(max_staleness);
        let replica = replica.replica();
        let synchronizer = match is_polling {
            true => Synchronizer::polling(replica, settings),
            false => Synchronizer::new(replica, settings),
        };
        Ok(Self(Mutex::new(synchronizer)))
    }

    /// What to do now: a `StreamQuery`, a `TruthRead`, or the number of seconds to wait. The wait ends early when a
    /// result is reported.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let at = monotonic();
        let action = self.lock().next(at, now());
        match action {
            SyncAction::QueryStream(query) => StreamQuery(query).into_bound_py_any(py),
            SyncAction::ReadTruth(read) => TruthRead(read).into_bound_py_any(py),
            SyncAction::WaitUntil(time) => {
                let wait = time.saturating_sub(at).min(LONGEST_WAIT);
                wait.as_secs_f64().into_bound_py_any(py)
            }
            _ => Err(PyRuntimeError::new_err("unknown action")),
        }
    }

    /// Handles the response to the query with this number.
    fn handle_response(&self, number: u64, response: PyRef<'_, StreamResponse>) {
        self.lock().handle_response(number, &response.0);
    }

    /// Handles a query without a valid response.
    fn query_failed(&self, number: u64) {
        self.lock().query_failed(number);
    }

    /// Adds an entry that this process has written to the complete list, so that it takes effect here at once.
    fn insert(&self, entry: PyRef<'_, RevocationEntry>) {
        self.lock().insert(entry.entry());
    }

    /// Adds entries of the complete list. There can be several calls for a read.
    fn handle_truth(&self, number: u64, entries: Vec<PyRef<'_, RevocationEntry>>) {
        let entries: Vec<Entry> = entries.iter().map(|entry| entry.entry().clone()).collect();
        self.lock().handle_truth(number, entries);
    }

    /// Handles the end of the read with this number: all entries have been added.
    fn truth_complete(&self, number: u64) {
        self.lock().truth_complete(number);
    }

    /// Handles a read that failed.
    fn truth_failed(&self, number: u64) {
        self.lock().truth_failed(number);
    }

    /// How often entries may have been missed, so that the complete list was read again, including at the start.
    #[getter]
    fn losses(&self) -> u64 {
        self.lock().losses()
    }

    /// The last reason: `"clock_moved"`, `"flushed"`, `"full"`, `"invalid_row"`, `"missing_rows"`, `"not_primary"`,
    /// `"promoted"`, `"restarted"` or `"start"`.
    #[getter]
    fn last_loss(&self) -> &'static str {
        match self.lock().last_loss() {
            Loss::ClockMoved => "clock_moved",
            Loss::Flushed => "flushed",
            Loss::Full => "full",
            Loss::InvalidRow => "invalid_row",
            Loss::MissingRows => "missing_rows",
            Loss::NotPrimary => "not_primary",
            Loss::Promoted => "promoted",
            Loss::Restarted => "restarted",
            Loss::Start => "start",
            _ => "unknown",
        }
    }

    fn __repr__(&self) -> &'static str {
        "<RevocationSynchronizer>"
    }
}

impl RevocationSynchronizer {
    fn lock(&self) -> MutexGuard<'_, Synchronizer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A query of the stream.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct StreamQuery(Query);

#[pymethods]
impl StreamQuery {
    /// The number with which the response or the error is reported.
    #[getter]
    fn number(&self) -> u64 {
        self.0.number
    }

    /// The ID after which rows are read.
    #[getter]
    fn after(&self) -> String {
        self.0.after.to_string()
    }

    /// The maximum number of rows.
    #[getter]
    fn limit(&self) -> usize {
        self.0.limit
    }

    /// The epoch to set, if the stream doesn't have one.
    #[getter]
    fn new_epoch(&self) -> Option<String> {
        self.0.new_epoch.map(|epoch| epoch.to_string())
    }

    /// The commands for the stream with this key, on one connection and in this order. The last two responses have the
    /// result: those of `EXEC` and `XTRIM`.
    fn commands(&self, stream: &str) -> Vec<Vec<String>> {
        self.0.commands(stream)
    }

    fn __repr__(&self) -> &'static str {
        "<StreamQuery>"
    }
}

/// A read of the complete list, which must begin after `next()` returned it, on the primary database.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct TruthRead(Read);

#[pymethods]
impl TruthRead {
    /// The number with which the result is reported.
    #[getter]
    fn number(&self) -> u64 {
        self.0.number
    }

    /// Whether all entries must be read, not only those that were added since the last read.
    #[getter]
    fn is_full(&self) -> bool {
        self.0.is_full
    }

    /// Entries that are kept until this time, in seconds since the epoch, or an earlier one, can be omitted.
    #[getter]
    fn expired_at(&self) -> f64 {
        self.0.expired_at.as_f64()
    }

    fn __repr__(&self) -> &'static str {
        "<TruthRead>"
    }
}

/// The response to a `StreamQuery`. For a stream that doesn't exist, `entries_added` is 0, `last_id` is `0-0`, and
/// `epoch` is `None`.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct StreamResponse(Response);

/// The ID of a row, and the names and values of its fields.
type Row = (String, Vec<(Vec<u8>, Vec<u8>)>);

#[pymethods]
impl StreamResponse {
    #[new]
    #[pyo3(signature = (
        *, entries_added, last_id, epoch, rows, run_id, replication_id, is_primary
    ))]
    fn new(
        entries_added: u64,
        last_id: &str,
        epoch: Option<&str>,
        rows: Vec<Row>,
        run_id: String,
        replication_id: String,
        is_primary: bool,
    ) -> PyResult<Self> {
        let rows = rows.into_iter().map(|(text, fields)| {
            let id = id(&text)?;
            Ok(StreamRow { id, fields })
        });
        Ok(Self(Response {
            entries_added,
            last_id: id(last_id)?,
            epoch: epoch.map(id).transpose()?,
            rows: rows.collect::<PyResult<_>>()?,
            run_id,
            replication_id,
            is_primary,
        }))
    }

    fn __repr__(&self) -> &'static str {
        "<StreamResponse>"
    }
}

fn id(text: &str) -> PyResult<StreamId> {
    let id = text.parse();
    id.map_err(|_| PyValueError::new_err("an ID of the stream is invalid"))
}

/// The follower also has other work, such as appending entries that couldn't be appended before.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
