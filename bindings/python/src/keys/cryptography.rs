//! Key objects of the package `cryptography`, which PyJWT accepts too.

use boltguard::keys::{Key, KeyError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyAnyMethods, PyBytes};

/// Reads a public or private key. Returns `None` if the object isn't one.
pub(super) fn read(object: &Bound<'_, PyAny>) -> PyResult<Option<Result<Key, KeyError>>> {
    let py = object.py();
    let module = object.get_type().module()?;
    if !module.to_cow()?.starts_with("cryptography.") {
        return Ok(None);
    }
    let names = py.import(intern!(py, "cryptography.hazmat.primitives.serialization"))?;
    let der = names.getattr("Encoding")?.getattr("DER")?;
    let bytes = if object.hasattr(intern!(py, "private_bytes"))? {
        let format = names.getattr("PrivateFormat")?.getattr("PKCS8")?;
        let unencrypted = names.getattr("NoEncryption")?.call0()?;
        object.call_method1(intern!(py, "private_bytes"), (der, format, unencrypted))?
    } else if object.hasattr(intern!(py, "public_bytes"))? {
        let format = names
            .getattr("PublicFormat")?
            .getattr("SubjectPublicKeyInfo")?;
        object.call_method1(intern!(py, "public_bytes"), (der, format))?
    } else {
        return Ok(None);
    };
    Ok(Some(Key::from_der(bytes.cast::<PyBytes>()?.as_bytes())))
}
