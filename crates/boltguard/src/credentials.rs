//! Credentials in a header, [RFC 9110 §11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4).

use std::fmt;

use crate::{ConfigError, HeaderName};

/// An authentication scheme, such as `Bearer`. Comparisons ignore case.
///
/// ```
/// use boltguard::Scheme;
///
/// assert_eq!(Scheme::new("Token")?.as_str(), "Token");
/// assert_eq!(Scheme::new("bearer")?, Scheme::bearer());
/// assert!(Scheme::new("Bearer:").is_err());
/// # Ok::<(), boltguard::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq)]
pub struct Scheme {
    name: Box<str>,
    /// The letters in lower case, if there are six, as in `Bearer` and `ApiKey`, which nearly all requests have.
    six_letters: Option<[u8; 6]>,
}

impl Scheme {
    /// Parses a scheme.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Scheme`] if it isn't a token, RFC 9110 §5.6.2.
    pub fn new(name: impl AsRef<str>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        if is_token(name) {
            Ok(Self::of(name))
        } else {
            Err(ConfigError::Scheme)
        }
    }

    /// Returns `ApiKey`, which no RFC defines.
    #[must_use]
    pub fn api_key() -> Self {
        Self::of("ApiKey")
    }

    /// Returns `Bearer`, RFC 6750.
    #[must_use]
    pub fn bearer() -> Self {
        Self::of("Bearer")
    }

    fn of(name: &str) -> Self {
        let is_letters = name.bytes().all(|b| b.is_ascii_alphabetic());
        let letters = name.as_bytes().try_into().ok().filter(|_| is_letters);
        Self {
            name: name.into(),
            six_letters: letters.map(|six: [u8; 6]| six.map(to_small)),
        }
    }

    /// Returns the scheme as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the rest of a header value after the scheme and one or more spaces.
    #[inline]
    fn strip<'v>(&self, value: &'v str) -> Option<&'v str> {
        let (found, rest) = value.split_at_checked(self.name.len())?;
        let is_found = match (self.six_letters, found.as_bytes().first_chunk()) {
            (Some(six), Some(letters)) => letters.map(to_small) == six,
            _ => found.eq_ignore_ascii_case(&self.name),
        };
        match rest.as_bytes() {
            _ if !is_found => None,
            [] => Some(rest),
            [b' ', b' ', ..] => Some(rest.trim_start_matches(' ')),
            [b' ', ..] => Some(&rest[1..]),
            _ => None,
        }
    }
}

impl PartialEq for Scheme {
    fn eq(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Converts an ASCII letter to lower case. No other byte becomes a letter.
#[inline]
fn to_small(letter: u8) -> u8 {
    letter | 0x20
}

/// Rejects a list of schemes that is empty or contains a duplicate.
pub(crate) fn check_schemes(schemes: &[Scheme]) -> Result<(), ConfigError> {
    let is_repeated = |(at, scheme): (usize, &Scheme)| schemes[..at].contains(scheme);
    if schemes.is_empty() || schemes.iter().enumerate().any(is_repeated) {
        return Err(ConfigError::Schemes);
    }
    Ok(())
}

/// Returns the token in a header value, or `None` if the value is for another recipient.
///
/// `Authorization` requires a scheme, RFC 6750 §2.1. Other headers may contain the bare token.
#[inline]
pub(crate) fn token<'v>(
    value: &'v str,
    schemes: &[Scheme],
    header: &HeaderName,
) -> Option<&'v str> {
    match after_scheme(value, schemes) {
        None if !header.is_authorization() => Some(value),
        token => token,
    }
}

/// Returns the API key in a header value, bare or after a scheme. In `Authorization`, other schemes are for other
/// recipients.
#[inline]
pub(crate) fn api_key<'v>(
    value: &'v str,
    schemes: &[Scheme],
    header: &HeaderName,
) -> Option<&'v str> {
    match after_scheme(value, schemes) {
        None if header.is_authorization() && has_scheme(value) => None,
        None => Some(value),
        key => key,
    }
}

