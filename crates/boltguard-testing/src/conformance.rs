//! Tokens of which the RFCs determine whether they are accepted, see `vectors/README.md`.

use std::time::Duration;

use boltguard_grants::Requirements;
use boltguard_jws::Verifier;
use boltguard_jwt::{Claims, ClaimsPolicy};
use boltguard_keys::{Algorithm, Jwk, Key, KeySet, Secret, VerifyingKey};
use boltguard_types::NumericDate;
use serde::Deserialize;
use serde_json::{Number, Value};

/// A token, the key and the settings that it is verified with, and the expected result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// A unique name.
    pub id: String,
    /// The group of similar rows.
    pub category: String,
    /// The string to verify.
    pub token: String,
    /// The key or the keys.
    pub key: KeyMaterial,
    /// The names of the allowed algorithms.
    pub algorithms: Vec<String>,
    /// The other settings.
    pub options: Options,
    /// Whether the token is accepted.
    pub expect: Expectation,
    /// The claims of an accepted token.
    pub claims: Option<Value>,
    /// A sentence that cites the RFC.
    pub reason: String,
}

/// The key of a [`Row`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyMaterial {
    /// The format of the value.
    pub kind: KeyKind,
    /// The key, which may be malformed.
    pub value: Value,
}

/// The format of a key.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// A JWK.
    Jwk,
    /// A JWK Set.
    Jwks,
    /// A public key as PEM.
    Pem,
    /// A secret as a string.
    Secret,
    /// A secret as base64url.
    #[serde(rename = "secret_b64url")]
    SecretBase64Url,
}

/// The settings of a [`Row`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The accepted audiences.
    pub audience: Option<OneOrMore>,
    /// The accepted issuers.
    pub issuer: Option<OneOrMore>,
    /// The allowed difference between clocks, in seconds.
    pub leeway: u64,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// The names of required claims.
    pub required: Vec<String>,
    /// The media type in the header.
    pub typ: Option<String>,
}

/// A string or a list of strings.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// A string.
    One(String),
    /// A list of strings.
    More(Vec<String>),
}

/// The expected result of a [`Row`].
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// The token is accepted.
    Accept,
    /// The token is rejected.
    Reject,
}

/// How a decision compares with the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another decision than expected: the token was accepted.
    Accepted,
    /// The token was accepted as expected, but with other claims.
    OtherClaims,
    /// Another decision than expected: the token was rejected.
    Rejected,
    /// The same decision and claims.
    Same,
}

/// Returns the rows.
///
/// # Panics
///
/// If the file is malformed.
#[must_use]
pub fn rows() -> Vec<Row> {
    let lines = include_str!("../vectors/conformance.jsonl").lines();
    let row = |line| serde_json::from_str(line).expect("each line is a row");
    lines.map(row).collect()
}

impl OneOrMore {
    /// Returns the strings.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

impl KeyMaterial {
    /// Returns the string, or the JSON of another value.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl Row {
    /// Returns whether the decision is one that an RFC permits, but doesn't require.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.reason.starts_with("Policy (strict default)")
    }

    /// Compares a decision with the expected one. An accepted token has claims.
    #[must_use]
    pub fn judge(&self, claims: Option<&Value>) -> Verdict {
        match (self.expect, claims) {
            (Expectation::Accept, Some(found)) => match &self.claims {
                Some(expected) if is_same(expected, found) => Verdict::Same,
                _ => Verdict::OtherClaims,
            },
            (Expectation::Accept, None) => Verdict::Rejected,
            (Expectation::Reject, Some(_)) => Verdict::Accepted,
            (Expectation::Reject, None) => Verdict::Same,
        }
    }

