//! Reading tokens without verifying their signatures, for debugging and for choosing a key, but never for a decision.
//!
//! No function of this module verifies a signature, so a search for `insecure` finds all uses in a program.

use boltguard_encoding::base64url;
use boltguard_keys::Algorithm;

use crate::jws::Segments;
use crate::{HeaderFields, JwsError, JwsSignError, MAX_TOKEN_LEN, UnverifiedJws, VerifiedJws};

/// Treats a token as verified **without checking its signature**.
///
/// **Anyone can create such a token.** The result has the type that means a valid signature everywhere else, so the
/// code that receives it trusts every claim: the identity of the caller, their permissions, and the expiry. Call this
/// only if another party has verified the signature of the same bytes, or to show what a token contains. To
/// authenticate, use [`UnverifiedJws::verify`] or a [`Verifier`](crate::Verifier).
///
/// ```
/// use boltguard_jws::{UnverifiedJws, insecure};
///
/// let forged = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.Zm9yZ2Vk";
/// let jws = insecure::assume_verified(UnverifiedJws::parse(forged)?)?;
/// assert_eq!(jws.payload(), br#"{"sub":"admin"}"#);
/// # Ok::<(), boltguard_jws::JwsError>(())
/// ```
///
/// # Errors
///
/// [`JwsError::Malformed`] if the payload is not base64url.
pub fn assume_verified(jws: UnverifiedJws<'_>) -> Result<VerifiedJws<'_>, JwsError> {
    jws.into_verified()
}

/// Writes a token without a signature, which no key verifies. Only [`assume_verified`] accepts it.
///
/// Use it to check claims that a program has decoded itself. The header names HS256, because every header must name an
/// algorithm.
///
/// # Errors
///
/// [`JwsSignError::TooLarge`] if the token would be longer than [`MAX_TOKEN_LEN`].
pub fn unsigned(payload: &[u8], header: &HeaderFields) -> Result<String, JwsSignError> {
    let header = header.encode(Algorithm::Hs256, None);
    let token = format!("{header}.{}.", base64url::encode(payload));
    if token.len() > MAX_TOKEN_LEN {
        return Err(JwsSignError::TooLarge);
    }
    Ok(token)
}

/// Returns the header of a token as unverified JSON, regardless of its `alg`.
///
/// # Errors
///
/// [`JwsError::Malformed`] or [`JwsError::TooLarge`] if it can't be decoded, [`JwsError::HeaderInvalid`] if
/// it is not UTF-8.
pub fn header_text(token: &str) -> Result<String, JwsError> {
    let bytes = segment(Segments::split(token)?.header())?;
    String::from_utf8(bytes).map_err(|_| JwsError::HeaderInvalid)
}

/// Returns the unverified payload of a token, which anyone can have written.
///
/// # Errors
///
/// [`JwsError::Malformed`] or [`JwsError::TooLarge`] if it can't be decoded.
pub fn payload(token: &str) -> Result<Vec<u8>, JwsError> {
    segment(Segments::split(token)?.payload())
}

/// Returns the unverified signature of a token.
///
/// # Errors
///
/// [`JwsError::Malformed`] or [`JwsError::TooLarge`] if it can't be decoded.
pub fn signature(token: &str) -> Result<Vec<u8>, JwsError> {
    segment(Segments::split(token)?.signature())
}

fn segment(text: &[u8]) -> Result<Vec<u8>, JwsError> {
    base64url::decode(text).map_err(|_| JwsError::Malformed)
}
