//! `ApiKeyStore`: a snapshot of a table of API keys, and whether it is recent enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boltguard::apikey::{ApiKeyVerifier, MemoryKeyStore, StoredKey};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::api_keys::generated::{ApiKeyFormat, ApiKeyUse, StoredApiKey, peppers};
use crate::time::Seconds;

/// Keys in memory. They are read without a lock, and brought up to date by whoever finds them out of date.
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
    /// Keys of this form, whose digests were made with one of these secrets of the server, the current one first. What
    /// was read stays current for `refresh_interval` seconds.
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
            freshness: Arc::new(Freshness::new(interval)),
        })
    }

    /// Whether the keys were read less than `refresh_interval` ago, and nothing is known to have changed since.
    #[getter]
    fn is_current(&self) -> bool {
        self.freshness.is_current()
    }

    /// Notes that the table has changed, so that what is being read meanwhile will not pass for current.
    fn note_change(&self) {
        self.freshness.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Begins to bring the keys up to date; call it before you read the table.
    fn begin_refresh(&self) -> ApiKeyRefresh {
        ApiKeyRefresh {
            began: Instant::now(),
            changes: self.freshness.changes.load(Ordering::SeqCst),
        }
    }

    /// Says that the keys are up to date as of the beginning of this refresh.
    fn finish_refresh(&self, refresh: PyRef<'_, ApiKeyRefresh>) {
        self.freshness.read(&refresh);
    }

    /// Replaces all keys.
    fn replace(&self, keys: &Bound<'_, PyAny>) -> PyResult<()> {
        let stored = stored(keys)?;
        keys.py().detach(|| self.keys.replace(stored));
        Ok(())
    }

    /// Adds or replaces these keys, and forgets those of the `removed` ids.
    fn update(&self, changed: &Bound<'_, PyAny>, removed: Vec<String>) -> PyResult<()> {
        let stored = stored(changed)?;
        let removed = removed.iter().map(String::as_str);
        changed.py().detach(|| self.keys.update(stored, removed));
        Ok(())
    }

    /// The last use of each key that was used since this was last asked.
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
pub(crate) struct ApiKeyRefresh {
    began: Instant,
    changes: u64,
}

/// When the keys were read, and how many of the changes since the start had been made by then.
pub(crate) struct Freshness {
    interval: Duration,
    start: Instant,
    changes: AtomicU64,
    seen: AtomicU64,
    /// In nanoseconds from the start; zero where nothing was read yet.
    current_until: AtomicU64,
}

impl Freshness {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            start: Instant::now(),
            changes: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            current_until: AtomicU64::new(0),
        }
    }

    /// Whether there is anything to fall back on.
    pub(crate) fn was_read(&self) -> bool {
        self.current_until.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn is_current(&self) -> bool {
        let elapsed = nanos(self.start.elapsed());
        elapsed < self.current_until.load(Ordering::SeqCst)
            && self.seen.load(Ordering::SeqCst) == self.changes.load(Ordering::SeqCst)
    }

    fn read(&self, refresh: &ApiKeyRefresh) {
        let began = refresh.began.saturating_duration_since(self.start);
        let until = nanos(began.saturating_add(self.interval));
        self.seen.store(refresh.changes, Ordering::SeqCst);
        self.current_until.store(until, Ordering::SeqCst);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
