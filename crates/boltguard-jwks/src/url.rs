//! The URL of a JWK Set, [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986).

use std::fmt;

use crate::JwksConfigError;

/// The `https:` URL of a JWK Set.
///
/// `Debug` and `Display` omit the query, which may contain a secret.
///
/// ```
/// use boltguard_jwks::{JwksConfigError, JwksUrl};
///
/// let url = JwksUrl::new("https://id.example.com/jwks.json?tenant=7")?;
/// assert_eq!(url.to_string(), "https://id.example.com/jwks.json");
/// assert_eq!(url.as_str(), "https://id.example.com/jwks.json?tenant=7");
/// assert_eq!(JwksUrl::new("http://localhost/jwks.json"), Err(JwksConfigError::NotHttps));
/// assert!(JwksUrl::allowing_http("http://localhost/jwks.json").is_ok());
/// # Ok::<(), JwksConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUrl {
    url: Box<str>,
    shown: usize,
    is_third_party: bool,
}

impl JwksUrl {
    /// Parses an `https:` URL.
    ///
    /// # Errors
    ///
    /// - [`JwksConfigError::NotHttps`] if it begins with `http:`, for this machine too.
    /// - [`JwksConfigError::Credentials`] if it has a user name or password.
    /// - [`JwksConfigError::Url`] if it is none, has a fragment, or a character that has to be escaped.
    pub fn new(url: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let url = url.as_ref();
        match scheme(url)? {
            Scheme::Http => Err(JwksConfigError::NotHttps),
            Scheme::Https => Self::allowing_http(url),
        }
    }

    /// Parses an `https:` or `http:` URL.
    ///
    /// With `http:`, anyone on the network can replace the keys, and therefore create valid tokens.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), except the first.
    pub fn allowing_http(url: impl AsRef<str>) -> Result<Self, JwksConfigError> {
        let url = url.as_ref();
        scheme(url)?;
        if !url.bytes().all(is_allowed) {
            return Err(JwksConfigError::Url);
        }
        let authority = authority(url);
        if authority.contains('@') {
            return Err(JwksConfigError::Credentials);
        }
        host_and_port(authority).ok_or(JwksConfigError::Url)?;
        Ok(Self {
            url: url.into(),
            shown: url.find('?').unwrap_or(url.len()),
            is_third_party: false,
        })
    }

    /// Returns the URL as one that the metadata at another URL names.
    pub(crate) fn named_by(self, metadata: &Self) -> Self {
        Self {
            is_third_party: self.origin() != metadata.origin(),
            ..self
        }
    }

    /// Returns whether the metadata of an issuer names the URL, with another origin than that of the metadata.
    ///
    /// What is configured for the issuer, such as a header with a key, must not be sent to such a URL. The clients of
    /// this crate omit it.
    #[must_use]
    pub fn is_third_party(&self) -> bool {
        self.is_third_party
    }

    /// Returns the scheme, the host in lower case and the port, [RFC 6454
    /// §4](https://www.rfc-editor.org/rfc/rfc6454#section-4).
    fn origin(&self) -> (bool, String, u16) {
        let is_https = self.is_https();
        // The URL is valid, so it has a host.
        let (host, port) = host_and_port(authority(&self.url)).unwrap_or_default();
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        (is_https, host.to_ascii_lowercase(), port)
    }

    /// Returns the URL with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Returns whether the URL begins with `https:`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        scheme(&self.url) == Ok(Scheme::Https)
    }
}

impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url[..self.shown])
    }
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwksUrl({self})")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

fn scheme(url: &str) -> Result<Scheme, JwksConfigError> {
    match url.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => Ok(Scheme::Https),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => Ok(Scheme::Http),
        _ => Err(JwksConfigError::Url),
    }
}

