//! JWKs and JWK Sets that can't be used, and the reasons for each of their keys.

use boltguard::keys::{Jwk, JwkProblem, KeyError, KeySet, SkippedKey};
use pyo3::intern;
use pyo3::prelude::*;

use crate::errors::{Class, coded, key_error};
use crate::keys::algorithms::Algorithms;

/// Why key material can't be used: the cause, and the reasons in words where there are more.
pub(crate) struct Unreadable {
    pub(crate) cause: KeyError,
    reasons: Option<String>,
}

impl Unreadable {
    /// The exception for it.
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

/// The keys of a JWK Set. If none of them can be used, the error says why of each.
pub(crate) fn read_jwks(json: &str, allowed: &Algorithms) -> Result<KeySet, Unreadable> {
    let keys = KeySet::parse_jwks(json, allowed.as_slice())?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let cause = KeyError::NoUsableKey;
    let is_of_kind =
        |skipped: &SkippedKey| skipped.problem().cause() == KeyError::AlgorithmMismatch;
    if !keys.skipped().is_empty() && keys.skipped().iter().all(is_of_kind) {
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

/// The key of a JWK. The error names the member that it is about.
pub(crate) fn read_jwk(json: &str) -> Result<Jwk, Unreadable> {
    Ok(Jwk::parse_or_explain(json)?)
}

/// Logs each key of the set that is skipped.
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

/// So many reasons are in one message.
const MAX_REASONS: usize = 10;
