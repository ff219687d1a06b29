//! Why a caller was refused, one code a cause.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The cause of a refusal, for logs, exceptions and contexts; its text never changes.
        ///
        /// A client is told far less; the facade decides what.
        ///
        /// ```
        /// use boltguard_types::ReasonCode;
        ///
        /// assert_eq!(ReasonCode::TokenExpired.as_str(), "token_expired");
        /// ```
        // As wide as a register, so that a `Result` of it is moved in whole words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(usize)]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)*
        }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as text, in `snake_case`.
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
    /// The guard asks for an administrator.
    AdminRequired = "admin_required",
    /// The token's `alg` is not one of those allowed, or names no algorithm.
    AlgorithmNotAllowed = "algorithm_not_allowed",
    /// The API key's time is over.
    ApiKeyExpired = "api_key_expired",
    /// The API key is none of those known.
    ApiKeyInvalid = "api_key_invalid",
    /// The API key was revoked.
    ApiKeyRevoked = "api_key_revoked",
    /// The store of API keys gave no answer.
    ApiKeysUnavailable = "api_keys_unavailable",
    /// `aud` does not name this service, or names one where none is expected.
    AudienceMismatch = "audience_mismatch",
    /// `aud` is absent, and an audience is required.
    AudienceMissing = "audience_missing",
    /// The guard asks for another backend.
    BackendRequired = "backend_required",
    /// A claim doesn't have the value that the guard or the backend requires.
    ClaimMismatch = "claim_mismatch",
    /// A claim that is required is absent.
    ClaimMissing = "claim_missing",
    /// The claims are no JSON object, or a registered claim has the wrong type.
    ClaimsMalformed = "claims_malformed",
    /// The request carries no credentials.
    CredentialsMissing = "credentials_missing",
    /// The header's `crit` or `b64` asks for something that is not supported.
    CriticalHeader = "critical_header",
    /// The guard lets nobody in, or this caller not.
    Denied = "denied",
    /// A guard can't be built of what was given, or its text can't be read.
    GuardInvalid = "guard_invalid",
    /// The token's header is no JSON object, or a parameter has the wrong type.
    HeaderInvalid = "header_invalid",
    /// The keys of the issuer can't be fetched, and there are none that may be used.
    IssuerKeysUnavailable = "issuer_keys_unavailable",
    /// `iss` is none of the expected issuers.
    IssuerMismatch = "issuer_mismatch",
    /// `iss` is absent, and an issuer is required.
    IssuerMissing = "issuer_missing",
    /// The key can't be read, or can't serve the algorithm.
    KeyInvalid = "key_invalid",
    /// No trusted key fits the token's `alg` and `kid`.
    KeyNotFound = "key_not_found",
    /// The token says that it is a refresh, ID or logout token, or another one that isn't an access token.
    NotAccessToken = "not_access_token",
    /// The guard asks for an identity and the caller is anonymous.
    NotAuthenticated = "not_authenticated",
    /// The guard asks for a permission that the caller lacks.
    PermissionMissing = "permission_missing",
    /// The revocation store gave no answer.
    RevocationUnavailable = "revocation_unavailable",
    /// The credentials use an authentication scheme that no backend accepts.
    SchemeUnsupported = "scheme_unsupported",
    /// The guard asks for an OAuth scope that the caller lacks.
    ScopeMissing = "scope_missing",
    /// The signature does not verify.
    SignatureInvalid = "signature_invalid",
    /// The guard asks for one of the staff.
    StaffRequired = "staff_required",
    /// The token doesn't say whom it is about: `sub`, or the claim used in its place, is absent or empty.
    SubjectMissing = "subject_missing",
    /// The token's `exp` is in the past.
    TokenExpired = "token_expired",
    /// A revocation store is in use and the token has no `jti` to ask for.
    TokenIdMissing = "token_id_missing",
    /// The token is not three segments of base64url.
    TokenMalformed = "token_malformed",
    /// The token's `nbf` is in the future.
    TokenNotYetValid = "token_not_yet_valid",
    /// The token was revoked.
    TokenRevoked = "token_revoked",
    /// The token is longer than the limit.
    TokenTooLarge = "token_too_large",
    /// The header's `typ` is not the expected one.
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
        let texts: HashSet<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), ReasonCode::ALL.len());
        assert!(
            texts
                .iter()
                .all(|text| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
