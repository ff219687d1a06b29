//! Making tokens, [RFC 7515 §5.1](https://www.rfc-editor.org/rfc/rfc7515#section-5.1).

use boltguard_encoding::base64url;
use boltguard_keys::{SignError, SigningKey};
use serde_json::{Map, Value};

/// The header parameters beside `alg`, which the key decides.
///
/// `typ` is `JWT` unless told otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderFields {
    fields: Map<String, Value>,
}

impl Default for HeaderFields {
    fn default() -> Self {
        Self::new()
    }
}

impl HeaderFields {
    /// `typ` alone, which is `JWT`.
    #[must_use]
    pub fn new() -> Self {
        Self::bare().with("typ", "JWT")
    }

    /// No parameter at all.
    #[must_use]
    pub fn bare() -> Self {
        Self { fields: Map::new() }
    }

    /// Sets a parameter. `alg` is the key's own and can't be set: it is passed over.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if name != "alg" {
            self.fields.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The first segment of a token that `key` signs; the key's own `kid` is written unless one was set.
    #[must_use]
    pub fn encode_for(&self, key: &SigningKey) -> String {
        let mut json = format!("{{\"alg\":\"{}\"", key.algorithm().name());
        if let (Some(kid), false) = (key.key_id(), self.fields.contains_key("kid")) {
            push_member(&mut json, "kid", &Value::from(kid.as_str()));
        }
        for (name, value) in &self.fields {
            push_member(&mut json, name, value);
        }
        json.push('}');
        base64url::encode(json)
    }
}

fn push_member(json: &mut String, name: &str, value: &Value) {
    json.push_str(&format!(",{}:{value}", Value::from(name)));
}

/// Signs `payload` with `key` and returns the token.
///
/// # Errors
///
/// [`SignError`] if the system gives no randomness or the key can't sign.
pub fn sign(payload: &[u8], header: &HeaderFields, key: &SigningKey) -> Result<String, SignError> {
    let mut token = header.encode_for(key);
    token.push('.');
    base64url::encode_into(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    base64url::encode_into(signature, &mut token);
    Ok(token)
}
