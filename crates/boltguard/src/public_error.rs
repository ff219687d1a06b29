//! What the client learns about a refusal: a code and a description, which are less precise than the reason.

use boltguard_types::ReasonCode;

/// The code and the description in the body of the response.
pub(crate) type PublicError = (&'static str, &'static str);

/// Returns those of a response with the status 401.
pub(crate) fn unauthorized(reason: ReasonCode) -> PublicError {
    match reason {
        ReasonCode::NotAuthenticated | ReasonCode::CredentialsMissing => {
            ("not_authenticated", "No credentials were provided.")
        }
        ReasonCode::CredentialsInvalid => ("invalid_credentials", "The credentials are invalid."),
        ReasonCode::SchemeUnsupported => (
            "not_authenticated",
            "The authentication scheme is not supported.",
        ),
        ReasonCode::AuthenticationInsufficient => (
            "insufficient_user_authentication",
            "The user must authenticate again.",
        ),
        // The remedy is the same for both: the client requests a new token.
        ReasonCode::TokenExpired | ReasonCode::TokenTooOld => {
            ("token_expired", "The token has expired.")
        }
        ReasonCode::TokenNotYetValid => ("token_not_yet_valid", "The token is not valid yet."),
        ReasonCode::TokenRevoked => ("token_revoked", "The token was revoked."),
        ReasonCode::ApiKeyExpired | ReasonCode::ApiKeyInvalid | ReasonCode::ApiKeyRevoked => {
            ("invalid_api_key", "The API key is invalid.")
        }
        ReasonCode::UserInactive | ReasonCode::UserNotFound => {
            ("user_unavailable", "The user is not available.")
        }
        _ => ("invalid_token", "The token is invalid."),
    }
}

/// Returns those of a response with the status 403.
pub(crate) fn forbidden(reason: ReasonCode) -> PublicError {
    match reason {
        ReasonCode::CsrfFailed => ("csrf_failed", "CSRF verification failed."),
        _ => ("permission_denied", "You don't have permission to do this."),
    }
}

/// Returns those of a response with the status 503.
pub(crate) fn unavailable(reason: ReasonCode) -> PublicError {
    match reason {
        ReasonCode::ApiKeysUnavailable => (
            "api_keys_unavailable",
            "The API key can't be checked right now.",
        ),
        ReasonCode::BackendUnavailable => (
            "backend_unavailable",
            "The credentials can't be checked right now.",
        ),
        ReasonCode::IssuerKeysUnavailable => (
            "issuer_keys_unavailable",
            "The token can't be checked right now.",
        ),
        _ => (
            "revocation_unavailable",
            "The token can't be checked right now.",
        ),
    }
}
