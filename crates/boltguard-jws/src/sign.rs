//! Making tokens, [RFC 7515 §5.1](https://www.rfc-editor.org/rfc/rfc7515#section-5.1).

use std::fmt;

use boltguard_encoding::base64url;
use boltguard_encoding::json::write;
use boltguard_keys::{Algorithm, SigningKey};
use boltguard_types::KeyId;
use serde_json::{Map, Value};

use crate::{Header, JwsError, JwsSignError, MAX_TOKEN_LEN};

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
        Self::empty().with("typ", "JWT")
    }

    /// No parameter at all.
    #[must_use]
    pub fn empty() -> Self {
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

    /// Refuses parameters that would be refused in a token, as [`Header::parse`] does.
    ///
    /// # Errors
    ///
    /// [`JwsError::CriticalHeader`] for `crit` and for `b64` other than `true`, and [`JwsError::HeaderInvalid`] for a
    /// `kid` that is no text and for values that are nested too deep.
    pub fn check(&self) -> Result<(), JwsError> {
        let mut fields = self.fields.iter();
        if fields.all(|(name, value)| name == "typ" && value.is_string()) {
            return Ok(());
        }
        Header::parse(&self.encode(Algorithm::Hs256, None)).map(drop)
    }

    /// The first segment of a token that `key` signs; the key's own `kid` is written unless one was set.
    #[must_use]
    pub fn encode_for(&self, key: &SigningKey) -> String {
        self.encode(key.algorithm(), key.key_id())
    }

    pub(crate) fn encode(&self, algorithm: Algorithm, key_id: Option<&KeyId>) -> String {
        let mut json = String::from("{");
        write::push_member(&mut json, "alg", algorithm.name());
        if let (Some(kid), false) = (key_id, self.fields.contains_key("kid")) {
            write::push_member(&mut json, "kid", kid.as_str());
        }
        for (name, value) in &self.fields {
            write::push_name(&mut json, name);
            json.push_str(&value.to_string());
        }
        json.push('}');
        base64url::encode(json)
    }
}

/// Signs with one key, under one header that is written beforehand.
///
/// ```
/// use boltguard_jws::{HeaderFields, Signer, UnverifiedJws};
/// use boltguard_keys::{Algorithm, Key, SigningKey};
///
/// let key = SigningKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?;
/// let signer = Signer::with_header(key.clone(), &HeaderFields::new().with("cty", "text"))?;
/// let token = signer.sign(b"hello")?;
/// assert_eq!(UnverifiedJws::parse(&token)?.verify(key.verifying_key())?.payload(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    /// The first segment and the dot behind it.
    front: Box<str>,
    /// The length of the last segment.
    signature_len: usize,
}

impl Signer {
    /// Signs under the common header, [`HeaderFields::new`].
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::with_type(key, "JWT")
    }

    /// Signs under a header with another `typ`, such as `at+jwt` of [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068).
    #[must_use]
    pub fn with_type(key: SigningKey, media_type: &str) -> Self {
        Self::under(key, &HeaderFields::empty().with("typ", media_type))
    }

    /// Signs under any header that is not refused later on.
    ///
    /// # Errors
    ///
    /// Those of [`HeaderFields::check`].
    pub fn with_header(key: SigningKey, header: &HeaderFields) -> Result<Self, JwsError> {
        header.check()?;
        Ok(Self::under(key, header))
    }

    /// Signs under a header that is JSON text already, which is written as it is.
    ///
    /// # Errors
    ///
    /// [`JwsError::AlgorithmNotAllowed`] unless `alg` is the key's, and what [`Header::parse`] returns.
    pub fn with_header_json(key: SigningKey, json: &str) -> Result<Self, JwsError> {
        if Header::read(json.as_bytes())?.algorithm() != key.algorithm() {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        Ok(Self::behind(key, &base64url::encode(json)))
    }

    fn under(key: SigningKey, header: &HeaderFields) -> Self {
        let header = header.encode_for(&key);
        Self::behind(key, &header)
    }

    fn behind(key: SigningKey, header: &str) -> Self {
        let front = format!("{header}.").into();
        let signature_len = base64url::encoded_len(key.signature_len());
        Self {
            key,
            front,
            signature_len,
        }
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
    /// - [`JwsSignError::Key`] if the system gives no randomness or the key can't sign.
    /// - [`JwsSignError::TooLarge`] if the token would be too long to be accepted.
    #[inline]
    pub fn sign(&self, payload: &[u8]) -> Result<String, JwsSignError> {
        let front = self.front.len();
        let length = front + base64url::encoded_len(payload.len()) + 1 + self.signature_len;
        if length > MAX_TOKEN_LEN {
            return Err(JwsSignError::TooLarge);
        }
        let mut token = vec![b'.'; length];
        token[..front].copy_from_slice(self.front.as_bytes());
        let input = front + encode(payload, &mut token[front..])?;
        let (message, signature_text) = token.split_at_mut(input);
        let written = self.key.sign_with(message, |signature| {
            encode(signature, &mut signature_text[1..])
        })?;
        token.truncate(input + 1 + written?);
        String::from_utf8(token).map_err(|_| JwsSignError::Key(boltguard_keys::SignError))
    }
}

#[inline]
fn encode(bytes: &[u8], text: &mut [u8]) -> Result<usize, JwsSignError> {
    base64url::encode_slice(bytes, text).ok_or(JwsSignError::Key(boltguard_keys::SignError))
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Signs `payload` with `key` and returns the token; a [`Signer`] writes the header only once.
///
/// # Errors
///
/// As [`Signer::sign`], and [`JwsSignError::Header`] for a header that would be refused.
pub fn sign(
    payload: &[u8],
    header: &HeaderFields,
    key: &SigningKey,
) -> Result<String, JwsSignError> {
    let signer = Signer::with_header(key.clone(), header).map_err(JwsSignError::Header)?;
    signer.sign(payload)
}
