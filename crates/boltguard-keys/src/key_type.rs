//! The kinds of keys, [RFC 7518 §6.1](https://www.rfc-editor.org/rfc/rfc7518#section-6.1).

use crate::Curve;

/// The kind of a key: the `kty` of its JWK, and its curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// A shared secret, `oct`.
    Hmac,
    /// RSA, with either padding.
    Rsa,
    /// A curve of ECDSA, `EC`.
    Ec(Curve),
    /// The curve Ed25519, `OKP`.
    Ed25519,
}
