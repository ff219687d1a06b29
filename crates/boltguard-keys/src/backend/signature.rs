//! Signatures, held as the library that created them returns them.

use std::fmt;

use ring::{hmac, signature};

use crate::SignError;

/// A signature.
///
/// Only RSA signatures are allocated, since creating one takes a thousand times longer than an allocation.
#[derive(Clone)]
pub struct Signature(Bytes);

#[derive(Clone)]
enum Bytes {
    Tag(hmac::Tag),
    Fixed(signature::Signature),
    Copied {
        bytes: [u8; LONGEST_ECDSA],
        length: usize,
    },
    Rsa(Box<[u8]>),
}

impl Signature {
    #[inline]
    pub(super) const fn tag(tag: hmac::Tag) -> Self {
        Self(Bytes::Tag(tag))
    }

    #[inline]
    pub(super) const fn fixed(signature: signature::Signature) -> Self {
        Self(Bytes::Fixed(signature))
    }

    pub(super) fn copied(signature: &[u8]) -> Result<Self, SignError> {
        let (mut bytes, length) = ([0; LONGEST_ECDSA], signature.len());
        bytes
            .get_mut(..length)
            .ok_or(SignError)?
            .copy_from_slice(signature);
        Ok(Self(Bytes::Copied { bytes, length }))
    }

    pub(super) const fn rsa(signature: Box<[u8]>) -> Self {
        Self(Bytes::Rsa(signature))
    }
}

/// Two numbers of P-521.
const LONGEST_ECDSA: usize = 132;

impl AsRef<[u8]> for Signature {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Tag(tag) => tag.as_ref(),
            Bytes::Fixed(signature) => signature.as_ref(),
            Bytes::Copied { bytes, length } => &bytes[..*length],
            Bytes::Rsa(signature) => signature,
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.as_ref().len())
    }
}
