//! JSON Web Keys and sets of them, [RFC 7517](https://www.rfc-editor.org/rfc/rfc7517),
//! [RFC 7518 §6](https://www.rfc-editor.org/rfc/rfc7518#section-6) and
//! [RFC 8037 §2](https://www.rfc-editor.org/rfc/rfc8037#section-2).

mod read;
mod write;

use boltguard_types::KeyId;

pub(crate) use self::read::{Member, parse_set};
pub(crate) use self::write::write_set;
use crate::{Algorithm, Key, KeyError, SigningKey, VerifyingKey};

/// A JSON Web Key: a key with its name and what it is for.
///
/// ```
/// use boltguard_keys::{Algorithm, Jwk};
///
/// let jwk = Jwk::parse(
///     r#"{"kty":"OKP","crv":"Ed25519","kid":"2026","use":"sig",
///         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// let key = jwk.verifying_key(Algorithm::EdDsa)?;
/// assert_eq!(key.key_id().map(|kid| kid.as_str()), Some("2026"));
/// # Ok::<(), boltguard_keys::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Jwk {
    key: Key,
    kid: Option<KeyId>,
    /// `alg`, which may name an algorithm that is none of ours.
    algorithm: Option<Box<str>>,
    /// `use`.
    purpose: Option<Box<str>>,
    /// `key_ops`.
    operations: Option<Vec<Box<str>>>,
}

impl Jwk {
    /// A key without a name, for every algorithm that it can serve.
    pub fn new(key: impl Into<Key>) -> Self {
        Self {
            key: key.into(),
            kid: None,
            algorithm: None,
            purpose: None,
            operations: None,
        }
    }

    /// Reads the JSON of a key of type `oct`, `RSA`, `EC` or `OKP` (Ed25519), public or private.
    ///
    /// Members without a meaning here are passed over. `alg`, `use` and `key_ops` are kept and obeyed later, by
    /// [`Jwk::verifying_key`] and [`Jwk::signing_key`].
    ///
    /// # Errors
    ///
    /// - [`KeyError::Json`] or [`KeyError::DuplicateMember`] if the text is malformed.
    /// - [`KeyError::JwkMember`] if a member is missing, has the wrong type or the wrong length, and
    ///   [`KeyError::Base64`] if it is no base64url.
    /// - [`KeyError::Unsupported`] for another `kty` or `crv`.
    /// - Those of [`Secret::new`](crate::Secret::new), [`PublicKey::from_der`](crate::PublicKey::from_der) and
    ///   [`PrivateKey::from_der`](crate::PrivateKey::from_der) for the key in it.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        read::parse(json)
    }

    /// The same key with a name.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<KeyId>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The same key for one algorithm only.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm.name().into());
        self
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The key's name.
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// The algorithm that `alg` names; `None` if there is no `alg` or it names none that signs.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm.as_ref()?.parse().ok()
    }

    /// Whether the key is a private one; secrets are not.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        matches!(self.key, Key::Private(_))
    }

    /// Prepares the key to verify.
    ///
    /// # Errors
    ///
    /// - [`KeyError::JwkAlgorithm`] or [`KeyError::JwkUse`] if the JWK is not for this.
    /// - Those of [`VerifyingKey::new`].
    pub fn verifying_key(&self, algorithm: Algorithm) -> Result<VerifyingKey, KeyError> {
        let key = VerifyingKey::new(&self.key, algorithm)?;
        self.allows(algorithm, "verify")?;
        Ok(match &self.kid {
            Some(kid) => key.with_key_id(kid.clone()),
            None => key,
        })
    }

    /// Prepares the key to sign.
    ///
    /// # Errors
    ///
    /// - [`KeyError::JwkAlgorithm`] or [`KeyError::JwkUse`] if the JWK is not for this.
    /// - Those of [`SigningKey::new`].
    pub fn signing_key(&self, algorithm: Algorithm) -> Result<SigningKey, KeyError> {
        let key = SigningKey::new(&self.key, algorithm)?;
        self.allows(algorithm, "sign")?;
        Ok(match &self.kid {
            Some(kid) => key.with_key_id(kid.clone()),
            None => key,
        })
    }

    /// The JSON of the public key, fit to be published; of a private key no more than that.
    ///
    /// # Errors
    ///
    /// [`KeyError::SecretKey`] if the key is a secret.
    pub fn to_json(&self) -> Result<String, KeyError> {
        write::write(self)
    }

    fn allows(&self, algorithm: Algorithm, operation: &str) -> Result<(), KeyError> {
        let named = self.algorithm.as_deref();
        if named.is_some_and(|named| named != algorithm.name()) {
            return Err(KeyError::JwkAlgorithm);
        }
        let purpose_fits = self
            .purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig");
        let listed = |list: &Vec<Box<str>>| list.iter().any(|one| **one == *operation);
        if purpose_fits && self.operations.as_ref().is_none_or(listed) {
            Ok(())
        } else {
            Err(KeyError::JwkUse)
        }
    }
}

impl<K: Into<Key>> From<K> for Jwk {
    fn from(key: K) -> Self {
        Self::new(key)
    }
}
