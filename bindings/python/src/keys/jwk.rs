//! Reading JWKs and JWK Sets, and the reasons why their keys can't be used.

use boltguard::keys::{Jwk, JwkProblem, KeyError, KeySet, SkippedKey};
use boltguard::types::ReasonCode;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::errors::{Class, coded, key_error};
use crate::json::from_python::{self, Extras};
use crate::keys::algorithms::Algorithms;

/// Why key material can't be used: the cause, and a more precise message if there is one.
pub(crate) struct Unreadable {
    pub(crate) cause: KeyError,
    reasons: Option<String>,
}

impl Unreadable {
    /// The exception to raise.
    #[cold]
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        match self.reasons {
            None => key_error(py, self.cause),
            Some(reasons) => coded(py, Class::InvalidKeyError, self.cause.code(), reasons),
        }
    }
}

impl From<KeyError> for Unreadable {
    fn from(cause: KeyError) -> Self {
        Self {
            cause,
            reasons: None,
        }
    }
}

impl From<JwkProblem> for Unreadable {
    fn from(problem: JwkProblem) -> Self {
        let named = problem.member().is_some();
        Self {
            cause: problem.cause(),
            reasons: named.then(|| format!("the JWK's member {problem}")),
        }
    }
}

/// Reads the keys of a JWK Set. If none of them can be used, the error lists the reason for each.
pub(crate) fn read_jwks(json: &str, allowed: &Algorithms) -> Result<KeySet, Unreadable> {
    let keys = KeySet::parse_jwks(json, allowed.as_slice())?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let cause = KeyError::NoUsableKey;
    let is_other_kind =
        |skipped: &SkippedKey| skipped.problem().cause() == KeyError::AlgorithmMismatch;
    if !keys.skipped().is_empty() && keys.skipped().iter().all(is_other_kind) {
        return Err(cause.into());
    }
    let mut reasons: Vec<_> = keys.skipped().iter().map(ToString::to_string).collect();
    let more = reasons.len().saturating_sub(MAX_REASONS);
    reasons.truncate(MAX_REASONS);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    Err(Unreadable {
        cause,
        reasons: Some(match reasons.is_empty() {
            true => "the JWK Set has no keys".to_owned(),
            false => format!("{cause}: {}", reasons.join("; ")),
        }),
    })
}

/// Reads a JWK. The error names the member that is at fault.
pub(crate) fn read_jwk(json: &str) -> Result<Jwk, Unreadable> {
    Ok(Jwk::parse_or_explain(json)?)
}

/// Logs a warning for each key of the set that is skipped.
pub(crate) fn warn_of_skipped(py: Python<'_>, keys: &KeySet) -> PyResult<()> {
    if keys.skipped().is_empty() {
        return Ok(());
    }
    let logger = py
        .import("logging")?
        .call_method1(intern!(py, "getLogger"), ("boltguard",))?;
    for skipped in keys.skipped() {
        let message = "a key of a JWK Set is skipped: %s";
        logger.call_method1(intern!(py, "warning"), (message, skipped.to_string()))?;
    }
    Ok(())
}

/// The JSON of a JWK or JWK Set, given as a mapping or as a string.
pub(crate) fn json_of(object: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(string) = object.cast::<PyString>() {
        let string = string.to_str().map_err(|_| not_a_key(object))?;
        return Ok(string.to_owned());
    }
    let mut json = String::new();
    object
        .cast::<PyMapping>()
        .map_err(PyErr::from)
        .and_then(|mapping| from_python::dict_of(mapping))
        .and_then(|dict| from_python::write_object(&dict, Extras::Refuse, &mut json))
        .map_err(|_| not_a_key(object))?;
    Ok(json)
}

/// The error for an object that isn't a key. For a JWKS client, it names the method that returns the key of a token.
#[cold]
pub(crate) fn not_a_key(object: &Bound<'_, PyAny>) -> PyErr {
    let class = object.get_type();
    let name = class.name().map(|name| name.to_string());
    let mut message = format!(
        "an object of type {} is not a key",
        name.unwrap_or_default()
    );
    let mut methods = CLIENT_METHODS.iter();
    if let Some(method) = methods.find(|method| class.hasattr(**method).unwrap_or(false)) {
        message += &format!("; pass the result of its {method}(token)");
    }
    coded(
        object.py(),
        Class::InvalidKeyError,
        ReasonCode::KeyInvalid,
        message,
    )
}

const CLIENT_METHODS: [&str; 2] = ["get_signing_key_from_jwt", "keys_for"];

/// The maximum number of reasons in one message.
const MAX_REASONS: usize = 10;
