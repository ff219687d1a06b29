//! `Key`: key material that Python holds and never sees.

use std::sync::Arc;

use boltguard::keys::{Algorithm, Jwk, Key as Material, KeyError, Secret};
use boltguard::types::KeyId;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::errors::{key_error, sign_error};
use crate::json::to_python;
use crate::keys::algorithms::{Algorithms, named_by_any};
use crate::keys::argument::{KeyArgument, jwk_text};
use crate::keys::jwk::read_jwk;
use crate::keys::prepared::PreparedKey;

/// Key material: an HMAC secret, a public or a private key. It never shows what it holds.
///
/// What it needs for an algorithm is prepared once, at the first use.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Key(Arc<PreparedKey>);

impl Key {
    /// The key that Rust works with.
    pub(crate) fn prepared(&self) -> &Arc<PreparedKey> {
        &self.0
    }

    fn new(jwk: Jwk) -> Self {
        Self(Arc::new(PreparedKey::new(jwk)))
    }

    fn jwk(&self) -> &Jwk {
        self.0.jwk()
    }

    fn named(py: Python<'_>, key: Result<Material, KeyError>, kid: Option<&str>) -> PyResult<Self> {
        let jwk = Jwk::new(key.map_err(|error| key_error(py, error))?);
        Ok(Self::new(match kid {
            Some(kid) => jwk.with_kid(KeyId::from(kid)),
            None => jwk,
        }))
    }
}

#[pymethods]
impl Key {
    /// Takes an HMAC secret as it is: bytes, or text in UTF-8.
    #[staticmethod]
    #[pyo3(signature = (secret, *, kid=None))]
    fn from_secret(py: Python<'_>, secret: &Bound<'_, PyAny>, kid: Option<&str>) -> PyResult<Self> {
        Self::named(
            py,
            Secret::new(text_or_bytes(secret)?).map(Material::Secret),
            kid,
        )
    }

    /// Takes the HMAC secret that this base64url text, without padding, stands for.
    #[staticmethod]
    #[pyo3(signature = (text, *, kid=None))]
    fn from_base64url(py: Python<'_>, text: &str, kid: Option<&str>) -> PyResult<Self> {
        Self::named(py, Secret::from_base64url(text).map(Material::Secret), kid)
    }

    /// Reads PEM: a public key, a certificate or a private key, as its label says. Line ends may be missing or two
    /// characters each, as in environment variables; DER, base64 of either, and public keys of OpenSSH are read too.
    #[staticmethod]
    #[pyo3(signature = (pem, *, kid=None))]
    fn from_pem(py: Python<'_>, pem: &Bound<'_, PyAny>, kid: Option<&str>) -> PyResult<Self> {
        Self::named(py, Material::from_bytes(text_or_bytes(pem)?), kid)
    }

    /// Reads DER: a public key, a certificate or a private key.
    #[staticmethod]
    #[pyo3(signature = (der, *, kid=None))]
    fn from_der(py: Python<'_>, der: &[u8], kid: Option<&str>) -> PyResult<Self> {
        Self::named(py, Material::from_der(der), kid)
    }

    /// Reads a JSON Web Key, a mapping or its JSON text; its `alg`, `use` and `key_ops` are obeyed.
    #[staticmethod]
    fn from_jwk(py: Python<'_>, jwk: &Bound<'_, PyAny>) -> PyResult<Self> {
        let jwk = read_jwk(&jwk_text(jwk)?);
        Ok(Self::new(jwk.map_err(|error| error.raise(py))?))
    }

