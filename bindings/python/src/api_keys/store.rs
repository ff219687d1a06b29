//! `ApiKeyStore`: a snapshot of the table of API keys, and whether it is up to date.

use std::sync::Arc;

use boltguard::apikey::{ApiKeyVerifier, MemoryKeyStore, StoredKey};
use boltguard::{Freshness, SnapshotRead};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::api_keys::generated::{ApiKeyFormat, ApiKeyUse, StoredApiKey, peppers};
use crate::clock::instant;
use crate::time::Seconds;

/// API keys in memory, which are read without a lock.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct ApiKeyStore {
    verifier: ApiKeyVerifier,
    keys: Arc<MemoryKeyStore>,
    freshness: Arc<Freshness>,
}

impl ApiKeyStore {
    pub(crate) fn verifier(&self) -> &ApiKeyVerifier {
        &self.verifier
    }

    pub(crate) fn keys(&self) -> &Arc<MemoryKeyStore> {
        &self.keys
    }

    pub(crate) fn freshness(&self) -> &Arc<Freshness> {
        &self.freshness
    }
}

#[pymethods]
impl ApiKeyStore {
    /// Creates a store for keys with this format, whose digests are keyed by one of the peppers, the current one first.
    /// The keys are up to date for `refresh_interval` seconds after each refresh.
    #[new]
    #[pyo3(signature = (format, peppers, *, refresh_interval))]
    fn new(
        py: Python<'_>,
        format: PyRef<'_, ApiKeyFormat>,
        peppers: Vec<Vec<u8>>,
        refresh_interval: Seconds,
    ) -> PyResult<Self> {
        let interval = refresh_interval
            .as_duration()
            .ok_or_else(|| PyValueError::new_err("refresh_interval must not be negative"))?;
        let peppers = self::peppers(py, &peppers)?;
        Ok(Self {
            verifier: ApiKeyVerifier::new(format.format().clone(), peppers),
            keys: Arc::default(),
            freshness: Arc::new(Freshness::new(interval, instant())),
        })
    }

    /// Whether the last refresh was less than `refresh_interval` ago and no change was noted since.
    #[getter]
    fn is_current(&self) -> bool {
        self.freshness.is_current(instant())
    }

    /// Notes a change of the table. A refresh that began before it doesn't count.
    fn note_change(&self) {
        self.freshness.note_change();
    }

    /// Begins a refresh. Call this before you read the table.
    fn begin_refresh(&self) -> ApiKeyRefresh {
        ApiKeyRefresh(self.freshness.begin_read(instant()))
    }

    /// Finishes a refresh. The keys are up to date as of its beginning.
    fn finish_refresh(&self, refresh: PyRef<'_, ApiKeyRefresh>) {
        self.freshness.finish_read(&refresh.0);
    }

    /// Replaces all keys.
    fn replace(&self, keys: &Bound<'_, PyAny>) -> PyResult<()> {
        let stored = stored(keys)?;
        keys.py().detach(|| self.keys.replace(stored));
        Ok(())
    }

    /// Adds or replaces keys, and removes those with the `removed` IDs.
    fn update(&self, changed: &Bound<'_, PyAny>, removed: Vec<String>) -> PyResult<()> {
        let stored = stored(changed)?;
        let removed = removed.iter().map(String::as_str);
        changed.py().detach(|| self.keys.update(stored, removed));
        Ok(())
    }

    /// Returns the last use of each key that was used since the previous call.
    fn take_uses(&self) -> Vec<ApiKeyUse> {
        let uses = self.keys.take_uses();
        uses.into_iter().map(ApiKeyUse::new).collect()
    }

    fn __len__(&self) -> usize {
        self.keys.len()
    }

    fn __repr__(&self) -> String {
        format!("<ApiKeyStore: {} keys>", self.keys.len())
    }
}

fn stored(keys: &Bound<'_, PyAny>) -> PyResult<Vec<StoredKey>> {
    let stored = |key: PyResult<Bound<'_, PyAny>>| -> PyResult<StoredKey> {
        Ok(key?.cast::<StoredApiKey>()?.get().stored().clone())
    };
    keys.try_iter()?.map(stored).collect()
}

/// A refresh that has begun.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct ApiKeyRefresh(SnapshotRead);
