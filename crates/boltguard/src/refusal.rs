//! Refusals: the status, challenge and body of the response.
//!
//! [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3) and
//! [RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use boltguard_guard::Guard;
use boltguard_types::ReasonCode;

use crate::public_error::{self, PublicError};
use crate::{Caller, Failure, Schemes, step_up};

/// The refusal of a request, with everything for the response.
///
/// The client only learns that its token is expired, not yet valid, revoked or invalid. The precise
/// [`reason`](Self::reason) is for logs.
///
/// ```
/// use boltguard::{Refusal, Schemes};
/// use boltguard::types::ReasonCode;
///
/// let refusal = Refusal::unauthorized(ReasonCode::AudienceMismatch, Schemes::bearer());
/// assert_eq!(refusal.status(), 401);
/// assert_eq!(refusal.body(), r#"{"detail":"The token is invalid.","code":"invalid_token"}"#);
/// assert_eq!(
///     refusal.challenge().as_deref(),
///     Some(r#"Bearer realm="api", error="invalid_token", error_description="The token is invalid""#),
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Refusal {
    kind: Kind,
    failure: Failure,
    schemes: Schemes,
    retry_after: Option<u32>,
    caller: Option<Box<Caller>>,
    /// The parameters of a challenge to authenticate the user again.
    step_up: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Forbidden,
    Unauthorized,
    Unavailable,
}

impl Refusal {
    /// Refuses a caller who may be allowed with other credentials: 401.
    #[must_use]
    pub fn unauthorized(reason: ReasonCode, schemes: Schemes) -> Self {
        Self {
            kind: Kind::Unauthorized,
            failure: reason.into(),
            schemes,
            retry_after: None,
            caller: None,
            step_up: None,
        }
    }

    /// Refuses an authenticated caller: 403.
    #[must_use]
    pub fn forbidden(reason: ReasonCode, schemes: Schemes) -> Self {
        Self {
            kind: Kind::Forbidden,
            failure: reason.into(),
            schemes,
            retry_after: None,
            caller: None,
            step_up: None,
        }
    }

    /// Refuses a caller whose user must authenticate again, as the guard requires: 401,
    /// [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3).
    #[must_use]
    pub(crate) fn step_up(guard: &Guard, schemes: Schemes) -> Self {
        Self {
            step_up: Some(step_up::parameters(guard).into()),
            ..Self::unauthorized(ReasonCode::AuthenticationInsufficient, schemes)
        }
    }

    /// Refuses a request with a token in a cookie, because the page of another site may have made it: 403.
    #[must_use]
    pub fn csrf_failed() -> Self {
        Self::forbidden(ReasonCode::CsrfFailed, Schemes::none())
    }

