//! Signing tokens, [RFC 7515 §5.1](https://www.rfc-editor.org/rfc/rfc7515#section-5.1).

use std::fmt;

use boltguard_encoding::base64url;
use boltguard_encoding::json::write;
use boltguard_keys::{Algorithm, SigningKey};
use boltguard_types::KeyId;
use serde_json::{Map, Value};

use crate::{Header, JwsError, JwsSignError, MAX_TOKEN_LEN};

/// The header parameters except `alg`, which depends on the key.
///
/// `typ` is `JWT` unless configured otherwise.
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
    /// Creates the default parameters, with `JWT` as `typ`.
    #[must_use]
    pub fn new() -> Self {
        Self::empty().with("typ", "JWT")
    }

    /// Creates an empty set of parameters.
    #[must_use]
    pub fn empty() -> Self {
        Self { fields: Map::new() }
    }

    /// Sets a parameter. `alg` is ignored, because it depends on the key.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<str>, value: impl Into<Value>) -> Self {
        let name = name.as_ref();
        if name != "alg" {
            self.fields.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Rejects parameters that [`Header::parse`] would reject in a token.
    ///
    /// # Errors
    ///
    /// - [`JwsError::CriticalHeader`] if there is a `crit`, or `b64` isn't `true`.
    /// - [`JwsError::HeaderInvalid`] if `kid` isn't a string, or a value is nested too deep.
    pub fn check(&self) -> Result<(), JwsError> {
        let mut fields = self.fields.iter();
        if fields.all(|(name, value)| name == "typ" && value.is_string()) {
            return Ok(());
        }
        Header::parse(&self.encode(Algorithm::Hs256, None)).map(drop)
    }

    /// Returns the first segment of a token that `key` signs, with the `kid` of the key unless another one is set.
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

/// A key and an encoded header that sign tokens.
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
    /// The first segment and the following dot.
    front: Box<str>,
    /// The length of the last segment.
    signature_len: usize,
}

impl Signer {
    /// Signs tokens with the default header, [`HeaderFields::new`].
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::with_type(key, "JWT")
    }

    /// Signs tokens with another `typ`, such as `at+jwt` of [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068).
    #[must_use]
    pub fn with_type(key: SigningKey, media_type: impl AsRef<str>) -> Self {
        let media_type = media_type.as_ref();
        Self::under(key, &HeaderFields::empty().with("typ", media_type))
    }

    /// Signs tokens with any header that a verifier accepts.
    ///
    /// # Errors
    ///
    /// The errors of [`HeaderFields::check`].
    pub fn with_header(key: SigningKey, header: &HeaderFields) -> Result<Self, JwsError> {
        header.check()?;
        Ok(Self::under(key, header))
    }

    /// Signs tokens with a header given as JSON, which is used unchanged.
    ///
    /// # Errors
    ///
    /// - [`JwsError::AlgorithmNotAllowed`] unless `alg` is the algorithm of the key.
    /// - The errors of [`Header::parse`].
    pub fn with_header_json(key: SigningKey, json: impl AsRef<str>) -> Result<Self, JwsError> {
        let json = json.as_ref();
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

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs `payload` and returns the token.
    ///
    /// # Errors
    ///
    /// - [`JwsSignError::Key`] if the key can't sign, or the system's random number generator fails.
    /// - [`JwsSignError::TooLarge`] if the token would be longer than [`MAX_TOKEN_LEN`].
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

/// Signs `payload` with `key` and returns the token.
///
/// Use a [`Signer`] to encode the header only once for several tokens.
///
/// # Errors
///
/// As [`Signer::sign`], and [`JwsSignError::Header`] if a verifier would reject the header.
pub fn sign(
    payload: &[u8],
    header: &HeaderFields,
    key: &SigningKey,
) -> Result<String, JwsSignError> {
    let signer = Signer::with_header(key.clone(), header).map_err(JwsSignError::Header)?;
    signer.sign(payload)
}