    /// Verifies the token with Boltguard, and returns its claims if it is accepted.
    #[must_use]
    pub fn admit(&self) -> Option<Value> {
        let algorithms = self.algorithms.iter().map(|name| name.parse());
        let algorithms: Vec<Algorithm> = algorithms.collect::<Result<_, _>>().ok()?;
        let verifier = Verifier::new(self.key_set(&algorithms)?);
        let jws = verifier.verify(&self.token).ok()?;
        let claims = Claims::read(jws, &Requirements::new()).ok()?;
        let now = NumericDate::from_secs(i64::try_from(self.options.now).ok()?);
        let admitted = self.options.policy().admit(claims, now).ok()?;
        serde_json::from_str(admitted.as_json()).ok()
    }

    fn key_set(&self, algorithms: &[Algorithm]) -> Option<KeySet> {
        let text = self.key.text();
        let key = match self.key.kind {
            KeyKind::Jwk => {
                let jwk = Jwk::parse(text).ok()?;
                return KeySet::from_jwk(&jwk, algorithms).ok();
            }
            KeyKind::Jwks => return KeySet::from_jwks(text, algorithms).ok(),
            KeyKind::Pem => Key::from_pem(text).ok()?,
            KeyKind::Secret => Key::Secret(Secret::new(text.as_bytes()).ok()?),
            KeyKind::SecretBase64Url => Key::Secret(Secret::from_base64url(&text).ok()?),
        };
        let served = algorithms
            .iter()
            .filter(|algorithm| key.serves(**algorithm));
        let keys = served.map(|algorithm| VerifyingKey::new(&key, *algorithm));
        Some(KeySet::new(keys.collect::<Result<Vec<_>, _>>().ok()?))
    }
}

impl Options {
    fn policy(&self) -> ClaimsPolicy {
        let mut policy = ClaimsPolicy::new()
            .with_required(self.required.iter().map(String::as_str))
            .with_leeway(Duration::from_secs(self.leeway));
        if let Some(audience) = &self.audience {
            policy = policy.with_audience(audience.as_slice());
        }
        if let Some(issuer) = &self.issuer {
            policy = policy.with_issuer(issuer.as_slice());
        }
        match &self.typ {
            Some(typ) => policy.with_type(typ),
            None => policy,
        }
    }
}

fn is_same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(expected), Value::Object(found)) => {
            let has = |(name, value)| found.get(name).is_some_and(|found| is_same(value, found));
            expected.len() == found.len() && expected.iter().all(has)
        }
        (Value::Number(expected), Value::Number(found)) => is_same_number(expected, found),
        _ => expected == found,
    }
}

/// Compares integers of 64 bits exactly, and other numbers as doubles.
fn is_same_number(expected: &Number, found: &Number) -> bool {
    if !expected.is_f64() && !found.is_f64() {
        return expected == found;
    }
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => (expected - found).abs() <= expected.abs() * 1e-15,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(expected: &Value, found: &Value, is_expected: bool) {
        assert_eq!(is_same(expected, found), is_expected, "{expected} {found}");
    }

    #[test]
    fn numbers_are_compared_by_value() {
        check(&json!([1, {"a": 2}]), &json!([1.0, {"a": 2}]), true);
        check(&json!(u64::MAX), &json!(u64::MAX - 1), false);
        check(&json!(0.1), &json!(0.3), false);
    }

    #[test]
    fn members_are_neither_added_nor_omitted() {
        check(&json!({"a": 1}), &json!({"a": 1, "b": 1}), false);
        check(&json!({"a": 1, "b": null}), &json!({"a": 1}), false);
        check(&json!([1]), &json!([1, 1]), false);
    }

    #[test]
    fn decisions_are_compared_with_the_expected_ones() {
        let rows = rows();
        let row = |expect| rows.iter().find(|row| row.expect == expect);
        let (accept, reject) = (Expectation::Accept, Expectation::Reject);
        let claims = json!({});
        let verdict = |expect, claims| row(expect).map(|row| row.judge(claims));
        assert_eq!(verdict(accept, None), Some(Verdict::Rejected));
        assert_eq!(verdict(accept, Some(&claims)), Some(Verdict::OtherClaims));
        assert_eq!(verdict(reject, None), Some(Verdict::Same));
        assert_eq!(verdict(reject, Some(&claims)), Some(Verdict::Accepted));
    }
}
