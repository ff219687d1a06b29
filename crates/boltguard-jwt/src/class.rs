//! What a token says it is: an access token, or one of another class,
//! [RFC 8725 §3.12](https://www.rfc-editor.org/rfc/rfc8725#section-3.12).
//!
//! An issuer often signs refresh tokens, ID tokens and logout tokens with the key of its access tokens. They are told
//! apart by what they call themselves: the header's `typ`, and the claims that follow.
//!
//! | issuer | says |
//! | --- | --- |
//! | simplejwt, ninja-jwt | `token_type`: `access`, `refresh`, `sliding` |
//! | Keycloak | `typ`: `Bearer`, `Refresh`, `Offline`, `ID`, `Logout` |
//! | Amazon Cognito, allauth | `token_use`: `access`, `id`, `refresh` |
//! | Flask-JWT-Extended | `type`: `access`, `refresh` |
//! | OpenID Connect back-channel logout, RFC 8417 | `events`, an object with URIs for names |

use boltguard_encoding::json::Reader;

use crate::claims::Body;
use crate::field::{Claim, Field, Marks, Span};

/// The claims that say what a token is.
pub(crate) const LABELS: [(Claim, &str); 5] = [
    (Claim::Events, "events"),
    (Claim::TokenType, "token_type"),
    (Claim::TokenUse, "token_use"),
    (Claim::Typ, "typ"),
    (Claim::Type, "type"),
];

/// The same as marks.
pub(crate) const LABELED: Marks = Marks::of(&[
    Claim::Events,
    Claim::TokenType,
    Claim::TokenUse,
    Claim::Typ,
    Claim::Type,
]);

/// Whether a `typ`, or a claim in its place, names a class of tokens other than access tokens. Case, a leading
/// `application/`, and a trailing `+jwt` or `token` make no difference.
#[inline]
pub(crate) fn is_other_class(label: &str) -> bool {
    // What nearly all tokens say.
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
    /// The claim by which this token calls itself something else than an access token; those that `is_exempt` are not
    /// considered.
    #[cold]
    pub(crate) fn other_class(&self, is_exempt: impl Fn(&str) -> bool) -> Option<&'static str> {
        let mut labels = LABELS.iter().filter(|(_, name)| !is_exempt(name));
        labels
            .find(|(claim, _)| self.labels_other_class(*claim))
            .map(|(_, name)| *name)
    }

    /// One of [`LABELS`].
    #[inline]
    pub(crate) fn label(&self, claim: Claim) -> Field<Span> {
        self.registered.field(claim, self.label_span(claim))
    }

    /// Where a label stands: a string without its quotes, or another value.
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
        let (_, name) = LABELS.iter().find(|(label, _)| *label == claim)?;
        let value = self.get(name)?;
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
            // A name as common as this one may mean anything where it isn't a string.
            (Claim::Type, None) => false,
            // A class that can't be read may be any; `null` counts as absent.
            (_, None) => self.raw(self.label_span(claim)) != "null",
        }
    }

    /// Whether `events` is that of a security event token, [RFC 8417 §2.2](https://www.rfc-editor.org/rfc/rfc8417#section-2.2):
    /// an object whose members are named by URIs, as `http://schemas.openid.net/event/backchannel-logout` is.
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
    fn names_of_other_classes_are_known_in_any_spelling() {
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
    fn access_tokens_and_unknown_names_are_no_other_class() {
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
