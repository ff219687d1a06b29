//! The class of a token: an access token, or another class,
//! [RFC 8725 §3.12](https://www.rfc-editor.org/rfc/rfc8725#section-3.12).
//!
//! Issuers often sign refresh tokens, ID tokens and logout tokens with the same key as access tokens. The header's
//! `typ` and the following claims distinguish them.
//!
//! | issuer | claim and values |
//! | --- | --- |
//! | simplejwt, ninja-jwt | `token_type`: `access`, `refresh`, `sliding` |
//! | Keycloak | `typ`: `Bearer`, `Refresh`, `Offline`, `ID`, `Logout` |
//! | Amazon Cognito, allauth | `token_use`: `access`, `id`, `refresh` |
//! | Flask-JWT-Extended | `type`: `access`, `refresh` |
//! | OpenID Connect back-channel logout, RFC 8417 | `events`, an object whose member names are URIs |

use boltguard_encoding::json::Reader;

use crate::claims::Body;
use crate::field::{Claim, Field, Marks, Span};

/// The claims that name the class of a token.
pub(crate) const LABELS: [Claim; 5] = [
    Claim::Events,
    Claim::TokenType,
    Claim::TokenUse,
    Claim::Typ,
    Claim::Type,
];

/// The same claims as a set.
pub(crate) const LABELED: Marks = Marks::of(&LABELS);

/// Returns whether a label names a class of tokens other than access tokens.
///
/// Case, a leading `application/`, and a trailing `+jwt` or `token` are ignored.
#[inline]
pub(crate) fn is_other_class(label: &str) -> bool {
    // The labels of nearly all tokens.
    if matches!(label, "JWT" | "access" | "Bearer") {
        return false;
    }
    names_other_class(label)
}

fn names_other_class(label: &str) -> bool {
    let label = label.trim().to_ascii_lowercase();
    let label = label.strip_prefix("application/").unwrap_or(&label);
    let label = label.strip_suffix("+jwt").unwrap_or(label);
    let name = label.strip_suffix("token").unwrap_or(label);
    OTHER_CLASSES.contains(&name.trim_end_matches(['_', '-', ' ']))
}

const OTHER_CLASSES: [&str; 7] = [
    "dpop", "id", "logout", "offline", "refresh", "secevent", "sliding",
];

impl Body {
    /// Returns the name of the first claim that names another class than access tokens, except those that `is_exempt`.
    #[cold]
    pub(crate) fn other_class(&self, is_exempt: impl Fn(&str) -> bool) -> Option<&'static str> {
        let mut labels = LABELS.iter().filter(|claim| !is_exempt(claim.name()));
        labels
            .find(|claim| self.labels_other_class(**claim))
            .map(|claim| claim.name())
    }

    /// Returns one of [`LABELS`].
    #[inline]
    pub(crate) fn label(&self, claim: Claim) -> Field<Span> {
        self.registered.field(claim, self.label_span(claim))
    }

    /// Returns the position of a label: a string without its quotes, or another value.
    #[inline]
    fn label_span(&self, claim: Claim) -> Span {
        if self.registered.present.and(LABELED).is_one() {
            self.registered.label
        } else {
            self.find_label(claim).unwrap_or_default()
        }
    }

    #[cold]
    fn find_label(&self, claim: Claim) -> Option<Span> {
        let value = self.get(claim.name())?;
        let quotes = usize::from(!self.registered.is_mistyped(claim));
        let start = value.as_ptr() as usize - self.payload.as_ptr() as usize;
        Some(Span::of_range(start + quotes..start + value.len() - quotes))
    }

    fn labels_other_class(&self, claim: Claim) -> bool {
        let value = match self.label(claim) {
            Field::Absent => return false,
            Field::Mistyped => None,
            Field::Value(span) => Some(self.text(span)),
        };
        match (claim, value) {
            (Claim::Events, _) => self.has_security_events(),
            (_, Some(label)) => is_other_class(&label),
            // A claim with such a common name can have any meaning if it isn't a string.
            (Claim::Type, None) => false,
            // An unreadable label could name any class; `null` counts as absent.
            (_, None) => self.raw(self.label_span(claim)) != "null",
        }
    }

    /// Returns whether `events` is the claim of a security event token,
    /// [RFC 8417 §2.2](https://www.rfc-editor.org/rfc/rfc8417#section-2.2): an object whose member names are URIs,
    /// such as `http://schemas.openid.net/event/backchannel-logout`.
    fn has_security_events(&self) -> bool {
        let mut has_uri = false;
        let events = self.raw(self.label_span(Claim::Events));
        let read = Reader::new(events).object(|reader, name| {
            let name = name.to_text();
            has_uri |= name.contains("://") || name.starts_with("urn:");
            reader.skip()
        });
        read.is_ok_and(|()| has_uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_classes_are_recognised_in_any_spelling() {
        for label in [
            "refresh",
            "Refresh",
            "REFRESH",
            " refresh ",
            "refresh_token",
            "refresh-token",
            "RefreshToken",
            "refresh+jwt",
            "application/refresh+JWT",
            "Application/Refresh",
            "id",
            "ID",
            "id_token",
            "logout",
            "Logout",
            "logout+jwt",
            "logout_token",
            "offline",
            "Offline",
            "sliding",
            "secevent+jwt",
            "dpop+jwt",
        ] {
            assert!(is_other_class(label), "{label}");
        }
    }

    #[test]
    fn access_and_unknown_labels_are_accepted() {
        for label in [
            "",
            "JWT",
            "jwt",
            "access",
            "Access",
            "access_token",
            "Bearer",
            "bearer",
            "at+jwt",
            "application/at+jwt",
            "token",
            "refreshed",
            "identity",
            "idx",
            "pre-refresh",
            "user",
        ] {
            assert!(!is_other_class(label), "{label}");
        }
    }
}
