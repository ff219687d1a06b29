//! Cookies of requests, [RFC 6265](https://www.rfc-editor.org/rfc/rfc6265).

use std::fmt;

use crate::credentials::is_token;
use crate::{ConfigError, OriginPolicy};

/// A cookie with a token, for [`JwtBackend::with_cookie`](crate::JwtBackend::with_cookie).
///
/// Browsers send cookies automatically, also with requests that the page of another site makes. A request is refused
/// with 403 `csrf_failed`, whatever the guard says, unless its method is safe ([RFC 9110
/// §9.2.1](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1)) or its `Sec-Fetch-Site` or `Origin` header shows that
/// it comes from a page of this origin or of a trusted one. A request to open a WebSocket, and one whose
/// [method](crate::RequestParts::method) isn't known, is checked like one with an unsafe method.
///
/// Use a name with the prefix `__Host-`, so that neither another host of the same site nor an attacker in the network
/// can set the cookie, and set it with `HttpOnly`, `Secure`, `SameSite=Lax` and `Path=/`.
///
/// ```
/// use boltguard::TokenCookie;
///
/// let cookie = TokenCookie::new("__Host-access")?.trusting(["https://app.example.com"])?;
/// assert!(cookie.has_secure_prefix());
/// assert!(TokenCookie::new("access token").is_err());
/// # Ok::<(), boltguard::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCookie {
    name: Box<str>,
    pub(crate) replaces_header: bool,
    /// `None` if the application checks requests itself.
    pub(crate) origins: Option<OriginPolicy>,
}

impl TokenCookie {
    /// Creates a cookie of this name. Only requests of the same origin can use it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::CookieName`] if the name isn't a token, RFC 6265 §4.1.1.
    pub fn new(name: impl AsRef<str>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        if !is_token(name) {
            return Err(ConfigError::CookieName);
        }
        Ok(Self {
            name: name.into(),
            replaces_header: false,
            origins: Some(OriginPolicy::same_origin()),
        })
    }

    /// Accepts tokens only in the cookie, and none in a header.
    #[must_use]
    pub fn without_header(self) -> Self {
        Self {
            replaces_header: true,
            ..self
        }
    }

    /// Also accepts requests from pages of these origins, see [`OriginPolicy::new`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::Origin`] if one isn't an origin.
    pub fn trusting(
        self,
        origins: impl IntoIterator<Item: AsRef<str>>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            origins: Some(OriginPolicy::new(origins)?),
            ..self
        })
    }

    /// Leaves the check for forged requests to the application, which must check each request with an unsafe method
    /// whose caller has the [source](crate::Caller::source) [`Cookie`](crate::CredentialSource::Cookie).
    ///
    /// Otherwise, other sites can make requests in the name of its users.
    #[must_use]
    pub fn with_external_csrf_check(self) -> Self {
        Self {
            origins: None,
            ..self
        }
    }

    /// Returns the name.
    #[must_use]
    #[inline]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the name has the prefix `__Host-` or `__Secure-`, with which browsers only accept the cookie
    /// over TLS, and with `__Host-` only from the host itself.
    #[must_use]
    pub fn has_secure_prefix(&self) -> bool {
        self.name.starts_with("__Host-") || self.name.starts_with("__Secure-")
    }
}

/// The error of a request with two cookies of the same name.
///
/// Which of them the server set isn't known: a page on another host of the same site can set one for the whole site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateCookie;

impl fmt::Display for DuplicateCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has two cookies of the same name")
    }
}

impl std::error::Error for DuplicateCookie {}

/// Returns the value of a cookie in these `Cookie` headers, RFC 6265 §4.2.1, or `None` if they don't contain it.
///
/// Names are compared exactly. Only spaces and tabs around a pair are ignored: browsers accept other white space in
/// names, so that ignoring it would defeat the prefix `__Host-`. Quotation marks are part of the value. A value that
/// isn't a UTF-8 string counts as absent.
///
/// # Errors
///
/// [`DuplicateCookie`] if there is more than one cookie of this name, even with the same value.
///
/// ```
/// use boltguard::{DuplicateCookie, find_cookie};
///
/// let sent = ["theme=dark; __Host-access=a.b.c", "lang=en"].map(str::as_bytes);
/// assert_eq!(find_cookie(sent, "__Host-access"), Ok(Some("a.b.c")));
/// assert_eq!(find_cookie(sent, "access"), Ok(None));
/// assert_eq!(find_cookie([b"id=1; id=2".as_slice()], "id"), Err(DuplicateCookie));
/// ```
pub fn find_cookie<'v>(
    headers: impl IntoIterator<Item = &'v [u8]>,
    name: &str,
) -> Result<Option<&'v str>, DuplicateCookie> {
    let pairs = headers.into_iter().flat_map(|value| value.split(is(b';')));
    let mut values = pairs.filter_map(|pair| value_of(pair, name.as_bytes()));
    let found = values.next();
    match values.next() {
        Some(_) => Err(DuplicateCookie),
        None => Ok(found.and_then(|value| str::from_utf8(value).ok())),
    }
}

