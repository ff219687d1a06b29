//! Credentials as a header carries them, [RFC 9110 §11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4).

/// The token in the value of a header; `None` if the value is meant for somebody else.
///
/// On `Authorization` the scheme `Bearer` is required, RFC 6750 §2.1; a header of its own may carry the bare
/// token. Schemes are compared without regard to case, and one or more spaces follow them.
#[inline]
pub(crate) fn token(value: &str, on_authorization: bool) -> Option<&str> {
    match after_scheme(value, b"bearer") {
        None if !on_authorization => Some(value),
        token => token,
    }
}

/// The API key in the value of a header: bare, or behind `ApiKey` or `Bearer`.
#[inline]
pub(crate) fn api_key(value: &str) -> &str {
    after_scheme(value, b"apikey")
        .or_else(|| after_scheme(value, b"bearer"))
        .unwrap_or(value)
}

/// What follows a scheme, which is six small letters.
#[inline]
fn after_scheme<'v>(value: &'v str, scheme: &[u8; 6]) -> Option<&'v str> {
    let (found, rest) = value.split_at_checked(scheme.len())?;
    // With this bit a capital letter is a small one, and nothing else becomes a letter.
    let is_scheme = found
        .as_bytes()
        .first_chunk()
        .map(|letters| letters.map(|b: u8| b | 0x20))
        == Some(*scheme);
    match rest.as_bytes() {
        _ if !is_scheme => None,
        [] => Some(rest),
        [b' ', b' ', ..] => Some(rest.trim_start_matches(' ')),
        [b' ', ..] => Some(&rest[1..]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scheme_is_read_without_regard_to_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"] {
            assert_eq!(token(value, true), Some("a.b.c"), "{value}");
        }
    }

    #[test]
    fn authorization_needs_the_scheme() {
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
            assert_eq!(token(value, true), None, "{value}");
        }
        assert_eq!(token("a.b.c", false), Some("a.b.c"));
        assert_eq!(token("bearer a.b.c", false), Some("a.b.c"));
    }

    #[test]
    fn a_scheme_without_credentials_is_a_bad_credential_and_not_an_absent_one() {
        assert_eq!(token("Bearer", true), Some(""));
        assert_eq!(token("Bearer ", true), Some(""));
    }

    #[test]
    fn an_api_key_is_bare_or_behind_a_scheme() {
        for value in ["sk-1", "ApiKey sk-1", "apikey  sk-1", "Bearer sk-1"] {
            assert_eq!(api_key(value), "sk-1");
        }
        assert_eq!(api_key("Basic sk-1"), "Basic sk-1");
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_passed_over(value in "\\PC{0,20}") {
            let _ = (token(&value, true), token(&value, false), api_key(&value));
        }
    }
}
