//! Errors of keys and signatures.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

macro_rules! key_errors {
    ($($(#[$doc:meta])* $name:ident = $message:literal,)*) => {
        /// The error of a key that can't be parsed, or can't be used for the requested purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum KeyError {
            $($(#[$doc])* $name,)*
        }

        impl KeyError {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                }
            }
        }
    };
}

key_errors! {
    /// The algorithm requires another type of key, RFC 8725 §3.1.
    AlgorithmMismatch = "the algorithm requires another type of key",
    /// The string isn't strict base64url, without padding and unused bits.
    Base64 = "not base64url without padding",
    /// RSA keys can't be generated. Use a tool such as OpenSSL.
    CannotGenerate = "RSA keys can't be generated; use a tool such as openssl and load the PEM",
    /// The ASN.1 of a key or certificate is malformed, or something follows it.
    Der = "malformed DER",
    /// A JSON object has a duplicate member.
    DuplicateMember = "a JSON object has a duplicate member",
    /// The key is empty.
    Empty = "the key is empty",
    /// The private key is encrypted. Decrypt it first.
    Encrypted = "the private key is encrypted; decrypt it first (openssl pkey)",
    /// The point is not on the curve, is the point at infinity or has a small order.
    InvalidPoint = "the public key is not a point of its curve",
    /// The parts of the private key are out of range or inconsistent.
    InvalidPrivateKey = "the parts of the private key are out of range or inconsistent",
    /// The RSA modulus or exponent is even or out of range.
    InvalidRsa = "the RSA modulus or exponent is out of range",
    /// The string isn't a JSON object.
    Json = "not a JSON object",
    /// The JWK's `alg` is for another algorithm, RFC 7517 §4.4.
    JwkAlgorithm = "the JWK's `alg` names another algorithm",
    /// A JWK or a JWK Set was passed as an HMAC secret.
    JwkAsSecret = "this is a JSON Web Key, not an HMAC secret; parse it as a JWK",
    /// A member of the JWK is missing, has the wrong type or the wrong length.
    JwkMember = "a member of the JWK is missing, has the wrong type or the wrong length",
    /// The JWK's `use` or `key_ops` don't allow this use, RFC 7517 §4.2 and §4.3.
    JwkUse = "the `use` or `key_ops` of the JWK don't allow this",
    /// The JWK Set has no list `keys`, or a member of the list isn't an object.
    Jwks = "a JWK Set requires a list `keys` of objects",
    /// The key is on secp256k1, which requires the feature `es256k`.
    NeedsEs256k = "keys on secp256k1 require the Cargo feature `es256k`",
    /// The string contains no PEM of a key or certificate, and no other supported form of one.
    NoPem = "the string contains no PEM of a key or certificate; PEM begins with a line such as -----BEGIN PUBLIC KEY----- \
             and ends with the -----END line of the same label",
    /// No key of the JWK Set can be used with the allowed algorithms.
    NoUsableKey = "no key can be used with the allowed algorithms",
    /// A public key was passed for signing, or a public key or secret as a private key.
    NotPrivate = "signing requires a private key or a secret",
    /// The private key is in OpenSSH's own format, which isn't supported.
    OpenSshPrivate = "private keys in OpenSSH's own format aren't supported; convert it with ssh-keygen -p -m PKCS8 -f FILE",
    /// PEM, an SSH key or a certificate was passed as an HMAC secret, RFC 8725 §2.1.
    PemAsSecret = "this is a public key, a private key or a certificate, not an HMAC secret; use an algorithm of its \
                   kind, such as RS256 or ES256",
    /// The first or last line of the PEM is damaged.
    PemMarkers = "the first or last line of the PEM is damaged; it requires five hyphens on each side, as in \
                  -----BEGIN PUBLIC KEY-----",
    /// A private key was passed as a public key.
    PrivateKey = "this is a private key; pass the public key",
    /// The random number generator of the system is unavailable.
    Random = "the random number generator of the system is unavailable",
    /// The RSA modulus is longer than 8192 bits, or than 4096 for signing.
    RsaTooLarge = "the RSA key is too long; at most 8192 bits are supported for verifying, and 4096 for signing",
    /// The RSA modulus is shorter than 2048 bits, RFC 7518 §3.3.
    RsaTooSmall = "the RSA key is shorter than 2048 bits",
    /// The RSA modulus can be factored: ROCA, CVE-2017-15361.
    RsaWeak = "the RSA key has the ROCA weakness (CVE-2017-15361), so its private key can be computed; replace it",
    /// A secret was passed as a public or private key.
    SecretKey = "this is a secret; pass a public or private key",
    /// The PEM contains more than one key.
    SeveralKeys = "the PEM contains several keys; pass one",
    /// The OpenSSH public key is malformed.
    Ssh = "malformed OpenSSH public key",
    /// The kind of key, the curve or the format is not supported.
    Unsupported = "the kind of key, its curve or its format is not supported",
    /// A URL was passed as a secret or key.
    UrlAsKey = "this is a URL, not a secret or key; fetch the keys that are published there",
}

impl KeyError {
    /// Returns the reason for logs and exceptions.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::KeyInvalid
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for KeyError {}

impl From<RandomError> for KeyError {
    fn from(_: RandomError) -> Self {
        Self::Random
    }
}

/// The error of a signature that doesn't verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSignature;

impl InvalidSignature {
    /// Returns the reason for logs and exceptions.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::SignatureInvalid
    }
}

impl fmt::Display for InvalidSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not verify")
    }
}

impl Error for InvalidSignature {}

/// The error of a signature that couldn't be created.
///
/// The random number generator is unavailable, or the parts of an RSA key are inconsistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignError;

impl SignError {
    /// Returns the reason for logs and exceptions.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::KeyInvalid
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature could not be created")
    }
}

impl Error for SignError {}

/// The random number generator of the system is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomError;

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random number generator of the system is unavailable")
    }
}

impl Error for RandomError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_listed_by_name() {
        assert!(
            KeyError::ALL
                .iter()
                .is_sorted_by_key(|error| format!("{error:?}"))
        );
    }

    #[test]
    fn messages_are_lower_case_without_a_full_stop() {
        for error in KeyError::ALL {
            let text = error.to_string();
            assert!(!text.ends_with('.'), "{text}");
            assert!(
                !text.starts_with(char::is_uppercase) || text.starts_with("RSA"),
                "{text}"
            );
        }
    }
}
