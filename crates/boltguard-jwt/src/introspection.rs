//! Claims as the response of token introspection, [RFC 7662](https://www.rfc-editor.org/rfc/rfc7662).

use boltguard_encoding::json::write::{push_member, push_name};

use crate::AdmittedClaims;

impl AdmittedClaims {
    /// Returns the response of token introspection for a token with these claims, [RFC 7662
    /// §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2): a JSON object with `"active": true`.
    ///
    /// The members are `scope` (of the claims `scope` and `scp`), `client_id`, `username`, `token_type`, `exp`, `iat`,
    /// `nbf`, `sub`, `aud`, `iss`, `jti` and `sid`. Claims that are missing or have another type are omitted. No other
    /// claim is included.
    ///
    /// Check first that the token isn't revoked.
    #[must_use]
    pub fn introspection(&self) -> String {
        let mut json = String::from(r#"{"active":true"#);
        let scopes = self.scopes();
        if !scopes.is_empty() {
            push_member(&mut json, "scope", &scopes.join(" "));
        }
        push_member(&mut json, "token_type", "Bearer");
        for (name, is_allowed) in MEMBERS {
            if let Some(value) = self.get(name).filter(|value| is_allowed(value)) {
                push_name(&mut json, name);
                json.push_str(value);
            }
        }
        json.push('}');
        json
    }
}

/// The claims that are included, each if the first byte of its JSON says that it has the right type.
const MEMBERS: [(&str, IsAllowed); 10] = [
    ("client_id", is_string),
    ("username", is_string),
    ("exp", is_number),
    ("iat", is_number),
    ("nbf", is_number),
    ("sub", is_string),
    ("aud", is_string_or_list),
    ("iss", is_string),
    ("jti", is_string),
    ("sid", is_string),
];

/// Whether a claim with this JSON has the right type.
type IsAllowed = fn(&str) -> bool;

fn is_string(json: &str) -> bool {
    json.starts_with('"')
}

fn is_number(json: &str) -> bool {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn is_string_or_list(json: &str) -> bool {
    is_string(json) || json.starts_with('[')
}
