//! The issuer of tokens.

use std::fmt;
use std::time::Duration;

use boltguard_encoding::base64url;
use boltguard_jws::{HeaderFields, JwsError, MAX_TOKEN_LEN};
use boltguard_keys::SigningKey;

use crate::{MintError, TokenBuilder};

/// Issues tokens signed with one key; their header is written once.
///
/// The header names the key's algorithm, the key's name as `kid` if it has one, and `typ`, which is `JWT` unless told
/// otherwise.
#[derive(Clone)]
pub struct Minter {
    key: SigningKey,
    /// The header's segment and the dot behind it.
    front: Box<str>,
    /// The length of the last segment.
    signature_len: usize,
}

impl Minter {
    /// Issues tokens of the type `JWT`, RFC 7519 §5.1.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::with_type(key, "JWT")
    }

    /// Issues tokens of another type, such as `at+jwt` of [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068).
    #[must_use]
    pub fn with_type(key: SigningKey, media_type: &str) -> Self {
        Self::under(key, &HeaderFields::bare().with("typ", media_type))
    }

    /// Issues tokens with any header that is not refused later on; the algorithm is the key's.
    ///
    /// # Errors
    ///
    /// Those of [`HeaderFields::check`].
    pub fn with_header(key: SigningKey, header: &HeaderFields) -> Result<Self, JwsError> {
        header.check()?;
        Ok(Self::under(key, header))
    }

    fn under(key: SigningKey, header: &HeaderFields) -> Self {
        let front = format!("{}.", header.encode_for(&key)).into();
        let signature_len = base64_len(key.signature_len());
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

    /// Begins a token about `subject` that ends after `lifetime`.
    #[inline]
    pub fn token(&self, subject: impl AsRef<str>, lifetime: Duration) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject.as_ref(), lifetime)
    }

    pub(crate) fn sign(&self, payload: &[u8]) -> Result<String, MintError> {
        let front = self.front.len();
        let length = front + base64_len(payload.len()) + 1 + self.signature_len;
        if length > MAX_TOKEN_LEN {
            return Err(MintError::TooLarge);
        }
        let mut token = vec![b'.'; length];
        token[..front].copy_from_slice(self.front.as_bytes());
        let input = front + encode(payload, &mut token[front..])?;
        let (message, signature_text) = token.split_at_mut(input);
        let written = self.key.sign_with(message, |signature| {
            encode(signature, &mut signature_text[1..])
        })?;
        token.truncate(input + 1 + written?);
        String::from_utf8(token).map_err(|_| MintError::Sign)
    }
}

#[inline]
fn encode(bytes: &[u8], text: &mut [u8]) -> Result<usize, MintError> {
    base64url::encode_slice(bytes, text).ok_or(MintError::Sign)
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

const fn base64_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}
