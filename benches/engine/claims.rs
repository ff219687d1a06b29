//! The claims of all tokens in the benchmarks, which are the same as in `python/claims.py`.

use std::time::Duration;

use boltguard::jws::{HeaderFields, sign};
use boltguard::keys::SigningKey;
use boltguard::types::NumericDate;
use serde::{Deserialize, Serialize};

/// The numbers of permissions in tokens.
pub(crate) const SIZES: [usize; 3] = [0, 10, 200];

pub(crate) const SUBJECT: &str = "42";
pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const TOKEN_ID: &str = "0190f5a2-7c3e-7b1d-9f00-4d6c0e5b7a21";
pub(crate) const USERNAME: &str = "ada";

/// An hour before [`now`], and in the past for libraries that read the system clock.
pub(crate) const ISSUED: u64 = 1_760_000_000;
/// The end of the century.
pub(crate) const EXPIRES: u64 = 4_102_444_800;
/// The lifetime of issued tokens.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

pub(crate) fn now() -> NumericDate {
    NumericDate::from_secs(1_760_003_600)
}

/// Returns the name of a permission, as in Django.
pub(crate) fn permission(number: usize) -> String {
    const ACTIONS: [&str; 4] = ["add", "change", "delete", "view"];
    format!(
        "{}.{}_model{:03}",
        ["blog", "shop", "stock"][number % 3],
        ACTIONS[number % 4],
        number
    )
}

pub(crate) fn permissions(count: usize) -> Vec<String> {
    (0..count).map(permission).collect()
}

/// The claims as a type, as a service would declare it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Typed {
    pub(crate) sub: String,
    pub(crate) iss: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    pub(crate) is_staff: bool,
    pub(crate) is_superuser: bool,
    pub(crate) username: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) permissions: Vec<String>,
}

impl Typed {
    pub(crate) fn new(permissions: Vec<String>) -> Self {
        Self {
            sub: SUBJECT.to_owned(),
            iss: ISSUER.to_owned(),
            iat: ISSUED,
            exp: EXPIRES,
            jti: TOKEN_ID.to_owned(),
            is_staff: false,
            is_superuser: false,
            username: USERNAME.to_owned(),
            permissions,
        }
    }
}

/// Returns the claims as JSON.
pub(crate) fn json(size: usize) -> String {
    serde_json::to_string(&Typed::new(permissions(size))).expect("the claims can be serialized")
}

pub(crate) fn token(size: usize, key: &SigningKey) -> String {
    signed(&json(size), key)
}

/// Returns tokens with different IDs.
pub(crate) fn tokens(count: usize, size: usize, key: &SigningKey) -> Vec<String> {
    let json = json(size);
    let numbered =
        |number| json.replace(TOKEN_ID, &format!("0190f5a2-7c3e-7b1d-9f00-{number:012x}"));
    (0..count)
        .map(|number| signed(&numbered(number), key))
        .collect()
}

fn signed(json: &str, key: &SigningKey) -> String {
    sign(json.as_bytes(), &HeaderFields::new(), key).expect("the key can sign")
}
