//! A naive implementation with `serde_json`, which the targets compare results with.

use std::fmt;

use boltguard::grants::Identity;
use boltguard::jws::JwsError;
use boltguard::keys::Algorithm;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The maximum nesting depth.
const MAX_DEPTH: usize = 64;

/// Parses an object. Returns `None` if it isn't valid UTF-8, contains duplicate names, or is nested too deeply.
pub(super) fn members(bytes: &[u8]) -> Option<Map<String, Value>> {
    let Members(members) = serde_json::from_slice(bytes).ok()?;
    let mut map = Map::new();
    for (name, value) in members {
        if depth(&value) >= MAX_DEPTH || map.insert(name, value).is_some() {
            return None;
        }
    }
    Some(map)
}

/// Returns the nesting depth.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Parses a header, and returns its algorithm, `kid` and `typ`.
pub(super) fn header(
    bytes: &[u8],
) -> Result<(Algorithm, Option<String>, Option<String>), JwsError> {
    let members = members(bytes).ok_or(JwsError::HeaderInvalid)?;
    let string = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.clone())),
        Some(_) => Err(JwsError::HeaderInvalid),
    };
    let (alg, kid) = (string("alg")?, string("kid")?);
    if members.contains_key("crit")
        || members
            .get("b64")
            .is_some_and(|value| *value != Value::Bool(true))
    {
        return Err(JwsError::CriticalHeader);
    }
    let algorithm = Algorithm::ALL
        .iter()
        .find(|algorithm| Some(algorithm.name()) == alg.as_deref());
    let algorithm = *algorithm.ok_or(JwsError::AlgorithmNotAllowed)?;
    Ok((
        algorithm,
        kid,
        members.get("typ").and_then(Value::as_str).map(String::from),
    ))
}

/// Returns the grants in the claims.
pub(super) fn identity(claims: &Map<String, Value>) -> Identity {
    let identity = Identity::new("", "jwt")
        .with_permissions(listed_permissions(claims))
        .with_scopes(scopes(claims));
    claims.iter().fold(identity, |identity, (name, value)| {
        identity.with_claim(name, value.clone())
    })
}

/// Returns the permissions in `permissions`: the strings of an array, or the words of a string.
pub(super) fn listed_permissions(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("permissions") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(string)) => words(string).collect(),
        _ => Vec::new(),
    }
}

/// Returns the words in `scope` and `scp`, which are strings or arrays of strings.
pub(super) fn scopes(claims: &Map<String, Value>) -> Vec<&str> {
    let values = ["scope", "scp"].into_iter();
    let values = values.filter_map(|name| claims.get(name));
    let strings = values.flat_map(|value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text.as_str()],
        _ => Vec::new(),
    });
    strings.flat_map(words).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Returns the claims with grants that are ignored, because they have the wrong type.
pub(super) fn ignored_grants(claims: &Map<String, Value>) -> Vec<&'static str> {
    let grants = ["permissions", "scope", "scp"].into_iter();
    let ignored = grants.filter(|name| match claims.get(*name) {
        None | Some(Value::Null | Value::String(_)) => false,
        Some(Value::Array(list)) => !list.iter().all(Value::is_string),
        Some(_) => true,
    });
    ignored.collect()
}

/// The rules that a service applies to claims.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) audience: bool,
    pub(super) issuer: bool,
    pub(super) needs_exp: bool,
    pub(super) needs_type: bool,
    pub(super) leeway: u32,
    pub(super) by_uid: bool,
}

/// The values that [`Rules`] require.
pub(super) const AUDIENCE: [&str; 2] = ["shop", "till"];
pub(super) const ISSUERS: [&str; 2] = ["https://id.example", "https://login.example"];
pub(super) const MEDIA_TYPE: &str = "at+jwt";

impl Rules {
    /// Returns whether claims with this media type are admitted at `now`.
    pub(super) fn admit(
        self,
        claims: &Map<String, Value>,
        media_type: Option<&str>,
        now: f64,
    ) -> bool {
        self.is_type_valid(media_type)
            && self.are_dates_valid(claims, now)
            && self.are_names_valid(claims)
    }

    fn is_type_valid(self, media_type: Option<&str>) -> bool {
        let lower_case = media_type.map(str::to_ascii_lowercase);
        !self.needs_type
            || lower_case.is_some_and(|found| {
                found == MEDIA_TYPE || found == format!("application/{MEDIA_TYPE}")
            })
    }

    fn are_dates_valid(self, claims: &Map<String, Value>, now: f64) -> bool {
        let leeway = f64::from(self.leeway);
        let passes = |name: &str, test: &dyn Fn(f64) -> bool| match claims.get(name) {
            None => true,
            Some(Value::Number(date)) => date.as_f64().is_some_and(test),
            Some(_) => false,
        };
        (!self.needs_exp || claims.contains_key("exp"))
            && passes("exp", &|exp| now < exp + leeway)
            && passes("nbf", &|nbf| now + leeway >= nbf)
            && passes("iat", &|_| true)
    }

    fn are_names_valid(self, claims: &Map<String, Value>) -> bool {
        let is_string = |name: &str| claims.get(name).is_none_or(Value::is_string);
        let issuer = claims.get("iss").and_then(Value::as_str);
        ["sub", "jti", "iss"].into_iter().all(is_string)
            && (!self.issuer || issuer.is_some_and(|issuer| ISSUERS.contains(&issuer)))
            && self.is_audience_valid(claims.get("aud"))
            && (!self.by_uid || claims.get("uid").is_some_and(is_id))
    }

    fn is_audience_valid(self, audience: Option<&Value>) -> bool {
        let is_expected = |value: &Value| {
            value
                .as_str()
                .is_some_and(|value| AUDIENCE.contains(&value))
        };
        match audience {
            None => !self.audience,
            Some(Value::Array(list)) => {
                self.audience && list.iter().all(Value::is_string) && list.iter().any(is_expected)
            }
            Some(single) => self.audience && is_expected(single),
        }
    }
}

/// Returns whether the value is a non-empty string or an integer. `serde_json` doesn't preserve integers of more than
/// 64 bits, so they are not IDs here.
fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty()) || value.is_i64() || value.is_u64()
}
