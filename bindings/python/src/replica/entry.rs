//! `RevocationEntry`: a revocation, as processes share it.

use boltguard::revocation::replica::{InvalidEntry, RevocationEntry as Entry};
use boltguard::revocation::{UnixMillis, Watermark};
use boltguard::types::NumericDate;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::revocation_query::RevocationLevel;
use crate::time::Seconds;

/// A revocation of a token or of a level.
///
/// `until` is the time, in seconds since the epoch, until which it is kept, or `None` if it is permanent. The `repr`
/// shows no IDs.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct RevocationEntry(Entry);

impl RevocationEntry {
    pub(super) fn entry(&self) -> &Entry {
        &self.0
    }
}

#[pymethods]
impl RevocationEntry {
    /// The entry of the token with this ID.
    #[staticmethod]
    #[pyo3(signature = (token_id, until=None))]
    fn token(token_id: &str, until: Option<Seconds>) -> Self {
        Self(Entry::token(token_id, until.map(Seconds::since_epoch)))
    }

    /// The entry of a token of whose ID only the SHA-256 digest is known: its first 32 to 64 hexadecimal digits.
    #[staticmethod]
    #[pyo3(signature = (digest, until=None))]
    fn token_digest(digest: &str, until: Option<Seconds>) -> PyResult<Self> {
        let entry = Entry::token_digest(digest, until.map(Seconds::since_epoch));
        entry.map(Self).map_err(invalid)
    }

    /// The entry of the tokens of a level that were issued at or before this time in Unix milliseconds.
    #[staticmethod]
    #[pyo3(signature = (level, before, until=None))]
    fn level(level: PyRef<'_, RevocationLevel>, before: i64, until: Option<Seconds>) -> Self {
        Self(Entry::level(level.level(), watermark(before, until)))
    }

    /// The entry of a level of which only the name in shared stores is known, with or without `boltguard:level:`.
    #[staticmethod]
    #[pyo3(signature = (name, before, until=None))]
    fn stored_level(name: &str, before: i64, until: Option<Seconds>) -> PyResult<Self> {
        let entry = Entry::stored_level(name, watermark(before, until));
        entry.map(Self).map_err(invalid)
    }

    /// The names and values of the fields of a row in the stream.
    fn fields(&self) -> Vec<(&'static str, String)> {
        self.0.fields()
    }

    fn __repr__(&self) -> &'static str {
        "<RevocationEntry>"
    }
}

fn watermark(before: i64, until: Option<Seconds>) -> Watermark {
    let until: Option<NumericDate> = until.map(Seconds::since_epoch);
    Watermark::new(UnixMillis::new(before)).with_retention(until)
}

#[cold]
fn invalid(error: InvalidEntry) -> PyErr {
    PyValueError::new_err(error.to_string())
}