#[inline]
fn after_scheme<'v>(value: &'v str, schemes: &[Scheme]) -> Option<&'v str> {
    schemes.iter().find_map(|scheme| scheme.strip(value))
}

/// Returns whether a value begins with any scheme, followed by something else.
pub(crate) fn has_scheme(value: &str) -> bool {
    value
        .split_once(' ')
        .is_some_and(|(name, _)| is_token(name))
}

pub(crate) fn is_token(name: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schemes(names: &[&str]) -> Vec<Scheme> {
        names
            .iter()
            .map(|name| Scheme::new(name).unwrap())
            .collect()
    }

    fn bearer_token(value: &str, is_authorization: bool) -> Option<&str> {
        token(value, &[Scheme::bearer()], &header(is_authorization))
    }

    fn header(is_authorization: bool) -> HeaderName {
        if is_authorization {
            HeaderName::authorization()
        } else {
            HeaderName::new("x-token").unwrap()
        }
    }

    fn key(value: &str, is_authorization: bool) -> Option<&str> {
        let schemes = [Scheme::api_key(), Scheme::bearer()];
        api_key(value, &schemes, &header(is_authorization))
    }

    #[test]
    fn the_case_of_a_scheme_is_ignored() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"] {
            assert_eq!(bearer_token(value, true), Some("a.b.c"), "{value}");
        }
    }

    #[test]
    fn authorization_requires_the_scheme() {
        for value in [
            "a.b.c",
            "Basic a.b.c",
            "Bearera.b.c",
            "Bearer\ta.b.c",
            "JWT a.b.c",
            "",
            " Bearer a.b.c",
            "Bearé",
        ] {
            assert_eq!(bearer_token(value, true), None, "{value}");
        }
        assert_eq!(bearer_token("a.b.c", false), Some("a.b.c"));
        assert_eq!(bearer_token("bearer a.b.c", false), Some("a.b.c"));
    }

    #[test]
    fn any_of_the_schemes_is_accepted() {
        let schemes = schemes(&["Bearer", "Token", "x!1"]);
        let header = HeaderName::authorization();
        for value in ["Bearer a", "Token a", "TOKEN a", "X!1 a"] {
            assert_eq!(token(value, &schemes, &header), Some("a"), "{value}");
        }
        assert_eq!(token("Tokens a", &schemes, &header), None);
    }

    #[test]
    fn a_scheme_without_credentials_is_invalid_and_not_absent() {
        assert_eq!(bearer_token("Bearer", true), Some(""));
        assert_eq!(bearer_token("Bearer ", true), Some(""));
    }

    #[test]
    fn an_api_key_is_bare_or_after_a_scheme() {
        for value in ["sk-1", "ApiKey sk-1", "apikey  sk-1", "Bearer sk-1"] {
            assert_eq!(key(value, true), Some("sk-1"));
            assert_eq!(key(value, false), Some("sk-1"));
        }
    }

    #[test]
    fn another_scheme_in_authorization_has_no_api_key() {
        for value in [
            "Basic sk-1",
            "Token sk-1",
            "Digest username=\"a\", realm=\"b\"",
        ] {
            assert_eq!(key(value, true), None, "{value}");
            assert_eq!(key(value, false), Some(value));
        }
    }

    #[test]
    fn a_scheme_is_a_token() {
        for name in [
            "", " ", "a b", "Bearer ", "Bearer:", "é", "a,b", "a\n", "a=b", "\"a\"",
        ] {
            assert_eq!(Scheme::new(name), Err(ConfigError::Scheme), "{name}");
        }
    }

    #[test]
    fn schemes_are_not_empty_and_have_no_duplicates() {
        for names in [&[][..], &["a", "A"], &["a", "b", "a"]] {
            assert_eq!(check_schemes(&schemes(names)), Err(ConfigError::Schemes));
        }
        assert_eq!(check_schemes(&schemes(&["a", "b"])), Ok(()));
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_skipped(value in "\\PC{0,20}") {
            for on_authorization in [true, false] {
                let _ = (bearer_token(&value, on_authorization), key(&value, on_authorization));
            }
        }
    }
}
