//! `Key`: key material that Python code can use, but not read.

use std::sync::Arc;

use boltguard::keys::{Algorithm, Jwk, Key as Material, KeyError, Secret};
use boltguard::types::KeyId;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::errors::{key_error, sign_error};
use crate::json::to_python;
use crate::keys::algorithms::{Algorithms, named_by_any};
use crate::keys::jwk::{json_of, not_a_key, read_jwk};
use crate::keys::material::KeyMaterial;
use crate::keys::prepared::PreparedKey;

/// An HMAC secret, a public key or a private key. Its `repr` doesn't show the key material.
///
/// The first use with an algorithm prepares the key for it.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Key(Arc<PreparedKey>);

impl Key {
    /// The key with its prepared verifiers and signers.
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
    /// Creates an HMAC secret from bytes, or from a string, which is encoded as UTF-8.
    #[staticmethod]
    #[pyo3(signature = (secret, *, kid=None))]
    fn from_secret(py: Python<'_>, secret: &Bound<'_, PyAny>, kid: Option<&str>) -> PyResult<Self> {
        Self::named(
            py,
            Secret::new(bytes_of(secret)?).map(Material::Secret),
            kid,
        )
    }

    /// Creates an HMAC secret from base64url without padding.
    #[staticmethod]
    #[pyo3(signature = (text, *, kid=None))]
    fn from_base64url(py: Python<'_>, text: &str, kid: Option<&str>) -> PyResult<Self> {
        Self::named(py, Secret::from_base64url(text).map(Material::Secret), kid)
    }

    /// Reads a public key, a certificate or a private key in PEM. Line breaks may be missing or escaped, as in
    /// environment variables. DER, base64 of PEM or DER, and OpenSSH public keys are accepted too.
    #[staticmethod]
    #[pyo3(signature = (pem, *, kid=None))]
    fn from_pem(py: Python<'_>, pem: &Bound<'_, PyAny>, kid: Option<&str>) -> PyResult<Self> {
        Self::named(py, Material::from_bytes(bytes_of(pem)?), kid)
    }

    /// Reads a public key, a certificate or a private key in DER.
    #[staticmethod]
    #[pyo3(signature = (der, *, kid=None))]
    fn from_der(py: Python<'_>, der: &[u8], kid: Option<&str>) -> PyResult<Self> {
        Self::named(py, Material::from_der(der), kid)
    }

    /// Reads a JSON Web Key, given as a mapping or a JSON string. Its `alg`, `use` and `key_ops` are respected.
    #[staticmethod]
    fn from_jwk(py: Python<'_>, jwk: &Bound<'_, PyAny>) -> PyResult<Self> {
        let jwk = read_jwk(&json_of(jwk)?);
        Ok(Self::new(jwk.map_err(|error| error.raise(py))?))
    }

    /// Reads a key in any form that `boltguard.jwt.decode` accepts: PEM, a JWK, an object of the package
    /// `cryptography`, and a secret if the algorithm is an HMAC algorithm.
    #[staticmethod]
    #[pyo3(signature = (key, algorithm=None))]
    #[pyo3(name = "read")]
    fn read_any(key: &Bound<'_, PyAny>, algorithm: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let allowed = match algorithm {
            Some(algorithm) => Algorithms::one(named_by_any(algorithm)?),
            None => Algorithms::all().without_symmetric(),
        };
        match read(key, &allowed)? {
            KeyMaterial::One(prepared) => Ok(Self(prepared)),
            KeyMaterial::Set(_) => Err(key_error(key.py(), KeyError::SeveralKeys)),
        }
    }

    /// Generates a random key for an algorithm: a secret or a private key. RSA isn't supported.
    #[staticmethod]
    #[pyo3(signature = (algorithm, *, kid=None))]
    fn generate(py: Python<'_>, algorithm: &Bound<'_, PyAny>, kid: Option<&str>) -> PyResult<Self> {
        let algorithm = named_by_any(algorithm)?;
        Self::named(py, py.detach(|| Material::generate(algorithm)), kid)
    }

    /// The key ID, which is matched with the `kid` of tokens.
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

    /// The algorithms that the key can be used with. The `alg`, `use` and `key_ops` of its JWK are respected.
    #[getter]
    fn algorithms(&self) -> Vec<&'static str> {
        let is_usable = |algorithm: &Algorithm| {
            self.0.verifier(*algorithm).is_ok() || self.0.signer(*algorithm).is_ok()
        };
        let usable = self.jwk().key().algorithms().filter(is_usable);
        usable.map(Algorithm::name).collect()
    }

    /// The public key of a private key. For a public key, the key itself.
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

    /// The JWK thumbprint of RFC 7638, in base64url.
    fn thumbprint(&self, py: Python<'_>) -> PyResult<String> {
        let public = self.jwk().key().public_key();
        public
            .map(boltguard::keys::PublicKey::thumbprint)
            .ok_or_else(|| key_error(py, KeyError::SecretKey))
    }

    /// The JSON Web Key of the public key, which may be published.
    fn to_jwk<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_python::object(
            py,
            &self.jwk().to_json().map_err(|error| key_error(py, error))?,
        )
    }

    /// The key in PEM: SPKI for a public key, PKCS#8 for a private key.
    fn to_pem(&self, py: Python<'_>) -> PyResult<String> {
        let pem = match self.jwk().key() {
            Material::Secret(_) => Err(KeyError::SecretKey),
            Material::Public(key) => key.to_pem(),
            Material::Private(key) => key.to_pkcs8_pem().map(|pem| pem.to_string()),
        };
        pem.map_err(|error| key_error(py, error))
    }

    /// Whether this is a secret that is shorter than the hash of the algorithm.
    fn is_weak_for(&self, algorithm: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.jwk().key().is_weak_for(named_by_any(algorithm)?))
    }

    /// Signs `message` and returns the signature.
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

    /// Whether `signature` is a valid signature of `message`.
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

/// Reads any object that is, contains or describes keys, except for a `KeySet`.
pub(super) fn read(object: &Bound<'_, PyAny>, allowed: &Algorithms) -> PyResult<KeyMaterial> {
    let prepared = |key: &Bound<'_, Key>| KeyMaterial::One(Arc::clone(key.get().prepared()));
    if let Ok(key) = object.cast::<Key>() {
        return Ok(prepared(key));
    }
    if let Some(material) = KeyMaterial::read(object, allowed)? {
        return Ok(material);
    }
    let wrapped = wrapped(object).ok_or_else(|| not_a_key(object))?;
    Ok(prepared(&wrapped))
}

/// The `Key` inside a `PyJWK`.
pub(super) fn wrapped<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, Key>> {
    // A string doesn't have the attribute, and looking it up would create an exception.
    if object.cast::<PyString>().is_ok() || object.cast::<PyBytes>().is_ok() {
        return None;
    }
    let key = object.getattr(intern!(object.py(), "_boltguard_key"));
    key.ok()?.cast_into().ok()
}

fn bytes_of<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(string) = object.cast::<PyString>() {
        return Ok(string.to_str()?.as_bytes());
    }
    match object.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(PyTypeError::new_err("expected str or bytes")),
    }
}
