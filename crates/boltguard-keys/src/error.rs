//! What can go wrong with keys and signatures.

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

macro_rules! key_errors {
    ($($(#[$doc:meta])* $name:ident = $message:literal,)*) => {
        /// A key can't be read, or can't serve what it is asked for.
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
    /// The key is of another kind than the algorithm needs, RFC 8725 §3.1.
    AlgorithmMismatch = "the key is of another kind than the algorithm needs",
    /// The text is not strict base64url: without padding, without unused bits.
    Base64 = "not base64url without padding",
    /// Keys for the algorithm can't be made here; RSA keys come from a tool such as OpenSSL.
    CannotGenerate = "RSA keys can't be generated here, use a tool such as openssl and load the PEM",
    /// The ASN.1 of a key or certificate is malformed, or something follows it.
    Der = "malformed DER",
    /// A JSON object has two members of one name.
    DuplicateMember = "two members of one name",
    /// There is no key.
    Empty = "the key is empty",
    /// The private key is encrypted; decrypt it first.
    Encrypted = "the private key is encrypted, decrypt it first (openssl pkey)",
    /// The point is not on the curve, is the point at infinity or has a small order.
    InvalidPoint = "the public key is not a point of its curve",
    /// The private key's numbers are out of range or do not belong together.
    InvalidPrivateKey = "the private key's parts are out of range or do not belong together",
    /// The RSA modulus or exponent is not one: even, too small or too large an exponent.
    InvalidRsa = "the RSA modulus or exponent is out of range",
    /// The text is not JSON, or not an object.
    Json = "not a JSON object",
    /// The JWK's `alg` is for another algorithm, RFC 7517 §4.4.
    JwkAlgorithm = "the JWK's `alg` names another algorithm",
    /// JWK or JWKS text where an HMAC secret is meant.
    JwkAsSecret = "this is a JSON Web Key and no HMAC secret, read it as a JWK",
    /// A member of the JWK is missing, has the wrong type or the wrong length.
    JwkMember = "a member of the JWK is missing, has the wrong type or the wrong length",
    /// The JWK's `use` or `key_ops` do not allow it, RFC 7517 §4.2 and §4.3.
    JwkUse = "the JWK's `use` or `key_ops` do not allow this",
    /// The JWKS has no list `keys`, or a member of it is not an object.
    Jwks = "a JWKS needs a list `keys` of objects",
    /// The key is on secp256k1, for which the crate has to be built with the feature `es256k`.
    NeedsEs256k = "keys on secp256k1 need the Cargo feature `es256k`",
    /// The text holds no PEM that is a key or a certificate, nor another form of one that is read.
    NoPem = "no PEM of a key or certificate in this text; PEM begins with a line such as -----BEGIN PUBLIC KEY----- \
             and ends with the -----END line of the same label",
    /// The JWKS has no key that fits the allowed algorithms.
    NoUsableKey = "no key fits the allowed algorithms",
    /// The key is public or a secret where a private key is meant.
    NotPrivate = "a private key or a secret is needed to sign",
    /// A private key in OpenSSH's own format.
    OpenSshPrivate = "private keys in OpenSSH's own format aren't read, convert it: ssh-keygen -p -m PKCS8 -f FILE",
    /// PEM, an SSH key or a certificate where an HMAC secret is meant, RFC 8725 §2.1.
    PemAsSecret = "this is a public key, a private key or a certificate and no HMAC secret; name an algorithm of its \
                   kind, such as RS256 or ES256",
    /// The first or last line of the PEM is damaged.
    PemMarkers = "the first or last line of the PEM is damaged; it needs five hyphens on each side, as in \
                  -----BEGIN PUBLIC KEY-----",
    /// A private key where a public one is meant.
    PrivateKey = "this is a private key, give the public one",
    /// The system gave no randomness.
    Random = "no randomness from the system",
    /// The RSA modulus is longer than 8192 bits, or than 4096 for signing.
    RsaTooLarge = "the RSA key is too long: at most 8192 bits to verify, 4096 to sign",
    /// The RSA modulus is shorter than 2048 bits, RFC 7518 §3.3.
    RsaTooSmall = "the RSA key is shorter than 2048 bits",
    /// The RSA modulus was made by a generator that anybody can undo: ROCA, CVE-2017-15361.
    RsaWeak = "the RSA key has the ROCA weakness (CVE-2017-15361), so its private key can be computed; replace it",
    /// A secret where a public or private key is meant.
    SecretKey = "this is a secret, a public or private key is meant",
    /// The PEM holds more than one key.
    SeveralKeys = "the PEM holds several keys, give one",
    /// The public key of OpenSSH is malformed.
    Ssh = "malformed OpenSSH public key",
    /// The kind of key, the curve or the format is not supported.
    Unsupported = "the kind of key, its curve or its format is not supported",
    /// A URL where an HMAC secret or a key is meant: everybody knows it.
    UrlAsKey = "a URL is no secret and no key, fetch the keys that are published there",
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

/// The signature does not verify.
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

/// No signature could be made.
///
/// It takes a system without randomness, or an RSA key whose parts do not belong together.
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
        f.write_str("the key could not sign")
    }
}

impl Error for SignError {}

/// The system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomError;

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no randomness from the system")
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
