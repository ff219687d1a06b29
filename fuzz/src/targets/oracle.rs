//! The same questions put to `serde_json`, by code that does not mind the cost.

use std::fmt;

use boltguard::grants::Identity;
use boltguard::jws::JwsError;
use boltguard::keys::Algorithm;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// The members of the object that these bytes are, if they are one that is read: in UTF-8, its names distinct, and
/// not nested too deep.
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

/// How many arrays and objects are nested.
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

/// What a header of these bytes says: its algorithm, `kid` and `typ`.
pub(super) fn header(
    bytes: &[u8],
) -> Result<(Algorithm, Option<String>, Option<String>), JwsError> {
    let members = members(bytes).ok_or(JwsError::HeaderInvalid)?;
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwsError::HeaderInvalid),
    };
    let (alg, kid) = (text("alg")?, text("kid")?);
    if members.contains_key("crit")
        || members
            .get("b64")
            .is_some_and(|value| *value != Value::Bool(true))
    {
        return Err(JwsError::CriticalHeader);
    }
    let algorithm = Algorithm::ALL
        .iter()
        .find(|known| Some(known.name()) == alg.as_deref());
    let algorithm = *algorithm.ok_or(JwsError::AlgorithmNotAllowed)?;
    Ok((
        algorithm,
        kid,
        members.get("typ").and_then(Value::as_str).map(String::from),
    ))
}

/// The grants in claims.
pub(super) fn identity(claims: &Map<String, Value>) -> Identity {
    let identity = Identity::new("", "jwt")
        .with_permissions(listed_permissions(claims))
        .with_scopes(scopes(claims));
    claims.iter().fold(identity, |identity, (name, value)| {
        identity.with_claim(name, value.clone())
    })
}

/// What `permissions` lists: the strings of a list, or the words of a string.
pub(super) fn listed_permissions(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("permissions") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => words(text).collect(),
        _ => Vec::new(),
    }
}

/// The words of `scope` and `scp`, and of each string in them.
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

/// The claims that are meant to grant something and are not of a type that does.
pub(super) fn ignored_grants(claims: &Map<String, Value>) -> Vec<&'static str> {
    let grants = ["permissions", "scope", "scp"].into_iter();
    let ignored = grants.filter(|name| match claims.get(*name) {
        None | Some(Value::Null | Value::String(_)) => false,
        Some(Value::Array(list)) => !list.iter().all(Value::is_string),
        Some(_) => true,
    });
    ignored.collect()
}

/// What a service asks of claims.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) audience: bool,
    pub(super) issuer: bool,
    pub(super) needs_exp: bool,
    pub(super) needs_type: bool,
    pub(super) leeway: u32,
    pub(super) by_uid: bool,
}

/// The names that [`Rules`] look for.
pub(super) const AUDIENCE: [&str; 2] = ["shop", "till"];
pub(super) const ISSUERS: [&str; 2] = ["https://id.example", "https://login.example"];
pub(super) const MEDIA_TYPE: &str = "at+jwt";

impl Rules {
    /// Whether claims with this media type are admitted at `now`.
    pub(super) fn admit(
        self,
        claims: &Map<String, Value>,
        media_type: Option<&str>,
        now: f64,
    ) -> bool {
        self.type_fits(media_type) && self.dates_fit(claims, now) && self.names_fit(claims)
    }

    fn type_fits(self, media_type: Option<&str>) -> bool {
        let short = media_type.map(str::to_ascii_lowercase);
        !self.needs_type
            || short.is_some_and(|found| {
                found == MEDIA_TYPE || found == format!("application/{MEDIA_TYPE}")
            })
    }

    fn dates_fit(self, claims: &Map<String, Value>, now: f64) -> bool {
        let leeway = f64::from(self.leeway);
        let holds = |name: &str, test: &dyn Fn(f64) -> bool| match claims.get(name) {
            None => true,
            Some(Value::Number(date)) => date.as_f64().is_some_and(test),
            Some(_) => false,
        };
        (!self.needs_exp || claims.contains_key("exp"))
            && holds("exp", &|exp| now < exp + leeway)
            && holds("nbf", &|nbf| now + leeway >= nbf)
            && holds("iat", &|_| true)
    }

    fn names_fit(self, claims: &Map<String, Value>) -> bool {
        let is_text = |name: &str| claims.get(name).is_none_or(Value::is_string);
        let issuer = claims.get("iss").and_then(Value::as_str);
        ["sub", "jti", "iss"].into_iter().all(is_text)
            && (!self.issuer || issuer.is_some_and(|issuer| ISSUERS.contains(&issuer)))
            && self.audience_fits(claims.get("aud"))
            && (!self.by_uid || claims.get("uid").is_some_and(is_id))
    }

    fn audience_fits(self, audience: Option<&Value>) -> bool {
        let named = |text: &Value| text.as_str().is_some_and(|text| AUDIENCE.contains(&text));
        match audience {
            None => !self.audience,
            Some(Value::Array(list)) => {
                self.audience && list.iter().all(Value::is_string) && list.iter().any(named)
            }
            Some(one) => self.audience && named(one),
        }
    }
}

/// A string that isn't empty, or a whole number. `serde_json` doesn't keep how a number beyond 64 bits was written, so
/// such numbers are not ids here.
fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty()) || value.is_i64() || value.is_u64()
}