/// Returns the value of a pair of this name.
fn value_of<'v>(pair: &'v [u8], name: &[u8]) -> Option<&'v [u8]> {
    match trim(pair).split_at_checked(name.len())? {
        (found, [b'=', value @ ..]) if found == name => Some(value),
        _ => None,
    }
}

fn trim(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
}

fn is(wanted: u8) -> impl Fn(&u8) -> bool {
    move |byte| *byte == wanted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn access(header: &str) -> Result<Option<&str>, DuplicateCookie> {
        find_cookie([header.as_bytes()], "__Host-access")
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        for header in [
            "__Host-access=a.b.c",
            "theme=dark; __Host-access=a.b.c",
            "__Host-access=a.b.c; theme=dark",
            "theme=dark;__Host-access=a.b.c;x",
            " \t__Host-access=a.b.c \t;",
            ";;=;__Host-access=a.b.c",
        ] {
            assert_eq!(access(header), Ok(Some("a.b.c")), "{header}");
        }
    }

    #[test]
    fn only_the_exact_name_counts() {
        for header in [
            "",
            "=",
            "__Host-access",
            "__host-access=a.b.c",
            "__Host-access =a.b.c",
            "__Host-access2=a.b.c",
            "x__Host-access=a.b.c",
            "other=__Host-access=a.b.c",
            "=__Host-access=a.b.c",
            "a=1,__Host-access=a.b.c",
            "$Version=1,__Host-access=a.b.c",
            "\u{2000}__Host-access=a.b.c",
            "\u{b}__Host-access=a.b.c",
            "\"__Host-access\"=a.b.c",
        ] {
            assert_eq!(access(header), Ok(None), "{header}");
        }
    }

    #[test]
    fn the_value_is_returned_as_it_was_sent() {
        for (header, value) in [
            ("__Host-access=", ""),
            ("__Host-access=\"a.b.c\"", "\"a.b.c\""),
            ("__Host-access=a=b", "a=b"),
            ("__Host-access= a", " a"),
            ("__Host-access=a%20b", "a%20b"),
        ] {
            assert_eq!(access(header), Ok(Some(value)), "{header}");
        }
        assert_eq!(find_cookie([b"a=\xff".as_slice()], "a"), Ok(None));
    }

    #[test]
    fn two_cookies_of_one_name_are_an_error() {
        for header in [
            "__Host-access=a; __Host-access=b",
            "__Host-access=a; x=1; __Host-access=a",
            "__Host-access=a; __Host-access=",
            "__Host-access=a;__Host-access=b;__Host-access=c",
        ] {
            assert_eq!(access(header), Err(DuplicateCookie), "{header}");
        }
        let sent = [b"a=1".as_slice(), b"a=\xff"];
        assert_eq!(find_cookie(sent, "a"), Err(DuplicateCookie));
    }

    #[test]
    fn a_name_is_a_token() {
        for name in [
            "", " ", "a b", "a=b", "a;b", "é", "a,b", "\"a\"", "a\n", "a/b",
        ] {
            assert_eq!(
                TokenCookie::new(name),
                Err(ConfigError::CookieName),
                "{name}"
            );
        }
        for (name, is_secure) in [
            ("access", false),
            ("__host-access", false),
            ("__Host-access", true),
            ("__Secure-access", true),
        ] {
            let cookie = TokenCookie::new(name).unwrap();
            assert_eq!(
                (cookie.name(), cookie.has_secure_prefix()),
                (name, is_secure)
            );
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in proptest::collection::vec(any::<u8>(), 0..40), name in "[a-c]{1,2}") {
            let _ = find_cookie([header.as_slice()], &name);
        }

        #[test]
        fn a_cookie_is_found_wherever_it_is(
            before in proptest::collection::vec("[a-z]{1,3}=[!-:<-~]{0,8}", 0..4),
            after in proptest::collection::vec("[a-z]{1,3}=[!-:<-~]{0,8}", 0..4),
            value in "[!#-+--:<-\\[\\]-~]{0,12}",
        ) {
            let pair = format!("__Host-access={value}");
            let pairs: Vec<_> = before.iter().chain([&pair]).chain(&after).map(String::as_str).collect();
            let joined = pairs.join("; ");
            prop_assert_eq!(access(&joined), Ok(Some(&*value)));
            let apart = pairs.iter().map(|pair| pair.as_bytes());
            prop_assert_eq!(find_cookie(apart, "__Host-access"), Ok(Some(&*value)));
            let twice = format!("{}; {pair}", pairs.join(";"));
            prop_assert_eq!(access(&twice), Err(DuplicateCookie));
        }
    }
}
