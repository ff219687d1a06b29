//! Why claims were refused, told in PyJWT's classes.
//!
//! The engine says what is wrong; PyJWT's users also want to know with which claim. So the claims, which are
//! verified by then, are looked at once more.

use boltguard::jws::insecure;
use boltguard::jwt::ClaimsError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::errors::{Class, coded, missing_claim};
use crate::json::to_python;
use crate::tokens::options::Options;

/// The exception for claims that were not admitted.
#[cold]
pub(crate) fn claims_error(
    py: Python<'_>,
    error: ClaimsError,
    token: &str,
    options: &Options,
) -> PyErr {
    let claims = claims_of(py, token);
    let has = |name: &str| value(claims.as_ref(), name).is_some();
    let class = match error {
        ClaimsError::AudienceMissing => return missing_claim(py, "aud"),
        ClaimsError::Audience => Class::InvalidAudienceError,
        ClaimsError::Expired => Class::ExpiredSignatureError,
        ClaimsError::IssuerMissing => return missing_claim(py, "iss"),
        ClaimsError::Issuer => Class::InvalidIssuerError,
        ClaimsError::Missing => {
            let missing = options.required().into_iter().find(|name| !has(name));
            return missing_claim(py, missing.unwrap_or_default());
        }
        ClaimsError::NotYetValid => Class::ImmatureSignatureError,
        ClaimsError::Subject => Class::InvalidSubjectError,
        ClaimsError::WrongType => return wrong_type(py, claims.as_ref(), options),
        ClaimsError::Type => Class::InvalidTokenError,
        _ => Class::DecodeError,
    };
    coded(py, class, error.code(), error)
}

fn claims_of<'py>(py: Python<'py>, token: &str) -> Option<Bound<'py, PyDict>> {
    let payload = insecure::payload(token).ok()?;
    to_python::object(py, std::str::from_utf8(&payload).ok()?).ok()
}

/// A claim's value; one that is `null` counts as absent.
fn value<'py>(claims: Option<&Bound<'py, PyDict>>, name: &str) -> Option<Bound<'py, PyAny>> {
    claims?
        .get_item(name)
        .ok()?
        .filter(|value| !value.is_none())
}

fn wrong_type(py: Python<'_>, claims: Option<&Bound<'_, PyDict>>, options: &Options) -> PyErr {
    type IsTyped = fn(&Bound<'_, PyAny>) -> bool;
    let kinds: [(&str, IsTyped, Class); 7] = [
        ("exp", is_number, Class::DecodeError),
        ("nbf", is_number, Class::DecodeError),
        ("iat", is_number, Class::InvalidIssuedAtError),
        ("iss", is_text, Class::InvalidIssuerError),
        ("aud", is_text_or_texts, Class::InvalidAudienceError),
        ("jti", is_text, Class::InvalidJTIError),
        ("sub", is_text, Class::InvalidSubjectError),
    ];
    let found = kinds.into_iter().find(|(name, is_typed, _)| {
        let value = claims.and_then(|claims| claims.get_item(name).ok().flatten());
        options.looks_at(name) && value.is_some_and(|value| !is_typed(&value))
    });
    let (name, class) = found.map_or(
        ("a registered claim", Class::DecodeError),
        |(name, _, class)| (name, class),
    );
    coded(
        py,
        class,
        ClaimsError::WrongType.code(),
        format!("{name} has the wrong type"),
    )
}

fn is_number(value: &Bound<'_, PyAny>) -> bool {
    let is_bool = value.cast::<PyBool>().is_ok();
    !is_bool && (value.cast::<PyInt>().is_ok() || value.cast::<PyFloat>().is_ok())
}

fn is_text(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyString>().is_ok()
}

fn is_text_or_texts(value: &Bound<'_, PyAny>) -> bool {
    match value.cast::<PyList>() {
        Ok(list) => list.iter().all(|one| is_text(&one)),
        Err(_) => is_text(value),
    }
}