    /// Refuses because a revocation store is unavailable: 503.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            kind: Kind::Unavailable,
            failure: ReasonCode::RevocationUnavailable.into(),
            schemes: Schemes::none(),
            retry_after: None,
            caller: None,
            step_up: None,
        }
    }

    /// Refuses because the stored API keys are unavailable: 503.
    #[must_use]
    pub fn keys_unavailable() -> Self {
        Self {
            failure: ReasonCode::ApiKeysUnavailable.into(),
            ..Self::unavailable()
        }
    }

    /// Refuses because an issuer's keys are unavailable: 503.
    #[must_use]
    pub fn issuer_keys_unavailable() -> Self {
        Self {
            failure: ReasonCode::IssuerKeysUnavailable.into(),
            ..Self::unavailable()
        }
    }

    /// Refuses because a custom backend can't check the credentials: 503.
    #[must_use]
    pub fn backend_unavailable() -> Self {
        Self {
            failure: ReasonCode::BackendUnavailable.into(),
            ..Self::unavailable()
        }
    }

    /// Sets the cause, for logs.
    pub(crate) fn with_failure(self, failure: Failure) -> Self {
        Self { failure, ..self }
    }

    /// Sets the caller that is refused.
    pub(crate) fn of_caller(self, caller: Caller) -> Self {
        Self {
            caller: Some(Box::new(caller)),
            ..self
        }
    }

    /// Returns the refused caller, for logs, if the guard denied access with 403.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_deref()
    }

    /// Sets the time after which the client may retry.
    #[must_use]
    pub fn with_retry_in(self, time: Duration) -> Self {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let whole = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
        Self {
            retry_after: Some(whole),
            ..self
        }
    }

    /// Returns the value of `Retry-After` in seconds, if it is known: [RFC 9110
    /// §10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Returns the HTTP status: 401, 403 or 503.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.kind {
            Kind::Unauthorized => 401,
            Kind::Forbidden => 403,
            Kind::Unavailable => 503,
        }
    }

    /// Returns the precise cause, for logs.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        self.failure.reason()
    }

    /// Returns the claim at fault, for logs: the one that is missing, has another value than the required one, or the
    /// wrong type. `None` if the [reason](Self::reason) implies it, or isn't about a single claim.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        self.failure.claim()
    }

    /// Returns the code in the body of the response.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.public().0
    }

    /// Returns the description in the body of the response.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        self.public().1
    }

    /// Returns the value of `WWW-Authenticate`. A 403 has one if the scheme defines it, RFC 6750 §3.1.
    ///
    /// OAuth clients request another token after `invalid_token`, so only errors of tokens have this code.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        match self.kind {
            Kind::Unauthorized => Some(self.unauthorized_challenge()),
            Kind::Forbidden => self
                .schemes
                .challenges(true, r#", error="insufficient_scope""#),
            Kind::Unavailable => None,
        }
    }

    /// Returns the body, a JSON object.
    #[must_use]
    pub fn body(&self) -> String {
        let (code, detail) = self.public();
        format!(r#"{{"detail":"{detail}","code":"{code}"}}"#)
    }

    fn unauthorized_challenge(&self) -> String {
        let parameters = if let Some(step_up) = &self.step_up {
            step_up.to_string()
        } else if is_of_token(self.failure.reason()) {
            let description = self.detail().trim_end_matches('.');
            format!(r#", error="invalid_token", error_description="{description}""#)
        } else {
            String::new()
        };
        let challenges = self.schemes.challenges(false, &parameters);
        // A 401 must have a challenge, RFC 9110 §15.5.2.
        challenges.unwrap_or_else(|| format!(r#"Bearer realm="api"{parameters}"#))
    }

    fn public(&self) -> PublicError {
        let reason = self.failure.reason();
        match self.kind {
            Kind::Unauthorized => public_error::unauthorized(reason),
            Kind::Forbidden => public_error::forbidden(reason),
            Kind::Unavailable => public_error::unavailable(reason),
        }
    }
}

/// Returns whether a reason is about a token, rather than an API key or missing credentials.
fn is_of_token(reason: ReasonCode) -> bool {
    !matches!(
        reason,
        ReasonCode::ApiKeyExpired
            | ReasonCode::ApiKeyInvalid
            | ReasonCode::ApiKeyRevoked
            | ReasonCode::CredentialsInvalid
            | ReasonCode::CredentialsMissing
            | ReasonCode::NotAuthenticated
            | ReasonCode::SchemeUnsupported
    )
}

/// Compares the responses and the causes, but not the callers.
impl PartialEq for Refusal {
    fn eq(&self, other: &Self) -> bool {
        let parts = |one: &Self| (one.kind, one.retry_after);
        parts(self) == parts(other)
            && self.step_up == other.step_up
            && self.failure == other.failure
            && self.schemes == other.schemes
    }
}

impl Eq for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status(), self.failure.reason())
    }
}

