//! Reason codes: why a request was rejected.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The cause of a rejection, for logs, exceptions and contexts. The string of a code never changes.
        ///
        /// Responses to clients contain far less detail.
        ///
        /// ```
        /// use boltguard_types::ReasonCode;
        ///
        /// assert_eq!(ReasonCode::TokenExpired.as_str(), "token_expired");
        /// ```
        // As wide as a register, so that a `Result` with it is moved in whole words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(usize)]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)*
        }

        impl ReasonCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the code as a string in `snake_case`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

reasons! {
    /// The guard requires a superuser.
    AdminRequired = "admin_required",
    /// The token's `alg` is not an allowed algorithm, or not a known one.
    AlgorithmNotAllowed = "algorithm_not_allowed",
    /// The API key has expired.
    ApiKeyExpired = "api_key_expired",
    /// The API key is unknown or malformed.
    ApiKeyInvalid = "api_key_invalid",
    /// The API key was revoked.
    ApiKeyRevoked = "api_key_revoked",
    /// The API key store is unavailable.
    ApiKeysUnavailable = "api_keys_unavailable",
    /// `aud` doesn't contain this service, or is present although no audience is configured.
    AudienceMismatch = "audience_mismatch",
    /// `aud` is absent, and an audience is required.
    AudienceMissing = "audience_missing",
    /// The guard requires another backend.
    BackendRequired = "backend_required",
    /// A custom backend can't check the credentials now.
    BackendUnavailable = "backend_unavailable",
    /// A claim doesn't have the value that the guard or the backend requires.
    ClaimMismatch = "claim_mismatch",
    /// A required claim is absent.
    ClaimMissing = "claim_missing",
    /// The claims are not a JSON object, or a registered claim has the wrong type.
    ClaimsMalformed = "claims_malformed",
    /// The request has more than one cookie with the name of the token's cookie.
    CookieDuplicated = "cookie_duplicated",
    /// The guard requires a more recent authentication of the user, or another kind of it.
    AuthenticationInsufficient = "authentication_insufficient",
    /// A custom backend rejected the credentials.
    CredentialsInvalid = "credentials_invalid",
    /// The request has no credentials.
    CredentialsMissing = "credentials_missing",
    /// The header's `crit` or `b64` requires an extension that isn't supported.
    CriticalHeader = "critical_header",
    /// A browser sent the credentials automatically, and a page of another site may have made the request.
    CsrfFailed = "csrf_failed",
    /// The guard denies access, and no other code is more specific.
    Denied = "denied",
    /// The guard is invalid: it can't be built from its arguments, or its string can't be parsed.
    GuardInvalid = "guard_invalid",
    /// The token's header is not a JSON object, or a parameter has the wrong type.
    HeaderInvalid = "header_invalid",
    /// The issuer's keys can't be fetched, and no cached keys can be used.
    IssuerKeysUnavailable = "issuer_keys_unavailable",
    /// `iss` isn't one of the expected issuers.
    IssuerMismatch = "issuer_mismatch",
    /// `iss` is absent, and an issuer is required.
    IssuerMissing = "issuer_missing",
    /// The key can't be parsed, or can't be used with the algorithm.
    KeyInvalid = "key_invalid",
    /// No trusted key matches the token's `alg` and `kid`.
    KeyNotFound = "key_not_found",
    /// The token is a refresh, ID or logout token, or another token that isn't an access token.
    NotAccessToken = "not_access_token",
    /// The guard requires an authenticated caller, and the caller is anonymous.
    NotAuthenticated = "not_authenticated",
    /// The guard requires a permission that the caller doesn't have.
    PermissionMissing = "permission_missing",
    /// The refresh token has expired, or its session.
    RefreshTokenExpired = "refresh_token_expired",
    /// The refresh token is unknown or malformed.
    RefreshTokenInvalid = "refresh_token_invalid",
    /// The refresh token was used again, which ended its session.
    RefreshTokenReused = "refresh_token_reused",
    /// The revocation store is unavailable.
    RevocationUnavailable = "revocation_unavailable",
    /// The guard requires a role that the caller doesn't have.
    RoleMissing = "role_missing",
    /// The credentials use an authentication scheme that no backend accepts.
    SchemeUnsupported = "scheme_unsupported",
    /// The guard requires an OAuth scope that the caller doesn't have.
    ScopeMissing = "scope_missing",
    /// The session has ended: by logout, or because a refresh token was used again.
    SessionEnded = "session_ended",
    /// The session store, or the random number generator that sessions require, is unavailable.
    SessionsUnavailable = "sessions_unavailable",
    /// The signature is invalid.
    SignatureInvalid = "signature_invalid",
    /// The guard requires a staff member.
    StaffRequired = "staff_required",
    /// `sub`, or the claim configured instead, is absent or empty.
    SubjectMissing = "subject_missing",
    /// The token's `exp` is in the past.
    TokenExpired = "token_expired",
    /// The token doesn't have a `jti`, which the revocation check requires.
    TokenIdMissing = "token_id_missing",
    /// The token is not three base64url segments.
    TokenMalformed = "token_malformed",
    /// The token's `nbf` is in the future.
    TokenNotYetValid = "token_not_yet_valid",
    /// The token was revoked.
    TokenRevoked = "token_revoked",
    /// The token is longer than the limit.
    TokenTooLarge = "token_too_large",
    /// The token was issued longer ago than the backend allows.
    TokenTooOld = "token_too_old",
    /// The header's `typ` is not the expected type.
    TypeMismatch = "type_mismatch",
    /// The user of the credential is not active.
    UserInactive = "user_inactive",
    /// The user of the credential does not exist.
    UserNotFound = "user_not_found",
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_words() {
        let codes: HashSet<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ReasonCode::ALL.len());
        assert!(
            codes
                .iter()
                .all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
