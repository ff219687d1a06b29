//! SHA-256, HMAC and HKDF with SHA-256 and random bytes, which other crates need apart from signatures.

use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hkdf, hmac};
use zeroize::Zeroizing;

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

/// Derives a secret of 32 bytes with HKDF and SHA-256, [RFC 5869](https://www.rfc-editor.org/rfc/rfc5869).
///
/// Secrets that are derived with different `info` are independent: one doesn't reveal another. The salt can be empty.
///
/// ```
/// use boltguard_keys::{Secret, hkdf_sha256};
///
/// let secret = Secret::new(b"a secret that is thirty-two bytes")?;
/// let key = hkdf_sha256(&secret, b"", b"signatures of webhooks");
/// assert_eq!(key, hkdf_sha256(&secret, b"", b"signatures of webhooks"));
/// assert_ne!(key, hkdf_sha256(&secret, b"", b"links in emails"));
/// # Ok::<(), boltguard_keys::KeyError>(())
/// ```
#[must_use]
pub fn hkdf_sha256(secret: &Secret, salt: &[u8], info: &[u8]) -> Secret {
    let algorithm = hkdf::HKDF_SHA256;
    let mut bytes = Zeroizing::new(vec![0; 32].into_boxed_slice());
    hkdf::Salt::new(algorithm, salt)
        .extract(secret.expose())
        .expand(&[info], algorithm)
        .and_then(|key| key.fill(&mut bytes))
        .expect("32 bytes are within the limit of RFC 5869 §2.3");
    Secret::from_uniform(bytes)
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

    /// The first 32 bytes of the output key material (OKM) are the OKM of length 32.
    fn check_hkdf(input: &[u8], salt: &[u8], info: &[u8], expected: &str) {
        let derived = hkdf_sha256(&Secret::new(input).unwrap(), salt, info);
        assert_eq!(hex(derived.expose()), expected[..64]);
    }

    #[test]
    fn rfc5869_test_case_1() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let expected =
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        check_hkdf(&[0x0b; 22], &salt, &info, expected);
    }

    #[test]
    fn rfc5869_test_case_3_without_salt_and_info() {
        let expected =
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        check_hkdf(&[0x0b; 22], b"", b"", expected);
    }
}