impl Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;

    #[test]
    fn clients_only_receive_four_causes() {
        for reason in ReasonCode::ALL {
            let refusal = Refusal::unauthorized(*reason, Schemes::bearer());
            let public_codes = [
                "not_authenticated",
                "token_expired",
                "token_not_yet_valid",
                "token_revoked",
                "invalid_api_key",
                "invalid_credentials",
                "user_unavailable",
                "insufficient_user_authentication",
                "invalid_token",
            ];
            assert!(public_codes.contains(&refusal.code()), "{reason}");
        }
        let signature = Refusal::unauthorized(ReasonCode::SignatureInvalid, Schemes::bearer());
        let audience = Refusal::unauthorized(ReasonCode::AudienceMismatch, Schemes::bearer());
        assert_eq!(signature.body(), audience.body());
        assert_eq!(signature.challenge(), audience.challenge());
    }

    fn both() -> Schemes {
        Schemes::bearer().and_api_keys(Scheme::api_key())
    }

    #[test]
    fn challenge_matches_the_failed_credentials() {
        let challenge = |reason| {
            let refusal = Refusal::unauthorized(reason, both());
            refusal.challenge().unwrap()
        };
        let plain = r#"Bearer realm="api", ApiKey realm="api""#;
        for reason in [
            ReasonCode::ApiKeyInvalid,
            ReasonCode::ApiKeyExpired,
            ReasonCode::ApiKeyRevoked,
            ReasonCode::NotAuthenticated,
            ReasonCode::SchemeUnsupported,
        ] {
            assert_eq!(challenge(reason), plain, "{reason}");
        }
        assert_eq!(
            challenge(ReasonCode::TokenExpired),
            r#"Bearer realm="api", error="invalid_token", error_description="The token has expired", ApiKey realm="api""#
        );
    }

    #[test]
    fn every_scheme_is_offered_once_and_in_order() {
        let token = Scheme::new("Token").unwrap();
        let schemes = Schemes::api_key()
            .and_tokens(token.clone())
            .and_api_keys(Scheme::bearer())
            .and_tokens(Scheme::bearer())
            .and_tokens(token);
        assert_eq!(
            schemes.names().collect::<Vec<_>>(),
            ["ApiKey", "Token", "Bearer"]
        );
        let refusal = Refusal::forbidden(ReasonCode::PermissionMissing, schemes);
        assert_eq!(
            refusal.challenge().unwrap(),
            r#"Token realm="api", error="insufficient_scope", Bearer realm="api", error="insufficient_scope""#
        );
    }

    #[test]
    fn a_503_says_what_is_missing() {
        for refusal in [
            Refusal::unavailable(),
            Refusal::backend_unavailable(),
            Refusal::keys_unavailable(),
            Refusal::issuer_keys_unavailable(),
        ] {
            assert_eq!(refusal.code(), refusal.reason().as_str());
            assert_eq!((refusal.status(), refusal.challenge()), (503, None));
        }
    }

    #[test]
    fn retry_after_is_in_whole_seconds() {
        let refusal = Refusal::issuer_keys_unavailable();
        assert_eq!(refusal.retry_after(), None);
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (u64::MAX, u32::MAX)] {
            let refusal = refusal.clone().with_retry_in(Duration::from_millis(millis));
            assert_eq!(refusal.retry_after(), Some(seconds), "{millis}");
        }
    }

    #[test]
    fn every_401_has_a_challenge() {
        for schemes in [
            Schemes::none(),
            Schemes::bearer(),
            Schemes::api_key(),
            both(),
        ] {
            assert!(
                Refusal::unauthorized(ReasonCode::NotAuthenticated, schemes)
                    .challenge()
                    .is_some()
            );
        }
    }

    #[test]
    fn a_403_names_insufficient_scope() {
        let refusal = Refusal::forbidden(ReasonCode::PermissionMissing, Schemes::bearer());
        assert_eq!(
            refusal.challenge().as_deref(),
            Some(r#"Bearer realm="api", error="insufficient_scope""#)
        );
        assert_eq!(refusal.code(), "permission_denied");
    }
}
