//! Names of request headers, [RFC 9110 §5.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.1).

use std::fmt;

use crate::ConfigError;

/// The name of a header with credentials, in lower case.
///
/// ```
/// use boltguard::HeaderName;
///
/// let name = HeaderName::new("X-API-Key")?;
/// assert_eq!(name.as_str(), "x-api-key");
/// assert_eq!(name.as_cgi(), "HTTP_X_API_KEY");
/// assert!(HeaderName::new("x api key").is_err());
/// # Ok::<(), boltguard::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName {
    name: Box<str>,
    cgi: Box<str>,
}

impl HeaderName {
    /// Parses a name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::HeaderName`] if it has characters that aren't token characters of RFC 9110 §5.6.2, or `_`, which
    /// gateways can't distinguish from `-`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(ConfigError::HeaderName);
        }
        Ok(Self::of(&name.to_ascii_lowercase()))
    }

    /// Returns `authorization`, RFC 9110 §11.6.2.
    #[must_use]
    pub fn authorization() -> Self {
        Self::known("authorization")
    }

    /// Returns a name that is known to be valid and in lower case.
    pub(crate) fn known(name: &'static str) -> Self {
        Self::of(name)
    }

    fn of(name: &str) -> Self {
        Self {
            name: name.into(),
            cgi: format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_")).into(),
        }
    }

    /// Returns the name in lower case.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the name in a CGI or WSGI environment, RFC 3875 §4.1.18.
    #[must_use]
    pub fn as_cgi(&self) -> &str {
        &self.cgi
    }

    #[inline]
    pub(crate) fn is_authorization(&self) -> bool {
        &*self.name == "authorization"
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