    /// Reads a key in any of the forms that `boltguard.jwt.decode` takes: PEM text, a JWK, an object of the package
    /// `cryptography`, and a secret where the algorithm is of HMAC.
    #[staticmethod]
    #[pyo3(signature = (key, algorithm=None))]
    fn read<'py>(key: &Bound<'py, PyAny>, algorithm: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        let py = key.py();
        let allowed = match algorithm {
            Some(algorithm) => Algorithms::one(named_by_any(algorithm)?),
            None => Algorithms::all().without_symmetric(),
        };
        match KeyArgument::read(key, &allowed)? {
            KeyArgument::One(prepared) => Ok(Self(prepared)),
            KeyArgument::Rotating(_) | KeyArgument::Set(_) => {
                Err(key_error(py, KeyError::SeveralKeys))
            }
        }
    }

    /// Makes a random key for an algorithm: a secret, or a private key (RSA excepted).
    #[staticmethod]
    #[pyo3(signature = (algorithm, *, kid=None))]
    fn generate(py: Python<'_>, algorithm: &Bound<'_, PyAny>, kid: Option<&str>) -> PyResult<Self> {
        let algorithm = named_by_any(algorithm)?;
        Self::named(py, py.detach(|| Material::generate(algorithm)), kid)
    }

    /// The key's name, by which a token's `kid` selects it.
    #[getter]
    fn kid(&self) -> Option<&str> {
        self.jwk().kid().map(KeyId::as_str)
    }

    /// `"secret"`, `"public"` or `"private"`.
    #[getter]
    fn kind(&self) -> &'static str {
        match self.jwk().key() {
            Material::Secret(_) => "secret",
            Material::Public(_) => "public",
            Material::Private(_) => "private",
        }
    }

    /// The algorithms that the key can serve: what its JWK says that it is for is obeyed.
    #[getter]
    fn algorithms(&self) -> Vec<&'static str> {
        let serves = |algorithm: &Algorithm| {
            self.0.verifier(*algorithm).is_ok() || self.0.signer(*algorithm).is_ok()
        };
        let served = self.jwk().key().algorithms().filter(serves);
        served.map(Algorithm::name).collect()
    }

    /// The public key that belongs to a private one; a public one gives itself.
    fn public_key(&self, py: Python<'_>) -> PyResult<Self> {
        let public = self.jwk().key().public_key().cloned();
        let public = public.ok_or_else(|| key_error(py, KeyError::SecretKey))?;
        let mut jwk = Jwk::new(public);
        if let Some(kid) = self.jwk().kid() {
            jwk = jwk.with_kid(kid.clone());
        }
        if let Some(algorithm) = self.jwk().algorithm() {
            jwk = jwk.with_algorithm(algorithm);
        }
        Ok(Self::new(jwk))
    }

    /// The thumbprint of RFC 7638, in base64url.
    fn thumbprint(&self, py: Python<'_>) -> PyResult<String> {
        let public = self.jwk().key().public_key();
        public
            .map(boltguard::keys::PublicKey::thumbprint)
            .ok_or_else(|| key_error(py, KeyError::SecretKey))
    }

    /// The JSON Web Key of the public key, fit to be published.
    fn to_jwk<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_python::object(
            py,
            &self.jwk().to_json().map_err(|error| key_error(py, error))?,
        )
    }

    /// PEM: SPKI of a public key, PKCS#8 of a private one.
    fn to_pem(&self, py: Python<'_>) -> PyResult<String> {
        let pem = match self.jwk().key() {
            Material::Secret(_) => Err(KeyError::SecretKey),
            Material::Public(key) => key.to_pem(),
            Material::Private(key) => key.to_pkcs8_pem().map(|pem| pem.to_string()),
        };
        pem.map_err(|error| key_error(py, error))
    }

    /// Whether this is a secret shorter than the algorithm's hash.
    fn is_weak_for(&self, algorithm: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.jwk().key().is_weak_for(named_by_any(algorithm)?))
    }

    /// The signature of `message`, alone.
    fn sign<'py>(
        &self,
        py: Python<'py>,
        algorithm: &Bound<'py, PyAny>,
        message: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let signer = self.0.signer(named_by_any(algorithm)?);
        let signer = signer.map_err(|error| key_error(py, error))?;
        let signature = py.detach(|| signer.key().sign(message));
        let signature = signature.map_err(|error| sign_error(py, error))?;
        Ok(PyBytes::new(py, signature.as_ref()))
    }

    /// Whether `signature` is the key's for `message`.
    fn verify(
        &self,
        py: Python<'_>,
        algorithm: &Bound<'_, PyAny>,
        message: &[u8],
        signature: &[u8],
    ) -> PyResult<bool> {
        let verifier = self.0.verifier(named_by_any(algorithm)?);
        let keys = verifier
            .map_err(|error| key_error(py, error))?
            .keys()
            .keys();
        Ok(py.detach(|| {
            keys.iter()
                .any(|key| key.verify(message, signature).is_ok())
        }))
    }

    fn __repr__(&self) -> String {
        let kid = self.kid().map(|kid| format!(", kid={kid:?}"));
        format!("<Key {}{}>", self.kind(), kid.unwrap_or_default())
    }
}

fn text_or_bytes<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(text.to_str()?.as_bytes());
    }
    match object.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(PyTypeError::new_err("expected str or bytes")),
    }
}
