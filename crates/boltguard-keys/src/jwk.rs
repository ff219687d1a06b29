//! JSON Web Keys and sets of them, [RFC 7517](https://www.rfc-editor.org/rfc/rfc7517),
//! [RFC 7518 §6](https://www.rfc-editor.org/rfc/rfc7518#section-6) and
//! [RFC 8037 §2](https://www.rfc-editor.org/rfc/rfc8037#section-2).

mod problem;
mod read;
mod write;

use boltguard_types::KeyId;

pub use self::problem::{JwkProblem, SkippedKey};
pub(crate) use self::read::{Member, parse_set};
pub(crate) use self::write::write_set;
use crate::{Algorithm, Key, KeyError, SigningKey, VerifyingKey};

/// A JSON Web Key: a key with its ID and its permitted uses.
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
    /// `alg`, which may be an unsupported algorithm.
    algorithm: Option<Box<str>>,
    /// `use`.
    purpose: Option<Box<str>>,
    /// `key_ops`.
    operations: Option<Vec<Box<str>>>,
}

impl Jwk {
    /// Creates a JWK without a `kid`, for all algorithms that the key can be used with.
    pub fn new(key: impl Into<Key>) -> Self {
        Self {
            key: key.into(),
            kid: None,
            algorithm: None,
            purpose: None,
            operations: None,
        }
    }

    /// Parses the JSON of a key of type `oct`, `RSA`, `EC` or `OKP` (Ed25519), public or private.
    ///
    /// Unknown members and members with the value `null` are ignored. `alg`, `use` and `key_ops` are checked later by
    /// [`Jwk::verifying_key`] and [`Jwk::signing_key`].
    ///
    /// # Errors
    ///
    /// - [`KeyError::Json`] or [`KeyError::DuplicateMember`] if the string is malformed.
    /// - [`KeyError::JwkMember`] if a member is missing, has the wrong type or the wrong length, and
    ///   [`KeyError::Base64`] if it isn't base64url.
    /// - [`KeyError::Unsupported`] for another `kty` or `crv`.
    /// - Those of [`Secret::new`](crate::Secret::new), [`PublicKey::from_der`](crate::PublicKey::from_der) and
    ///   [`PrivateKey::from_der`](crate::PrivateKey::from_der) for the key in it.
    pub fn parse(json: impl AsRef<str>) -> Result<Self, KeyError> {
        let json = json.as_ref();
        Ok(read::parse(json)?)
    }

    /// Parses a JWK like [`parse`](Self::parse), with an error that contains the invalid member.
    ///
    /// # Errors
    ///
    /// [`JwkProblem`] with the cause that [`Jwk::parse`] returns.
    pub fn parse_or_explain(json: &str) -> Result<Self, JwkProblem> {
        read::parse(json)
    }

    /// Returns the same key with this `kid`.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<KeyId>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Returns the same key for one algorithm only.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm.name().into());
        self
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Returns the `kid`.
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// Returns the signature algorithm in `alg`, if there is one.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        let name = self.algorithm.as_deref()?;
        let mut all = Algorithm::ALL.iter().copied();
        all.find(|algorithm| is_name_of(name, *algorithm))
    }

    /// Returns whether the key is a private key. Secrets aren't.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        matches!(self.key, Key::Private(_))
    }

    /// Prepares the key for verifying.
    ///
    /// # Errors
    ///
    /// - [`KeyError::JwkAlgorithm`] or [`KeyError::JwkUse`] if the JWK doesn't allow this use.
    /// - Those of [`VerifyingKey::new`].
    pub fn verifying_key(&self, algorithm: Algorithm) -> Result<VerifyingKey, KeyError> {
        let key = VerifyingKey::new(&self.key, algorithm)?;
        self.allows(algorithm, "verify")?;
        Ok(match &self.kid {
            Some(kid) => key.with_key_id(kid.clone()),
            None => key,
        })
    }

    /// Prepares the key for signing.
    ///
    /// # Errors
    ///
    /// - [`KeyError::JwkAlgorithm`] or [`KeyError::JwkUse`] if the JWK doesn't allow this use.
    /// - Those of [`SigningKey::new`].
    pub fn signing_key(&self, algorithm: Algorithm) -> Result<SigningKey, KeyError> {
        let key = SigningKey::new(&self.key, algorithm)?;
        self.allows(algorithm, "sign")?;
        Ok(match &self.kid {
            Some(kid) => key.with_key_id(kid.clone()),
            None => key,
        })
    }

    /// Returns the JSON of the public key, which can be published. For a private key, this is its public key.
    ///
    /// # Errors
    ///
    /// [`KeyError::SecretKey`] if the key is a secret.
    pub fn to_json(&self) -> Result<String, KeyError> {
        write::write(self)
    }

    /// Returns why the key can't be used with any of these algorithms.
    pub(crate) fn problem(&self, algorithms: &[Algorithm]) -> JwkProblem {
        if let Err(problem) = self.allows_operation("verify") {
            return problem;
        }
        let is_for = |algorithm: &Algorithm| VerifyingKey::new(&self.key, *algorithm).is_ok();
        let is_unknown = self.algorithm.is_some() && self.algorithm().is_none();
        if is_unknown || algorithms.iter().any(is_for) {
            return OTHER_ALGORITHM;
        }
        match &self.key {
            Key::Secret(_) if !algorithms.iter().any(|one| one.is_symmetric()) => {
                KeyError::SecretKey
            }
            _ => KeyError::AlgorithmMismatch,
        }
        .into()
    }

    fn allows(&self, algorithm: Algorithm, operation: &str) -> Result<(), JwkProblem> {
        match self.algorithm.as_deref() {
            Some(name) if !is_name_of(name, algorithm) => Err(OTHER_ALGORITHM),
            _ => self.allows_operation(operation),
        }
    }

    fn allows_operation(&self, operation: &str) -> Result<(), JwkProblem> {
        let purpose = self.purpose.as_deref();
        if purpose.is_some_and(|purpose| !PURPOSES.contains(&purpose)) {
            return Err(JwkProblem::of("use", KeyError::JwkUse, "isn't \"sig\""));
        }
        let listed = |list: &Vec<Box<str>>| list.iter().any(|one| **one == *operation);
        if !self.operations.as_ref().is_none_or(listed) {
            let fault = "doesn't list what the key is used for";
            return Err(JwkProblem::of("key_ops", KeyError::JwkUse, fault));
        }
        Ok(())
    }
}

fn is_name_of(name: &str, algorithm: Algorithm) -> bool {
    algorithm.jwk_names().any(|known| known == name)
}

const OTHER_ALGORITHM: JwkProblem =
    JwkProblem::of("alg", KeyError::JwkAlgorithm, "names another algorithm");

/// RFC 7517 §4.2, and the JWT-SVID of SPIFFE, §4.1 of its trust domain and bundle specification.
const PURPOSES: [&str; 2] = ["sig", "jwt-svid"];

impl<K: Into<Key>> From<K> for Jwk {
    fn from(key: K) -> Self {
        Self::new(key)
    }
}
