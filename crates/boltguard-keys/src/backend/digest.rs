//! SHA-256, HMAC with SHA-256 and random bytes, which other crates need apart from signatures.

use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

use crate::{RandomError, Secret};

/// Returns the SHA-256 digest of `message`.
#[must_use]
pub fn digest_sha256(message: &[u8]) -> [u8; 32] {
    to_array(digest::digest(&digest::SHA256, message).as_ref())
}

/// Returns the HMAC of `message` with SHA-256.
#[must_use]
pub fn hmac_sha256(key: &Secret, message: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    to_array(hmac::sign(&key, message).as_ref())
}

/// Fills `buffer` with random bytes from the operating system, which are suitable for keys.
///
/// # Errors
///
/// [`RandomError`] if the operating system doesn't provide any.
pub fn fill_random(buffer: &mut [u8]) -> Result<(), RandomError> {
    SystemRandom::new().fill(buffer).map_err(|_| RandomError)
}

fn to_array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// FIPS 180-4's example "abc".
    #[test]
    fn sha256_of_abc() {
        assert_eq!(
            hex(&digest_sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    /// RFC 4231 §4.3, test case 2.
    #[test]
    fn rfc4231_test_case_2() {
        let key = Secret::new(b"Jefe").unwrap();
        assert_eq!(
            hex(&hmac_sha256(&key, b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
