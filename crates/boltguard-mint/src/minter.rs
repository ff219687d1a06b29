//! The issuer of tokens.

use std::time::Duration;

use boltguard_jws::{HeaderFields, JwsError, Signer};
use boltguard_keys::SigningKey;

use crate::{MintError, TokenBuilder};

/// Issues tokens signed with one key; their header is written once.
///
/// The header names the key's algorithm, the key's name as `kid` if it has one, and `typ`, which is `JWT` unless told
/// otherwise.
#[derive(Clone, Debug)]
pub struct Minter {
    signer: Signer,
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
        Self {
            signer: Signer::with_type(key, media_type),
        }
    }

    /// Issues tokens with any header that is not refused later on; the algorithm is the key's.
    ///
    /// # Errors
    ///
    /// Those of [`HeaderFields::check`].
    pub fn with_header(key: SigningKey, header: &HeaderFields) -> Result<Self, JwsError> {
        let signer = Signer::with_header(key, header)?;
        Ok(Self { signer })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        self.signer.key()
    }

    /// Begins a token about `subject` that ends after `lifetime`.
    #[inline]
    pub fn token(&self, subject: impl AsRef<str>, lifetime: Duration) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject.as_ref(), lifetime)
    }

    #[inline]
    pub(crate) fn sign(&self, payload: &[u8]) -> Result<String, MintError> {
        Ok(self.signer.sign(payload)?)
    }
}
