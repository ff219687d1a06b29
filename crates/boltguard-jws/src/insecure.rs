//! Reading tokens that nobody vouches for, for debugging and for choosing a key; never for a decision.

use boltguard_encoding::base64url;

use crate::JwsError;
use crate::jws::Segments;

/// The header of a token as JSON text that was not checked, whatever its `alg`.
///
/// # Errors
///
/// [`JwsError::Malformed`] or [`JwsError::TooLarge`] if it can't be decoded, [`JwsError::HeaderInvalid`] if
/// it is not UTF-8.
pub fn header_text(token: &str) -> Result<String, JwsError> {
    let bytes = segment(Segments::split(token)?.header())?;
    String::from_utf8(bytes).map_err(|_| JwsError::HeaderInvalid)
}

/// The payload of a token that was not verified: anybody may have written it.
///
/// # Errors
///
/// [`JwsError::Malformed`] or [`JwsError::TooLarge`] if it can't be decoded.
pub fn payload(token: &str) -> Result<Vec<u8>, JwsError> {
    segment(Segments::split(token)?.payload())
}

/// The signature of a token that was not verified.
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
