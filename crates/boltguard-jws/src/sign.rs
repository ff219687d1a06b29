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

/// Signs with one key, under one header that is written beforehand.
///
/// ```
/// use boltguard_jws::{HeaderFields, Signer, UnverifiedJws};
/// use boltguard_keys::{Algorithm, Key, SigningKey};
///
/// let key = SigningKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?;
/// let signer = Signer::new(key.clone(), &HeaderFields::new());
/// let token = signer.sign(b"hello")?;
/// assert_eq!(UnverifiedJws::parse(&token)?.verify(key.verifying_key())?.payload(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signer {
    key: SigningKey,
    /// The first segment and the dot behind it.
    front: Box<str>,
}

impl Signer {
    /// Writes the header.
    #[must_use]
    pub fn new(key: SigningKey, header: &HeaderFields) -> Self {
        let front = format!("{}.", header.encode_for(&key)).into();
        Self { key, front }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs `payload` and returns the token.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the system gives no randomness or the key can't sign.
    pub fn sign(&self, payload: &[u8]) -> Result<String, SignError> {
        let mut token = String::with_capacity(self.front.len() + base64_len(payload.len()) + ROOM);
        token.push_str(&self.front);
        base64url::encode_into(payload, &mut token);
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        base64url::encode_into(signature, &mut token);
        Ok(token)
    }
}

const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// A dot and a signature of 64 bytes; for a longer one the text grows once more.
const ROOM: usize = 1 + base64_len(64);

/// Signs `payload` with `key` and returns the token; a [`Signer`] writes the header only once.
///
/// # Errors
///
/// [`SignError`] if the system gives no randomness or the key can't sign.
pub fn sign(payload: &[u8], header: &HeaderFields, key: &SigningKey) -> Result<String, SignError> {
    Signer::new(key.clone(), header).sign(payload)
}