/// Returns whether a URL can contain the byte, RFC 3986 §2. Parsers differ about other bytes; `#` starts a fragment.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// Returns the part of a URL between the scheme and the path.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// Returns the host, or the IPv6 address in brackets, and the port if there is one, RFC 3986 §3.2. `None` if they are
/// invalid.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => {
            let address = rest.split_once(']')?.0;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            address.len() + "[]".len()
        }
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    if host.is_empty() || !(host.starts_with('[') || host.bytes().all(is_of_host)) {
        return None;
    }
    match port {
        "" => Some((host, None)),
        _ => Some((host, Some(port_number(port)?))),
    }
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Parses `:` and a number from 1 to 65535.
fn port_number(port: &str) -> Option<u16> {
    let digits = port.strip_prefix(':')?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_urls_are_accepted() {
        for url in [
            "https://id.example.com/.well-known/jwks.json",
            "HTTPS://ID.EXAMPLE.COM",
            "https://localhost:8443/jwks?a=b&c=%20d",
            "https://[::1]:8443/jwks",
            "https://10.0.0.1/@keys",
            "https://keys.internal_zone/realms/a/protocol/openid-connect/certs",
        ] {
            let found = JwksUrl::new(url).unwrap();
            assert_eq!(found.as_str(), url);
            assert!(found.is_https());
        }
    }

    #[test]
    fn origins_are_compared() {
        let is_third_party = |metadata: &str, url: &str| {
            let [metadata, url] = [metadata, url].map(|url| JwksUrl::allowing_http(url).unwrap());
            url.named_by(&metadata).is_third_party()
        };
        for (metadata, url) in [
            ("https://id.example.com/a", "https://id.example.com/b?c"),
            ("https://id.example.com", "HTTPS://ID.example.com:443/keys"),
            ("http://id.example.com:80", "http://id.example.com/keys"),
            ("https://[::1]/a", "https://[::1]:443"),
        ] {
            assert!(!is_third_party(metadata, url), "{metadata} {url}");
        }
        for (metadata, url) in [
            ("https://id.example.com", "https://keys.example.com"),
            (
                "https://id.example.com",
                "https://id.example.com.evil.example",
            ),
            ("https://id.example.com", "https://id.example.com:8443"),
            ("https://id.example.com", "http://id.example.com:443"),
            ("https://[::1]/a", "https://[::2]/a"),
            ("https://[::1]:8443", "https://[::1]"),
        ] {
            assert!(is_third_party(metadata, url), "{metadata} {url}");
        }
    }

    #[test]
    fn invalid_urls_are_rejected() {
        for url in [
            "",
            "id.example.com",
            "https:/id.example.com",
            "https://",
            "https:///jwks",
            "https://:443/jwks",
            "https://host:/jwks",
            "https://host:0/jwks",
            "https://host:99999/jwks",
            "https://host:+1/jwks",
            "https://host/jwks#part",
            "https://host/a b",
            "https://host\\@evil/",
            "https://h\u{f6}st/",
            "https://host/\n",
            " https://host/",
            "https://[::1/",
            "https://[host]/",
            "https://[::1]x/",
            "https://a:b:c/",
            "https://a%2Fb/",
            "ftp://host/jwks",
            "file:///etc/jwks.json",
        ] {
            assert_eq!(JwksUrl::new(url), Err(JwksConfigError::Url), "{url}");
            assert_eq!(
                JwksUrl::allowing_http(url),
                Err(JwksConfigError::Url),
                "{url}"
            );
        }
    }

    #[test]
    fn credentials_are_rejected_and_queries_hidden() {
        for url in [
            "https://user:pass@host/",
            "https://user@host",
            "https://@host/",
        ] {
            assert_eq!(
                JwksUrl::new(url),
                Err(JwksConfigError::Credentials),
                "{url}"
            );
        }
        let url = JwksUrl::new("https://host/jwks?key=hunter2").unwrap();
        assert!(!format!("{url} {url:?}").contains("hunter2"));
    }

    #[test]
    fn http_must_be_allowed_explicitly() {
        for url in ["http://localhost/", "HTTP://127.0.0.1:8000/jwks"] {
            assert_eq!(JwksUrl::new(url), Err(JwksConfigError::NotHttps));
            assert!(!JwksUrl::allowing_http(url).unwrap().is_https());
        }
    }
}
