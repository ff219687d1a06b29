//! Generated API keys: their format, and what is stored of them.

use boltguard::apikey::{
    ApiKeyError, GeneratedKey, KeyDigest, KeyFormat, KeyUse, Peppers, StoredKey,
};
use boltguard::keys::Secret;
use boltguard::types::NumericDate;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors::{Class, key_error, plain};
use crate::time::Seconds;

/// The format of the API keys of a site: `prefix_<id>_<secret><checksum>`.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct ApiKeyFormat(KeyFormat);

impl ApiKeyFormat {
    pub(crate) fn format(&self) -> &KeyFormat {
        &self.0
    }
}

#[pymethods]
impl ApiKeyFormat {
    #[new]
    fn new(py: Python<'_>, prefix: &str) -> PyResult<Self> {
        KeyFormat::new(prefix)
            .map(Self)
            .map_err(|error| plain(py, Class::ConfigurationError, error))
    }

    /// The prefix, without the `_` that follows it.
    #[getter]
    fn prefix(&self) -> &str {
        self.0.prefix()
    }

    /// A regular expression that matches the keys, for a secret scanner.
    #[getter]
    fn pattern(&self) -> String {
        self.0.pattern()
    }

    /// Generates a key.
    fn generate(&self) -> PyResult<GeneratedApiKey> {
        self.0.generate().map(GeneratedApiKey).map_err(refused)
    }

    /// Returns the public ID of a key. Raises `ValueError` if the key is malformed or mistyped.
    fn parse(&self, key: &str) -> PyResult<String> {
        let parsed = self.0.parse(key).map_err(refused)?;
        Ok(parsed.id().to_owned())
    }

    fn __repr__(&self) -> String {
        format!("ApiKeyFormat({:?})", self.0.prefix())
    }
}

/// A new key. Only `expose` reveals it.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct GeneratedApiKey(GeneratedKey);

#[pymethods]
impl GeneratedApiKey {
    /// The public ID, which isn't secret.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// The key, to be shown to its owner once.
    fn expose<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.expose())
    }

    /// The digest to store instead of the key, keyed by the pepper.
    fn digest<'py>(&self, py: Python<'py>, pepper: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let digest = self.0.digest(&Peppers::new(secret(py, pepper)?));
        Ok(PyBytes::new(py, digest.as_bytes()))
    }

    fn __repr__(&self) -> String {
        format!("<GeneratedApiKey: {}>", self.0.id())
    }
}

/// A row of the table of keys. It doesn't contain the key. Dates are seconds since the epoch.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct StoredApiKey(StoredKey);

impl StoredApiKey {
    pub(crate) fn stored(&self) -> &StoredKey {
        &self.0
    }
}

#[pymethods]
impl StoredApiKey {
    #[new]
    #[pyo3(signature = (id, digest, *, created_at, owner=None, permissions=None, scopes=None, expires_at=None, revoked_at=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword argument in Python"
    )]
    fn new(
        id: &str,
        digest: &[u8],
        created_at: Seconds,
        owner: Option<&str>,
        permissions: Option<Vec<String>>,
        scopes: Option<Vec<String>>,
        expires_at: Option<Seconds>,
        revoked_at: Option<Seconds>,
    ) -> PyResult<Self> {
        let digest = <[u8; 32]>::try_from(digest)
            .map_err(|_| PyValueError::new_err("the digest of an API key must have 32 bytes"))?;
        let digest = KeyDigest::from_bytes(digest);
        let mut key = StoredKey::from_parts(id, digest, created_at.since_epoch())
            .with_permissions(permissions.iter().flatten().map(String::as_str))
            .with_scopes(scopes.iter().flatten().map(String::as_str));
        if let Some(owner) = owner {
            key = key.owned_by(owner);
        }
        if let Some(end) = expires_at {
            key = key.expiring(end.since_epoch());
        }
        if let Some(date) = revoked_at {
            key = key.with_revocation(date.since_epoch());
        }
        Ok(Self(key))
    }

    /// The public ID.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    fn __repr__(&self) -> String {
        format!("<StoredApiKey: {}>", self.0.id())
    }
}

/// The last use of a key, to be stored.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct ApiKeyUse(KeyUse);

impl ApiKeyUse {
    pub(crate) const fn new(last: KeyUse) -> Self {
        Self(last)
    }
}

#[pymethods]
impl ApiKeyUse {
    /// The public ID of the key.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// The time of the use, in whole seconds since the epoch.
    #[getter]
    fn at(&self) -> i64 {
        let at: NumericDate = self.0.at();
        at.as_secs()
    }

    /// The stored digest.
    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.digest().as_bytes())
    }

    /// The digest with the current pepper, if the stored one was created with an old pepper.
    #[getter]
    fn new_digest<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let digest = self.0.new_digest()?;
        Some(PyBytes::new(py, digest.as_bytes()))
    }

    fn __repr__(&self) -> String {
        format!("<ApiKeyUse: {}>", self.0.id())
    }
}

/// The secrets of the server that key the digests, the current one first.
pub(crate) fn peppers(py: Python<'_>, secrets: &[Vec<u8>]) -> PyResult<Peppers> {
    let mut secrets = secrets.iter().map(|bytes| secret(py, bytes));
    let Some(current) = secrets.next() else {
        let message = "peppers must not be empty";
        return Err(plain(py, Class::ConfigurationError, message));
    };
    secrets.try_fold(Peppers::new(current?), |peppers, old| {
        Ok(peppers.with_old(old?))
    })
}

pub(crate) fn secret(py: Python<'_>, bytes: &[u8]) -> PyResult<Secret> {
    Secret::new(bytes).map_err(|error| key_error(py, error))
}

#[cold]
fn refused(error: ApiKeyError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
