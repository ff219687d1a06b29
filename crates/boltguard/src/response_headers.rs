//! The headers of responses: challenges, and what shared caches need to know.

use std::collections::BTreeSet;

use crate::{Backend, Gate, Refusal};

impl Gate {
    /// Returns the value of `Vary` for all responses: the headers that can contain credentials, [RFC 9110
    /// §12.5.5](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5). `None` if there are none.
    ///
    /// ```
    /// # use boltguard::{Gate, JwtBackend, TokenCookie, guard::Guard, jwt::ClaimsPolicy, keys::*};
    /// # let keys = KeySet::new([VerifyingKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?]);
    /// # let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
    /// let backend = backend.with_cookie(TokenCookie::new("__Host-access")?);
    /// let gate = Gate::new([backend.into()], &Guard::authenticated())?;
    /// assert_eq!(gate.vary().as_deref(), Some("Authorization, Cookie"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn vary(&self) -> Option<String> {
        let names = self.backends().iter().flat_map(Backend::headers);
        let titles: BTreeSet<_> = names.map(|name| title(name.as_str())).collect();
        let titles: Vec<_> = titles.into_iter().collect();
        (!titles.is_empty()).then(|| titles.join(", "))
    }

    /// Returns the value of `Cache-Control` for responses that don't set this header.
    ///
    /// Shared caches must not store a response for an authenticated caller, nor any response if a backend declares no
    /// headers, since `Vary` then doesn't distinguish the callers.
    #[must_use]
    pub fn cache_control(&self, is_authenticated: bool) -> Option<&'static str> {
        let is_undeclared = |backend: &Backend| backend.headers().is_empty();
        let is_private = !self.backends().is_empty() && is_authenticated
            || self.backends().iter().any(is_undeclared);
        is_private.then_some("private")
    }
}

impl Refusal {
    /// Returns the headers of the response, except for [`Vary`](Gate::vary): `Content-Type`, and `WWW-Authenticate`,
    /// `Retry-After` and `Cache-Control` if the response has them.
    ///
    /// ```
    /// use boltguard::{Refusal, Schemes, types::ReasonCode};
    ///
    /// let refusal = Refusal::unauthorized(ReasonCode::NotAuthenticated, Schemes::bearer());
    /// assert_eq!(
    ///     refusal.headers(),
    ///     [
    ///         ("content-type", "application/json".to_owned()),
    ///         ("www-authenticate", r#"Bearer realm="api""#.to_owned()),
    ///     ]
    /// );
    /// ```
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(self.challenge().map(|value| ("www-authenticate", value)));
        let retry_after = self.retry_after();
        headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        let is_private = self.status() == 403;
        headers.extend(is_private.then(|| ("cache-control", "private".to_owned())));
        headers
    }

    /// Returns the status code with which a WebSocket is closed, whose reason is the [`code`](Self::code): 4401, 4403,
    /// or 1013 (try again later), [RFC 6455 §7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4).
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self.status() {
            401 => 4401,
            403 => 4403,
            _ => 1013,
        }
    }
}

/// Returns the name of a header with capitals, which HTTP ignores.
fn title(name: &str) -> String {
    let words = name.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join("-")
}

/// The response, with the refusal in its extensions, where a layer that logs finds the precise reason.
#[cfg(feature = "http")]
impl From<Refusal> for http::Response<String> {
    fn from(refusal: Refusal) -> Self {
        let mut response = Self::new(refusal.body());
        // The status is valid; this is the one that never allows anything.
        let status = http::StatusCode::from_u16(refusal.status());
        *response.status_mut() = status.unwrap_or(http::StatusCode::FORBIDDEN);
        for (name, value) in refusal.headers() {
            // The values are visible ASCII characters and spaces.
            if let Ok(value) = http::HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response.extensions_mut().insert(refusal);
        response
    }
}
