//! Base64url without padding, [RFC 7515 §2](https://www.rfc-editor.org/rfc/rfc7515#section-2), read strictly.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::KeyError;

/// The bytes that the text stands for.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Base64)
}

/// The bytes that the text stands for, wiped when dropped.
pub(crate) fn decode_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    decode(text).map(Zeroizing::new)
}

/// The bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
