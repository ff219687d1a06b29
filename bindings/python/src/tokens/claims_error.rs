//! PyJWT's exceptions for rejected claims.

use boltguard::jwt::{ClaimName, ClaimsError};
use pyo3::prelude::*;

use crate::errors::{Class, coded, missing_claim};

/// Converts an error into the exception that PyJWT raises.
#[cold]
pub(crate) fn claims_error(py: Python<'_>, error: &ClaimsError) -> PyErr {
    let class = match error {
        ClaimsError::AudienceMissing => return missing_claim(py, "aud"),
        ClaimsError::AudienceMismatch => Class::InvalidAudienceError,
        ClaimsError::Expired { .. } | ClaimsError::TooOld { .. } => Class::ExpiredSignatureError,
        ClaimsError::IssuerMissing => return missing_claim(py, "iss"),
        ClaimsError::IssuerMismatch => Class::InvalidIssuerError,
        ClaimsError::Missing(name) => return missing_claim(py, name.as_str()),
        ClaimsError::NotYetValid { .. } => Class::ImmatureSignatureError,
        ClaimsError::Policy(_) | ClaimsError::TypeMismatch => Class::InvalidTokenError,
        ClaimsError::SubjectMismatch => Class::InvalidSubjectError,
        ClaimsError::WrongType(name) => wrong_type(name),
        _ => Class::DecodeError,
    };
    coded(py, class, error.code(), error)
}

fn wrong_type(claim: &ClaimName) -> Class {
    match claim.as_str() {
        "aud" => Class::InvalidAudienceError,
        "iat" => Class::InvalidIssuedAtError,
        "iss" => Class::InvalidIssuerError,
        "jti" => Class::InvalidJTIError,
        "sub" => Class::InvalidSubjectError,
        _ => Class::DecodeError,
    }
}
