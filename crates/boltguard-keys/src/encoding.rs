//! The base64url of keys, as [`boltguard_encoding`] reads it: without padding and unused bits.

use boltguard_encoding::base64url;
use zeroize::Zeroizing;

use crate::KeyError;

pub(crate) use base64url::encode;

/// Returns the decoded bytes.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(text).map_err(|_| KeyError::Base64)
}

/// Returns the decoded bytes, which are wiped when dropped.
pub(crate) fn decode_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    decode(text).map(Zeroizing::new)
}
