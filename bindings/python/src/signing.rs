//! Signing, for `boltguard.jwt` and `boltguard.jws`.

use boltguard::jws::{HeaderFields, sign as sign_payload};
use boltguard::keys::Algorithm;
use boltguard::types::ReasonCode;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};
use serde_json::{Map, Value};

use crate::algorithms::{Algorithms, named_by_any, takes_long_to_sign};
use crate::errors::{Class, coded, key_error, token_sign_error};
use crate::key_argument::{KeyArgument, own_algorithm};
use crate::py_to_json::{self, Extras};
use crate::weak_key::warn_of_weak_key;

/// Signs a payload and returns the token.
pub(crate) fn sign(
    payload: &[u8],
    key: &Bound<'_, PyAny>,
    algorithm: Option<&Bound<'_, PyAny>>,
    headers: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let py = key.py();
    let headers = headers.map(Headers::read).transpose()?;
    let algorithm = algorithm_for(key, algorithm, headers.as_ref())?;
    let key = KeyArgument::read(key, &Algorithms::one(algorithm))?;
    let signer = key.one().and_then(|key| key.signer(algorithm));
    let signer = signer.map_err(|error| key_error(py, error))?;
    if signer.key().is_weak() {
        warn_of_weak_key(py, algorithm)?;
    }
    let sign = || match &headers {
        Some(headers) => sign_payload(payload, &headers.fields, signer.key()),
        None => signer.sign(payload),
    };
    let token = if takes_long_to_sign(algorithm) {
        py.detach(sign)
    } else {
        sign()
    };
    token.map_err(|error| token_sign_error(py, error))
}

/// The one algorithm that the caller, the headers or the key name; HS256 where nobody does, as in PyJWT.
fn algorithm_for(
    key: &Bound<'_, PyAny>,
    named: Option<&Bound<'_, PyAny>>,
    headers: Option<&Headers>,
) -> PyResult<Algorithm> {
    let named = named.map(named_by_any).transpose()?;
    match (named, headers.and_then(|headers| headers.algorithm)) {
        (Some(named), Some(other)) if named != other => {
            let message = "`algorithm` and the header's `alg` are not the same";
            Err(coded(
                key.py(),
                Class::InvalidAlgorithmError,
                ReasonCode::AlgorithmNotAllowed,
                message,
            ))
        }
        (Some(named), _) | (None, Some(named)) => Ok(named),
        (None, None) => Ok(own_algorithm(key).unwrap_or(Algorithm::Hs256)),
    }
}

/// Header parameters that a caller asks for.
#[derive(Default)]
struct Headers {
    algorithm: Option<Algorithm>,
    fields: HeaderFields,
}

impl Headers {
    fn read(headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mapping = headers
            .cast::<PyMapping>()
            .map_err(|_| PyTypeError::new_err("headers must be a mapping"))?;
        let mut json = String::new();
        py_to_json::write_object(&py_to_json::dict_of(mapping)?, Extras::Refuse, &mut json)?;
        let members: Map<String, Value> = serde_json::from_str(&json)
            .map_err(|_| PyValueError::new_err("a number in the headers is out of range"))?;
        let mut read = Self::default();
        // As in PyJWT, no type at all is asked for in this way.
        if members.get("typ").is_some_and(Value::is_null) {
            read.fields = HeaderFields::bare();
        }
        for (name, value) in members {
            read.add(headers.py(), &name, value)?;
        }
        Ok(read)
    }

    /// What this library would refuse to read it does not write.
    fn add(&mut self, py: Python<'_>, name: &str, value: Value) -> PyResult<()> {
        let refused = |message: &str, code| Err(coded(py, Class::InvalidTokenError, code, message));
        match (name, value) {
            ("alg", Value::String(alg)) => {
                self.algorithm = Some(named_by_any(PyString::new(py, &alg).as_any())?)
            }
            ("typ", Value::Null) | ("b64", Value::Bool(true)) => {}
            ("b64" | "crit", _) => {
                return refused(
                    "`b64` and `crit` are not supported",
                    ReasonCode::CriticalHeader,
                );
            }
            ("alg" | "kid", value) if !value.is_string() => {
                return refused("`alg` and `kid` must be strings", ReasonCode::HeaderInvalid);
            }
            (name, value) => self.fields = std::mem::take(&mut self.fields).with(name, value),
        }
        Ok(())
    }
}
