//! The settings of backends.

use std::collections::BTreeMap;

use boltguard_grants::ClaimValue;
use serde::{Deserialize, Serialize};

use super::KeyReference;
use super::key_reference::key_references;

/// The settings of a backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum BackendSettings {
    /// A backend for API keys.
    ApiKey(ApiKeySettings),
    /// A backend for JWTs.
    Jwt(Box<JwtSettings>),
}

/// The settings of an [`ApiKeyBackend`](crate::ApiKeyBackend), whose keys the service provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApiKeySettings {
    /// The name for guards. The default is `api_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The header. The default is `x-api-key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The authentication schemes. The default is `ApiKey`, and `Bearer`, which isn't in challenges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemes: Option<Vec<String>>,
}

/// The settings of a [`JwtBackend`](crate::JwtBackend).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JwtSettings {
    /// The name for guards. The default is `jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The keys. Those of another issuer can't be combined with others.
    #[serde(deserialize_with = "key_references")]
    pub keys: Vec<KeyReference>,
    /// The allowed algorithms.
    pub algorithms: Vec<String>,
    /// The accepted issuers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Vec<String>>,
    /// The accepted audiences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// The allowed difference between clocks, in seconds. The default is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub leeway: f64,
    /// The largest age of tokens, in seconds since `iat`. The default is any age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<f64>,
    /// The header. The default is `authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The authentication schemes. The default is `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemes: Option<Vec<String>>,
    /// The cookie from which tokens are also read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<CookieSettings>,
    /// The required claims. The default is `exp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_claims: Option<Vec<String>>,
    /// Claims with the values that are accepted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<SettingValue>>,
    /// The claim with the user's ID. The default is `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id_claim: Option<String>,
    /// Whether tokens require a user's ID. The default is `true`.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub subject_required: bool,
    /// The paths of the claims with permissions. The default is `permissions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_from: Option<Vec<String>>,
    /// The paths of the claims with OAuth scopes. The default is `scope` and `scp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes_from: Option<Vec<String>>,
    /// The paths of the claims with roles. By default, tokens have no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles_from: Option<Vec<String>>,
    /// The required `typ` of the header of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// Where revoked tokens are stored. The default is `none`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revocation: RevocationSetting,
    /// How tokens are treated if that store is unavailable. The default is `deny`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_store_error: StoreErrorSetting,
    /// How many verified tokens are cached. The default is 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cached_tokens: usize,
}

/// The settings of a [`TokenCookie`](crate::TokenCookie).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CookieSettings {
    /// The name of the cookie.
    pub name: String,
    /// Whether tokens are only accepted in the cookie, and none in a header.
    #[serde(default, skip_serializing_if = "is_default")]
    pub only: bool,
    /// The origins, besides that of the request, whose pages may make unsafe requests with the cookie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_origins: Vec<String>,
}

/// The value of a claim: a boolean, an integer or a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum SettingValue {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A string.
    String(String),
}

impl SettingValue {
    pub(super) fn to_claim_value(&self) -> ClaimValue {
        match self {
            Self::Bool(value) => ClaimValue::Bool(*value),
            Self::Integer(value) => ClaimValue::Integer(*value),
            Self::String(value) => ClaimValue::String(value.as_str().into()),
        }
    }
}

/// Where revoked tokens are stored, see [`Revocation`](crate::Revocation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationSetting {
    /// In a store that the service queries.
    External,
    /// In a store of the process, which the service provides.
    Memory,
    /// Not stored. Tokens stay valid until they expire.
    #[default]
    None,
}

/// How tokens are treated if the store is unavailable, see [`StoreFailurePolicy`](crate::StoreFailurePolicy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreErrorSetting {
    /// They are accepted, even if they are revoked.
    Allow,
    /// The request is refused with 503.
    #[default]
    Deny,
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
