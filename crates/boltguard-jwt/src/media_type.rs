//! The media type of a token, [RFC 7515 §4.1.9](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9).

/// Compares media types, ignoring ASCII case and an omitted `application/`.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    without_application(a).eq_ignore_ascii_case(without_application(b))
}

/// Removes the prefix `application/`, which may be omitted if no other slash follows.
fn without_application(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => media_type,
    }
}
