//! Unencoded detached payloads, [RFC 7797](https://www.rfc-editor.org/rfc/rfc7797).
//!
//! All other functions reject such tokens. A caller who has the payload verifies them explicitly, with these types.
//!
//! ```
//! use boltguard_jws::{UnencodedJws, sign_unencoded};
//! use boltguard_keys::{Algorithm, Key, SigningKey};
//!
//! let key = SigningKey::new(&Key::generate(Algorithm::Hs256)?, Algorithm::Hs256)?;
//! let header = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;
//! let token = sign_unencoded(b"$.02", header, &key)?;
//! let verified = UnencodedJws::parse(&token, b"$.02")?.verify(key.verifying_key())?;
//! assert_eq!(verified.payload(), b"$.02");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use boltguard_encoding::base64url;
use boltguard_keys::{KeySet, SigningKey, VerifyingKey};

use crate::header::Encoding;
use crate::jws::Segments;
use crate::{Header, JwsError, JwsSignError, MAX_TOKEN_LEN, VerifiedJws};

/// A token without its payload, and the detached payload. The signature is not verified yet.
#[derive(Clone)]
pub struct UnencodedJws<'t> {
    header: Header,
    segments: Segments<'t>,
    payload: &'t [u8],
}

/// Shows the header only.
impl fmt::Debug for UnencodedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnencodedJws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl<'t> UnencodedJws<'t> {
    /// Splits a token into segments and parses the header.
    ///
    /// # Errors
    ///
    /// - [`JwsError::CriticalHeader`] unless `b64` is `false` and `crit` lists only `b64`.
    /// - [`JwsError::Malformed`] unless there are three segments, and the second one is empty.
    /// - The errors of [`Header::parse`].
    pub fn parse(token: &'t str, payload: &'t [u8]) -> Result<Self, JwsError> {
        let segments = Segments::split(token)?;
        if !segments.payload().is_empty() {
            return Err(JwsError::Malformed);
        }
        let header = Header::parse_unencoded(segments.header())?;
        Ok(Self {
            header,
            segments,
            payload,
        })
    }

    /// Returns the header, which anyone can have written.
    #[must_use]
    pub fn unverified_header(&self) -> &Header {
        &self.header
    }

    /// Verifies the signature of the header and the payload with `key`.
    ///
    /// # Errors
    ///
    /// As [`UnverifiedJws::verify`](crate::UnverifiedJws::verify).
    pub fn verify(self, key: &VerifyingKey) -> Result<VerifiedJws<'static>, JwsError> {
        if key.algorithm() != self.header.algorithm() {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        self.verify_with([key])
    }

    /// Verifies the signature with those of the `keys` that match the header's `alg` and `kid`.
    ///
    /// # Errors
    ///
    /// As [`UnverifiedJws::verify_among`](crate::UnverifiedJws::verify_among).
    pub fn verify_among(self, keys: &KeySet) -> Result<VerifiedJws<'static>, JwsError> {
        let algorithm = self.header.algorithm();
        if !keys.serves(algorithm) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        let candidates = keys.select(algorithm, self.header.key_id());
        let candidates: Vec<_> = candidates.into_iter().collect();
        self.verify_with(candidates)
    }

    fn verify_with<'k>(
        self,
        keys: impl IntoIterator<Item = &'k VerifyingKey>,
    ) -> Result<VerifiedJws<'static>, JwsError> {
        // The second segment is empty, so its signing input is "header.", to which the payload is added, RFC 7797 §3.
        let input = [self.segments.signing_input(), self.payload].concat();
        let algorithm = self.header.algorithm();
        self.segments.check_signature(&input, algorithm, keys)?;
        Ok(VerifiedJws::new(self.header, self.payload.to_vec()))
    }
}

/// Signs an unencoded payload and returns the token without the payload.
///
/// `header` is the JSON of the header.
///
/// # Errors
///
/// - [`JwsSignError::Header`] unless the header names the key's algorithm, `b64` is `false` and `crit` lists `b64` and
///   nothing else.
/// - [`JwsSignError::Key`] if the key can't sign, or the system's random number generator fails.
/// - [`JwsSignError::TooLarge`] if the token would be longer than [`MAX_TOKEN_LEN`].
pub fn sign_unencoded(
    payload: &[u8],
    header: &str,
    key: &SigningKey,
) -> Result<String, JwsSignError> {
    let read =
        Header::read_as(header.as_bytes(), Encoding::Unencoded).map_err(JwsSignError::Header)?;
    if read.algorithm() != key.algorithm() {
        return Err(JwsSignError::Header(JwsError::AlgorithmNotAllowed));
    }
    let front = format!("{}.", base64url::encode(header));
    let input = [front.as_bytes(), payload].concat();
    let signature = key.sign(&input).map_err(JwsSignError::Key)?;
    let token = format!("{front}.{}", base64url::encode(signature.as_ref()));
    if token.len() > MAX_TOKEN_LEN {
        return Err(JwsSignError::TooLarge);
    }
    Ok(token)
}
