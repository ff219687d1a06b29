//! The headers of a request, as a gate reads them from `META`.

use std::sync::Arc;

use boltguard::{Backend, HeaderName, RequestParts, Step};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::backends::trusted_keys::TrustedKeys;
use crate::clock::now;
use crate::errors::{Class, plain};

/// Reads the headers of requests for a gate.
pub(crate) struct Reader {
    /// The headers that the backends read, each once, with their names in `META`.
    headers: Vec<(HeaderName, Py<PyString>)>,
    /// Stored so that the backends are notified of replaced keys.
    keys: Vec<Arc<TrustedKeys>>,
    /// Those of them that change with time.
    scheduled: Vec<Arc<TrustedKeys>>,
}

/// The backends of a gate read at most this many headers.
pub(crate) const MAX_HEADERS: usize = 8;

/// The headers of one request that the backends of a gate read.
pub(crate) struct Parts<'r> {
    headers: &'r [(HeaderName, Py<PyString>)],
    values: [Option<&'r str>; MAX_HEADERS],
}

impl Reader {
    pub(crate) fn new(
        py: Python<'_>,
        backends: &[Backend],
        keys: Vec<Arc<TrustedKeys>>,
    ) -> PyResult<Self> {
        let mut headers: Vec<(HeaderName, Py<PyString>)> = Vec::new();
        for name in backends.iter().flat_map(Backend::headers) {
            if !headers.iter().any(|(known, _)| known == name) {
                headers.push((name.clone(), PyString::intern(py, name.as_cgi()).unbind()));
            }
        }
        if headers.len() > MAX_HEADERS {
            let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!(
                "the backends of a view read {} different headers, and at most {MAX_HEADERS} are supported: {}",
                names.len(),
                names.join(", ")
            );
            return Err(plain(py, Class::ConfigurationError, message));
        }
        let scheduled = keys.iter().filter(|keys| keys.are_scheduled());
        Ok(Self {
            headers,
            scheduled: scheduled.cloned().collect(),
            keys,
        })
    }

    /// Takes a step of the evaluation of the request with this `META`. A header whose value isn't a string is absent.
    ///
    /// Other Python threads run in the meantime if verifying can take long.
    #[inline]
    pub(crate) fn with_parts(
        &self,
        meta: &Bound<'_, PyDict>,
        step: impl FnOnce(&Parts<'_>) -> Step + Send,
    ) -> PyResult<Step> {
        let mut found = [const { None::<Bound<'_, PyString>> }; MAX_HEADERS];
        for ((_, key), value) in self.headers.iter().zip(&mut found) {
            let object = meta.get_item(key.bind(meta.py()))?;
            *value = object.and_then(|object| object.cast_into().ok());
        }
        let parts = Parts {
            headers: &self.headers,
            values: std::array::from_fn(|at| found[at].as_ref()?.to_str().ok()),
        };
        for keys in &self.scheduled {
            keys.follow_schedule(now());
        }
        if self.keys.iter().any(|keys| keys.take_long()) {
            Ok(meta.py().detach(|| step(&parts)))
        } else {
            Ok(step(&parts))
        }
    }
}

impl RequestParts for Parts<'_> {
    #[inline]
    fn header(&self, name: &HeaderName) -> Option<&str> {
        let at = self.headers.iter().position(|(known, _)| known == name)?;
        self.values.get(at).copied().flatten()
    }
}
