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
    /// Returns a key without a name, for every algorithm that it can serve.
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
    /// Members without a meaning here are ignored, and so is any whose value is `null`. `alg`, `use` and `key_ops` are
    /// kept and obeyed later, by [`Jwk::verifying_key`] and [`Jwk::signing_key`].
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
        Ok(read::parse(json)?)
    }

    /// As [`parse`](Self::parse), with an error that names the member of the JWK that it is about.
    ///
    /// # Errors
    ///
    /// [`JwkProblem`] with the cause that [`Jwk::parse`] gives.
    pub fn parse_or_explain(json: &str) -> Result<Self, JwkProblem> {
        read::parse(json)
    }

    /// Returns the same key with a name.
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

    /// Returns the key's name.
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// Returns the algorithm that `alg` names; `None` if there is no `alg` or it names none that signs.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        let name = self.algorithm.as_deref()?;
        let mut all = Algorithm::ALL.iter().copied();
        all.find(|algorithm| is_name_of(name, *algorithm))
    }

    /// Returns whether the key is a private one; secrets are not.
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

    /// Returns the JSON of the public key, fit to be published; of a private key no more than that.
    ///
    /// # Errors
    ///
    /// [`KeyError::SecretKey`] if the key is a secret.
    pub fn to_json(&self) -> Result<String, KeyError> {
        write::write(self)
    }

    /// Returns why the key serves none of these algorithms.
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
