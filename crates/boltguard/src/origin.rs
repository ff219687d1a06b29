//! The origin of requests that browsers make: the header `Origin`, [RFC 6454
//! §7](https://www.rfc-editor.org/rfc/rfc6454#section-7), and `Sec-Fetch-Site`, [Fetch Metadata
//! §2.4](https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use crate::{ConfigError, HeaderName, RequestParts};

/// Which origins, besides that of the service, may make requests with cookies.
///
/// ```
/// use boltguard::{OriginPolicy, RequestOrigin};
///
/// let policy = OriginPolicy::new(["https://app.example.com"])?;
/// for (origin, expected) in [
///     ("https://api.example.com", RequestOrigin::SameOrigin),
///     ("https://app.example.com", RequestOrigin::Trusted),
///     ("https://evil.example", RequestOrigin::CrossOrigin),
/// ] {
///     let parts = [("Host", "api.example.com"), ("Origin", origin)];
///     assert_eq!(policy.classify(&parts), expected);
/// }
/// # Ok::<(), boltguard::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    trusted: Box<[TrustedOrigin]>,
}

/// Where a request comes from, according to the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOrigin {
    /// A page of an origin that isn't trusted, or one that the browser keeps secret.
    CrossOrigin,
    /// A page of the same origin, or the user.
    SameOrigin,
    /// A page of a trusted origin.
    Trusted,
    /// The request has neither of the headers: its client is old, or not a browser.
    Unknown,
}

impl RequestOrigin {
    /// Returns whether the request comes from a page of the same origin or of a trusted one.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::SameOrigin | Self::Trusted)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TrustedOrigin {
    scheme: Box<str>,
    /// The host, and the port if there is one.
    authority: Box<str>,
    with_subdomains: bool,
}

impl OriginPolicy {
    /// Returns a policy that trusts no other origin.
    #[must_use]
    pub fn same_origin() -> Self {
        Self::default()
    }

    /// Returns a policy that also trusts these origins, such as `https://app.example.com`, with the port if it isn't
    /// the default one. `https://*.example.com` is `example.com` and all of its subdomains.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Origin`] if one isn't an origin: it has a path, a user or no scheme.
    pub fn new(trusted: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, ConfigError> {
        let trusted = trusted
            .into_iter()
            .map(|origin| TrustedOrigin::parse(origin.as_ref()));
        Ok(Self {
            trusted: trusted.collect::<Option<_>>().ok_or(ConfigError::Origin)?,
        })
    }

    /// Returns where a request comes from.
    ///
    /// `Sec-Fetch-Site` decides if there is one, because pages can't set it. Otherwise, `Origin` is compared with the
    /// [host](RequestParts::host) of the request. Its scheme must be `https`, or `http` on the local machine. Behind a
    /// proxy that changes the host, trust the public origin.
    #[must_use]
    pub fn classify<P: RequestParts>(&self, parts: &P) -> RequestOrigin {
        self.decide(parts, |scheme, authority| {
            let is_secure = scheme == "https" || (scheme == "http" && is_loopback(authority));
            let host = parts.host();
            is_secure && host.is_some_and(|host| is_same(authority, host, scheme))
        })
    }

    /// Returns where a request to the service at `own`, such as `https://api.example.com`, comes from.
    #[must_use]
    pub fn classify_at<P: RequestParts>(&self, own: &str, parts: &P) -> RequestOrigin {
        self.decide(parts, |scheme, authority| {
            split(own).is_some_and(|(own_scheme, host)| {
                scheme.eq_ignore_ascii_case(own_scheme) && is_same(authority, host, scheme)
            })
        })
    }

    fn decide<P: RequestParts>(
        &self,
        parts: &P,
        is_own: impl Fn(&str, &str) -> bool,
    ) -> RequestOrigin {
        let origin = parts.header(&ORIGIN);
        let is_trusted = || {
            origin
                .and_then(split)
                .is_some_and(|origin| self.trusts(origin))
        };
        match (parts.header(&SEC_FETCH_SITE), origin) {
            (Some("same-origin" | "none"), _) => RequestOrigin::SameOrigin,
            (None, None) => RequestOrigin::Unknown,
            (None, Some(origin)) if split(origin).is_some_and(|(s, a)| is_own(s, a)) => {
                RequestOrigin::SameOrigin
            }
            _ if is_trusted() => RequestOrigin::Trusted,
            _ => RequestOrigin::CrossOrigin,
        }
    }

    fn trusts(&self, (scheme, authority): (&str, &str)) -> bool {
        let trusted = |origin: &TrustedOrigin| {
            origin.scheme.eq_ignore_ascii_case(scheme) && origin.covers(authority, scheme)
        };
        self.trusted.iter().any(trusted)
    }
}

impl TrustedOrigin {
    fn parse(origin: &str) -> Option<Self> {
        let (start, rest) = origin.split_once("://")?;
        let (with_subdomains, rest) = match rest.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, rest),
        };
        let origin = format!("{start}://{rest}").to_ascii_lowercase();
        let (scheme, authority) =
            split(&origin).filter(|(_, host)| !host.starts_with(['.', ':']))?;
        Some(Self {
            scheme: scheme.into(),
            authority: authority.into(),
            with_subdomains,
        })
    }

    fn covers(&self, authority: &str, scheme: &str) -> bool {
        is_same(authority, &self.authority, scheme)
            || (self.with_subdomains && is_subdomain(authority, &self.authority, scheme))
    }
}

