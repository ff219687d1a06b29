//! References to keys, which are in documents instead of the keys.

use std::fmt;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

/// Where a key is: `{"env": "JWT_KEY"}`, for example.
///
/// The key itself is never part of a document. `Debug` only shows the kind, in case it is there by mistake.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyReference {
    /// In the JWK Set that the OpenID Connect configuration of this issuer names.
    Discover(String),
    /// In the environment variable of this name.
    Env(String),
    /// In the file of this path.
    File(String),
    /// In the JWK Set at this `https:` URL.
    Jwks(String),
}

impl KeyReference {
    /// Returns the name of the member that contains the reference.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Discover(_) => "discover",
            Self::Env(_) => "env",
            Self::File(_) => "file",
            Self::Jwks(_) => "jwks",
        }
    }
}

impl fmt::Debug for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyReference({})", self.kind())
    }
}

impl<'de> Deserialize<'de> for KeyReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let member = Member::deserialize(deserializer)?;
        member
            .reference()
            .ok_or_else(|| D::Error::custom(NOT_A_REFERENCE))
    }
}

/// Deserializes a list of references.
pub(super) fn key_references<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<KeyReference>, D::Error> {
    let Members::List(members) = Members::deserialize(deserializer)? else {
        return Err(D::Error::custom(format_args!("keys: {NOT_A_REFERENCE}")));
    };
    let references = members.into_iter().map(Member::reference).enumerate();
    let check = |(index, reference): (usize, Option<KeyReference>)| {
        let message = format_args!("keys[{index}]: {NOT_A_REFERENCE}");
        reference.ok_or_else(|| D::Error::custom(message))
    };
    references.map(check).collect()
}

/// The list. The errors of an untagged type don't contain the value, which may be a key.
#[derive(Deserialize)]
#[serde(untagged)]
enum Members {
    List(Vec<Member>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Member {
    Reference(Reference),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reference {
    Discover(String),
    Env(String),
    File(String),
    Jwks(String),
}

impl Member {
    fn reference(self) -> Option<KeyReference> {
        match self {
            Self::Reference(Reference::Discover(issuer)) => Some(KeyReference::Discover(issuer)),
            Self::Reference(Reference::Env(name)) => Some(KeyReference::Env(name)),
            Self::Reference(Reference::File(path)) => Some(KeyReference::File(path)),
            Self::Reference(Reference::Jwks(url)) => Some(KeyReference::Jwks(url)),
            Self::Other(_) => None,
        }
    }
}

const NOT_A_REFERENCE: &str = r#"expected references to keys, which aren't part of the document, such as [{"env": "JWT_KEY"}]; each has one of `env`, `file`, `jwks` and `discover`"#;
