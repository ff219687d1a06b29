//! `ApiKeyBackend`: authentication by an API key in a header.

use std::sync::Arc;

use boltguard::apikey::ApiKeys;
use boltguard::{ApiKeyBackend as Backend, ApiKeySource, StoreFailurePolicy};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::api_keys::generated::secret;
use crate::api_keys::store::ApiKeyStore;
use crate::backends::{header, refused, schemes};

/// Authenticates requests by an API key in a header. Only digests of the keys are stored.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct ApiKeyBackend {
    backend: Arc<Backend>,
    weak_keys: usize,
}

impl ApiKeyBackend {
    pub(crate) fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }
}

#[pymethods]
impl ApiKeyBackend {
    /// `id_key` is a secret that makes the public IDs of the keys unguessable.
    #[new]
    #[pyo3(signature = (
        *, api_keys, key_permissions=None, header="x-api-key", id_key=None, scheme=None, name=None
    ))]
    fn new(
        py: Python<'_>,
        api_keys: &Bound<'_, PyAny>,
        key_permissions: Option<&Bound<'_, PyMapping>>,
        header: &str,
        id_key: Option<&[u8]>,
        scheme: Option<Vec<String>>,
        name: Option<&str>,
    ) -> PyResult<Self> {
        let keys = known_keys(py, api_keys, key_permissions, id_key)?;
        if keys.is_empty() {
            return Err(refused(py, "api_keys must not be empty"));
        }
        Ok(Self {
            weak_keys: keys.weak_count(),
            backend: Arc::new(backend(
                py,
                ApiKeySource::Static(keys),
                header,
                scheme,
                name,
            )?),
        })
    }

    /// Looks keys up in a store. The gate requires an update of the store when it is outdated. If the update fails, the
    /// outdated keys are used if `store_errors_allow` is `True`.
    #[staticmethod]
    #[pyo3(signature = (store, *, header="x-api-key", store_errors_allow=false, scheme=None, name=None))]
    fn stored(
        py: Python<'_>,
        store: PyRef<'_, ApiKeyStore>,
        header: &str,
        store_errors_allow: bool,
        scheme: Option<Vec<String>>,
        name: Option<&str>,
    ) -> PyResult<Self> {
        let keys = ApiKeySource::Store(store.verifier().clone(), Arc::clone(store.keys()) as _);
        let on_failure = match store_errors_allow {
            true => StoreFailurePolicy::FailOpen,
            false => StoreFailurePolicy::FailClosed,
        };
        let backend = backend(py, keys, header, scheme, name)?
            .with_snapshot(Arc::clone(store.freshness()), on_failure);
        Ok(Self {
            weak_keys: 0,
            backend: Arc::new(backend),
        })
    }

    /// The same backend with public IDs that are derived with this secret. Keys in a store have their own IDs.
    fn with_id_key(&self, py: Python<'_>, id_key: &[u8]) -> PyResult<Self> {
        let secret = secret(py, id_key)?;
        let renamed = self.backend.with_id_key(&secret).map(Arc::new);
        Ok(Self {
            weak_keys: self.weak_keys,
            backend: renamed.unwrap_or_else(|| Arc::clone(&self.backend)),
        })
    }

    /// The number of keys that are shorter than 16 bytes.
    #[getter]
    fn weak_keys(&self) -> usize {
        self.weak_keys
    }

    fn __repr__(&self) -> &'static str {
        "<ApiKeyBackend>"
    }
}

fn backend(
    py: Python<'_>,
    keys: ApiKeySource,
    header: &str,
    scheme: Option<Vec<String>>,
    name: Option<&str>,
) -> PyResult<Backend> {
    let mut backend = Backend::new(keys, self::header(py, header)?);
    if let Some(names) = scheme {
        backend = backend
            .with_schemes(schemes(py, &names)?)
            .map_err(|error| refused(py, error))?;
    }
    Ok(match name {
        Some(name) => backend.with_name(name),
        None => backend,
    })
}

fn known_keys(
    py: Python<'_>,
    api_keys: &Bound<'_, PyAny>,
    key_permissions: Option<&Bound<'_, PyMapping>>,
    id_key: Option<&[u8]>,
) -> PyResult<ApiKeys> {
    if api_keys.cast::<PyString>().is_ok() {
        return Err(PyTypeError::new_err(
            "api_keys must be a set of keys, not a single string",
        ));
    }
    let mut builder = ApiKeys::builder();
    for key in api_keys.try_iter()? {
        builder = builder.key(string(&key?)?);
    }
    if let Some(permissions) = key_permissions {
        for pair in permissions.items()?.iter() {
            let (key, granted): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
            let granted: Vec<String> = granted
                .try_iter()?
                .map(|name| name?.extract())
                .collect::<PyResult<_>>()?;
            builder = builder.permissions(string(&key)?, granted.iter().map(String::as_str));
        }
    }
    if let Some(id_key) = id_key {
        builder = builder.id_key(secret(py, id_key)?);
    }
    builder.build().map_err(|error| refused(py, error))
}

fn string<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    match key.cast::<PyString>() {
        Ok(string) => string.to_str(),
        Err(_) => Err(PyTypeError::new_err("an API key must be a string")),
    }
}