fn is_subdomain(authority: &str, domain: &str, scheme: &str) -> bool {
    let authority = without_default_port(authority, scheme).to_ascii_lowercase();
    let above = authority.strip_suffix(without_default_port(domain, scheme));
    above.is_some_and(|above| above.len() > 1 && above.ends_with('.'))
}

/// Returns the scheme and the host with its port, or `None` if it isn't the serialization of an origin, RFC 6454 §6.2.
fn split(origin: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = origin.split_once("://")?;
    let is_of_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let is_of_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let is_origin = scheme.bytes().all(is_of_scheme) && authority.bytes().all(is_of_host);
    (is_origin && !scheme.is_empty() && !authority.is_empty()).then_some((scheme, authority))
}

/// Returns whether two hosts with their ports are the same.
fn is_same(one: &str, other: &str, scheme: &str) -> bool {
    without_default_port(one, scheme).eq_ignore_ascii_case(without_default_port(other, scheme))
}

fn without_default_port<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let port = match (is("https"), is("http")) {
        (true, _) => ":443",
        (_, true) => ":80",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_address = |host: &str| host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback());
    host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || is_address(host)
}

pub(crate) static COOKIE: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::known("cookie"));
pub(crate) static HOST: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::known("host"));
pub(crate) static ORIGIN: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::known("origin"));
pub(crate) static SEC_FETCH_SITE: LazyLock<HeaderName> =
    LazyLock::new(|| HeaderName::known("sec-fetch-site"));
