//! Where the token of a request is: in a header or a cookie.

use super::JwtBackend;
use crate::origin::{COOKIE, UPGRADE};
use crate::{CredentialSource, DuplicateCookie, RequestParts, TokenCookie, credentials};

impl JwtBackend {
    /// Also reads tokens from a cookie, if the header has none. A token in the header is used even if it is invalid.
    ///
    /// ```
    /// use boltguard::{CredentialSource, Gate, JwtBackend, Outcome, Step, TokenCookie, headers};
    /// # use boltguard::{guard::Guard, jwt::ClaimsPolicy, keys::*, types::NumericDate};
    /// # let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
    /// # let keys = KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]);
    /// # let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
    /// # let signer = SigningKey::new(&secret, Algorithm::Hs256)?;
    /// # let token = boltguard::jws::sign(br#"{"sub":"42","exp":1300819380}"#, &Default::default(), &signer)?;
    /// # let now = NumericDate::from_secs(1_300_819_000);
    /// let backend = backend.with_cookie(TokenCookie::new("__Host-access")?);
    /// let gate = Gate::new([backend.into()], &Guard::authenticated())?;
    ///
    /// let cookie = format!("__Host-access={token}");
    /// let from = |site| {
    ///     let look_up = |name: &str| match name {
    ///         "cookie" => Some(cookie.as_str()),
    ///         "sec-fetch-site" => Some(site),
    ///         _ => None,
    ///     };
    ///     gate.evaluate(&headers(|name| look_up(name.as_str())).with_method("POST"), now)
    /// };
    /// let Step::Done(Outcome::Admitted(caller)) = from("same-origin") else {
    ///     panic!("the token is valid")
    /// };
    /// assert_eq!(caller.source(), CredentialSource::Cookie);
    /// let Step::Done(Outcome::Refused(refusal)) = from("cross-site") else {
    ///     panic!("the request may be forged")
    /// };
    /// assert_eq!((refusal.status(), refusal.code()), (403, "csrf_failed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_cookie(mut self, cookie: TokenCookie) -> Self {
        self.cookie = Some(cookie);
        self.with_headers()
    }

    /// Returns the cookie, if tokens are read from one.
    #[must_use]
    pub fn cookie(&self) -> Option<&TokenCookie> {
        self.cookie.as_ref()
    }

    /// Returns the backend with the list of the headers that it reads.
    pub(super) fn with_headers(mut self) -> Self {
        let header = self.reads_header().then(|| self.header.clone());
        let cookie = self.cookie.as_ref().map(|_| COOKIE.clone());
        self.headers = header.into_iter().chain(cookie).collect();
        self
    }

    #[inline]
    pub(super) fn reads_header(&self) -> bool {
        self.cookie
            .as_ref()
            .is_none_or(|cookie| !cookie.replaces_header)
    }

    /// Returns the token of a request, and where it is.
    #[inline]
    pub(crate) fn token<'p, P: RequestParts>(
        &self,
        parts: &'p P,
    ) -> Result<Option<(&'p str, CredentialSource)>, DuplicateCookie> {
        if self.reads_header()
            && let Some(value) = parts.header(&self.header)
            && let Some(token) = credentials::token(value, &self.schemes, &self.header)
        {
            return Ok(Some((token, CredentialSource::Header)));
        }
        match &self.cookie {
            Some(cookie) => token_in(cookie, parts),
            None => Ok(None),
        }
    }

    /// Returns whether the page of another site may have made a request with the cookie.
    #[cold]
    pub(super) fn may_be_forged<P: RequestParts>(&self, parts: &P) -> bool {
        let origins = self
            .cookie
            .as_ref()
            .and_then(|cookie| cookie.origins.as_ref());
        origins.is_some_and(|policy| !is_safe(parts) && !policy.classify(parts).is_allowed())
    }
}

/// Returns the token in a cookie. An empty one is that of a logged-out user.
#[cold]
fn token_in<'p, P: RequestParts>(
    cookie: &TokenCookie,
    parts: &'p P,
) -> Result<Option<(&'p str, CredentialSource)>, DuplicateCookie> {
    let token = parts
        .cookie(cookie.name())?
        .filter(|token| !token.is_empty());
    Ok(token.map(|token| (token, CredentialSource::Cookie)))
}

/// Returns whether a request can't change anything, RFC 9110 §9.2.1. What opens a WebSocket isn't restricted by the
/// same-origin policy, RFC 6455 §10.2.
fn is_safe(parts: &impl RequestParts) -> bool {
    let method = parts.method();
    let is_safe = method.is_some_and(|name| matches!(name, "GET" | "HEAD" | "OPTIONS" | "TRACE"));
    is_safe && !parts.has_header(&UPGRADE)
}
