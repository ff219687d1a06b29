//! Issuing tokens.

use std::time::Duration;

use boltguard_jws::{HeaderFields, JwsError, Signer};
use boltguard_keys::SigningKey;

use crate::{MintError, TokenBuilder};

/// An issuer of tokens that are signed with one key. All tokens have the same header, which is serialized once.
///
/// The header contains `alg`, `kid` if the key has an ID, and `typ`, which is `JWT` by default.
#[derive(Clone, Debug)]
pub struct Minter {
    signer: Signer,
}

impl Minter {
    /// Creates an issuer of tokens of the type `JWT`, RFC 7519 §5.1.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::with_type(key, "JWT")
    }

    /// Creates an issuer of tokens of another type, such as `at+jwt` of [RFC
    /// 9068](https://www.rfc-editor.org/rfc/rfc9068).
    #[must_use]
    pub fn with_type(key: SigningKey, media_type: impl AsRef<str>) -> Self {
        Self {
            signer: Signer::with_type(key, media_type.as_ref()),
        }
    }

    /// Creates an issuer of tokens with additional header parameters. The algorithm is that of the key.
    ///
    /// # Errors
    ///
    /// Those of [`HeaderFields::check`].
    pub fn with_header(key: SigningKey, header: &HeaderFields) -> Result<Self, JwsError> {
        let signer = Signer::with_header(key, header)?;
        Ok(Self { signer })
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        self.signer.key()
    }

    /// Creates a builder for a token with this subject and lifetime.
    #[inline]
    pub fn token(&self, subject: impl AsRef<str>, lifetime: Duration) -> TokenBuilder<'_> {
        TokenBuilder::new(self, subject.as_ref(), lifetime)
    }

    #[inline]
    pub(crate) fn sign(&self, payload: &[u8]) -> Result<String, MintError> {
        Ok(self.signer.sign(payload)?)
    }
}