pub(crate) static UPGRADE: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::known("upgrade"));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::RequestOrigin::{CrossOrigin, SameOrigin, Trusted, Unknown};
    use super::*;

    fn classify(policy: &OriginPolicy, origin: Option<&str>, site: Option<&str>) -> RequestOrigin {
        let mut parts = vec![("host", "api.example.com")];
        parts.extend(origin.map(|origin| ("origin", origin)));
        parts.extend(site.map(|site| ("sec-fetch-site", site)));
        policy.classify(&parts.as_slice())
    }

    fn from_host(host: &str, origin: &str) -> RequestOrigin {
        OriginPolicy::same_origin().classify(&[("host", host), ("origin", origin)])
    }

    #[test]
    fn sec_fetch_site_decides() {
        let policy = OriginPolicy::new(["https://app.example.com"]).unwrap();
        let (own, app) = (
            Some("https://api.example.com"),
            Some("https://app.example.com"),
        );
        let evil = Some("https://evil.example");
        for (origin, site, expected) in [
            (None, None, Unknown),
            (None, Some("same-origin"), SameOrigin),
            (None, Some("none"), SameOrigin),
            (Some("null"), Some("same-origin"), SameOrigin),
            (None, Some("same-site"), CrossOrigin),
            (None, Some("cross-site"), CrossOrigin),
            (own, Some("cross-site"), CrossOrigin),
            (evil, Some("cross-site"), CrossOrigin),
            (app, Some("same-site"), Trusted),
            (app, Some("cross-site"), Trusted),
            (own, Some("Same-Origin"), CrossOrigin),
            (own, Some("same-origin, cross-site"), CrossOrigin),
            (own, Some(""), CrossOrigin),
            (own, None, SameOrigin),
            (app, None, Trusted),
            (evil, None, CrossOrigin),
            (Some("null"), None, CrossOrigin),
            (Some(""), None, CrossOrigin),
        ] {
            assert_eq!(
                classify(&policy, origin, site),
                expected,
                "{origin:?} {site:?}"
            );
        }
    }

    #[test]
    fn without_sec_fetch_site_the_origin_must_be_that_of_the_host() {
        for (host, origin) in [
            ("example.com", "https://example.com"),
            ("Example.com", "https://example.com"),
            ("example.com:443", "https://example.com"),
            ("example.com:8443", "https://example.com:8443"),
            ("localhost:8000", "http://localhost:8000"),
            ("app.localhost", "http://app.localhost"),
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(from_host(host, origin), SameOrigin, "{host} {origin}");
        }
        for (host, origin) in [
            ("example.com", "http://example.com"),
            ("example.com", "https://example.com:8443"),
            ("example.com:8443", "https://example.com"),
            ("example.com", "https://sub.example.com"),
            ("sub.example.com", "https://example.com"),
            ("example.com", "https://example.com.evil.example"),
            ("example.com", "https://example.com@evil.example"),
            ("example.com", "https://example.com/"),
            ("example.com", "example.com"),
            ("example.com", "ftp://example.com"),
            ("localhost.evil.example", "http://localhost.evil.example"),
            ("", "https://"),
        ] {
            assert_eq!(from_host(host, origin), CrossOrigin, "{host} {origin}");
        }
        let policy = OriginPolicy::same_origin();
        assert_eq!(
            policy.classify(&[("origin", "https://example.com")]),
            CrossOrigin
        );
    }

    #[test]
    fn a_known_origin_is_compared_with_its_scheme() {
        let policy = OriginPolicy::same_origin();
        for (own, origin, expected) in [
            ("http://example.com", "http://example.com", SameOrigin),
            ("https://example.com:443", "https://example.com", SameOrigin),
            ("https://example.com", "http://example.com", CrossOrigin),
            ("http://example.com", "https://example.com", CrossOrigin),
            ("nonsense", "https://example.com", CrossOrigin),
        ] {
            let parts = [("origin", origin)];
            assert_eq!(policy.classify_at(own, &parts), expected, "{own} {origin}");
        }
    }

    #[test]
    fn a_wildcard_trusts_the_domain_and_its_subdomains() {
        let policy = OriginPolicy::new(["https://*.example.org", "http://dev.test:8000"]).unwrap();
        for (origin, expected) in [
            ("https://example.org", Trusted),
            ("https://a.example.org", Trusted),
            ("https://A.b.Example.org", Trusted),
            ("http://dev.test:8000", Trusted),
            ("http://a.example.org", CrossOrigin),
            ("https://a.example.org:8443", CrossOrigin),
            ("https://badexample.org", CrossOrigin),
            ("https://example.org.evil.example", CrossOrigin),
            ("http://dev.test", CrossOrigin),
            ("https://.org", CrossOrigin),
            ("https://.example.org", CrossOrigin),
        ] {
            assert_eq!(classify(&policy, Some(origin), None), expected, "{origin}");
        }
    }

    #[test]
    fn a_trusted_origin_has_a_scheme_and_a_host_only() {
        for origin in [
            "",
            "*",
            "null",
            "example.com",
            "//example.com",
            "https://",
            "https://*",
            "https://*.",
            "https://example.com/",
            "https://example.com/a",
            "https://u@example.com",
            "https://a.*.example.com",
            "https://..example.com",
            "https://.example.com",
            "https://*..example.com",
            "https://exämple.com",
            "https://example.com ",
        ] {
            assert_eq!(
                OriginPolicy::new([origin]),
                Err(ConfigError::Origin),
                "{origin}"
            );
        }
        assert!(OriginPolicy::new(["capacitor://localhost", "https://example.com:443"]).is_ok());
    }

    proptest! {
        #[test]
        fn only_a_listed_origin_is_trusted(origin in "\\PC{0,24}", site in "\\PC{0,12}") {
            let policy = OriginPolicy::new(["https://app.example.com"]).unwrap();
            let found = classify(&policy, Some(&origin), Some(&site));
            prop_assert_eq!(found == Trusted, origin.eq_ignore_ascii_case("https://app.example.com"));
            prop_assert_eq!(found == SameOrigin, site == "same-origin" || site == "none");
        }
    }
}
