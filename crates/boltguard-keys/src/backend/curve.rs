//! The curves of ECDSA: validates and decompresses points, and derives public keys from private keys.

use der::asn1::ObjectIdentifier;
use p521::elliptic_curve::sec1::ToSec1Point;
use zeroize::Zeroizing;

use super::fill_random;
use crate::KeyError;

macro_rules! curves {
    ($(
        $(#[doc = $doc:literal])*
        $(#[cfg($when:meta)])?
        $variant:ident = $name:literal, $oid:literal, $bits:literal, $library:ident;
    )*) => {
        /// A curve of ECDSA.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Curve {
            $($(#[doc = $doc])* $(#[cfg($when)])? $variant,)*
        }

        impl Curve {
            pub(crate) const ALL: &'static [Self] = &[$($(#[cfg($when)])? Self::$variant,)*];

            /// Returns the name in a JWK's `crv`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(#[cfg($when)])? Self::$variant => $name,)*
                }
            }

            pub(crate) const fn oid(self) -> ObjectIdentifier {
                match self {
                    $($(#[cfg($when)])? Self::$variant => const { ObjectIdentifier::new_unwrap($oid) },)*
                }
            }

            /// Returns the length of a coordinate, and of a private key, in bits.
            const fn field_bits(self) -> usize {
                match self {
                    $($(#[cfg($when)])? Self::$variant => $bits,)*
                }
            }

            /// Returns a point of the curve, uncompressed, or `None` if it isn't on the curve.
            fn uncompressed(self, sec1: &[u8]) -> Option<Box<[u8]>> {
                match self {
                    $($(#[cfg($when)])? Self::$variant => {
                        let point = $library::PublicKey::from_sec1_bytes(sec1).ok()?;
                        Some(point.to_sec1_point(false).as_bytes().into())
                    })*
                }
            }

            /// Returns the uncompressed public point of a private key, or `None` if the key is out of range.
            fn multiplied(self, scalar: &[u8]) -> Option<Box<[u8]>> {
                match self {
                    $($(#[cfg($when)])? Self::$variant => {
                        let key = $library::SecretKey::from_slice(scalar).ok()?;
                        Some(key.public_key().to_sec1_point(false).as_bytes().into())
                    })*
                }
            }
        }
    };
}

// Each row: the name in `crv`, the object identifier, the bits of a coordinate, and the crate with its arithmetic.
curves! {
    /// P-256, RFC 7518 §6.2.1.1 and RFC 5480 §2.1.1.1.
    P256 = "P-256", "1.2.840.10045.3.1.7", 256, p256;
    /// P-384, RFC 7518 §6.2.1.1 and RFC 5480 §2.1.1.1.
    P384 = "P-384", "1.3.132.0.34", 384, p384;
    /// P-521, RFC 7518 §6.2.1.1 and RFC 5480 §2.1.1.1.
    P521 = "P-521", "1.3.132.0.35", 521, p521;
    /// secp256k1, RFC 8812 §3.1 and SEC 2 §2.4.1, with the feature `es256k`.
    #[cfg(feature = "es256k")]
    Secp256k1 = "secp256k1", "1.3.132.0.10", 256, k256;
}

impl Curve {
    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Result<Self, KeyError> {
        let known = Self::ALL.iter().find(|curve| curve.oid() == oid);
        known.copied().ok_or(match oid {
            SECP256K1_OID => KeyError::NeedsEs256k,
            _ => KeyError::Unsupported,
        })
    }

    pub(crate) fn from_name(name: &str) -> Result<Self, KeyError> {
        let known = Self::ALL.iter().find(|curve| curve.name() == name);
        known.copied().ok_or(match name {
            SECP256K1 => KeyError::NeedsEs256k,
            _ => KeyError::Unsupported,
        })
    }

    /// Returns the length of a coordinate, and of a private key, in bytes.
    pub(crate) const fn field_len(self) -> usize {
        self.field_bits().div_ceil(8)
    }

    /// Checks a point, compressed or not, and returns it uncompressed.
    pub(crate) fn point(self, sec1: &[u8]) -> Result<Box<[u8]>, KeyError> {
        if !matches!(sec1.first(), Some(2..=4)) {
            return Err(KeyError::InvalidPoint);
        }
        self.uncompressed(sec1).ok_or(KeyError::InvalidPoint)
    }

    /// Returns the uncompressed public point of a private key, which has to have its full length.
    pub(crate) fn public_point(self, scalar: &[u8]) -> Result<Box<[u8]>, KeyError> {
        if scalar.len() != self.field_len() {
            return Err(KeyError::InvalidPrivateKey);
        }
        self.multiplied(scalar).ok_or(KeyError::InvalidPrivateKey)
    }

    /// Generates a random private key, with uniform distribution.
    pub(crate) fn random_scalar(self) -> Result<Zeroizing<Box<[u8]>>, KeyError> {
        let mut scalar = Zeroizing::new(vec![0; self.field_len()].into_boxed_slice());
        loop {
            fill_random(&mut scalar)?;
            // The first byte of P-521 has one bit.
            scalar[0] &= 0xff >> (8 * self.field_len() - self.field_bits());
            if self.public_point(&scalar).is_ok() {
                return Ok(scalar);
            }
        }
    }
}

/// The curve of the feature `es256k`, for error messages.
const SECP256K1: &str = "secp256k1";
const SECP256K1_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_points_are_the_same_points() {
        for curve in Curve::ALL.iter().copied() {
            let point = curve.public_point(&curve.random_scalar().unwrap()).unwrap();
            let size = curve.field_len();
            assert_eq!(point.len(), 1 + 2 * size);
            let mut compressed = vec![2 + (point[2 * size] & 1)];
            compressed.extend_from_slice(&point[1..=size]);
            assert_eq!(curve.point(&compressed).unwrap(), point);
            assert_eq!(curve.point(&point).unwrap(), point);
        }
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        for curve in Curve::ALL.iter().copied() {
            let point = curve.public_point(&curve.random_scalar().unwrap()).unwrap();
            let mut off = point.clone();
            *off.last_mut().unwrap() ^= 1;
            let compact = [&[5], &point[1..=curve.field_len()]].concat();
            let hybrid = [&[6 + (point[point.len() - 1] & 1)], &point[1..]].concat();
            for bad in [
                &off[..],
                &point[1..],
                &[],
                &[0],
                &compact,
                &hybrid,
                &[&point[..], &[0]].concat(),
            ] {
                assert_eq!(
                    curve.point(bad),
                    Err(KeyError::InvalidPoint),
                    "{}",
                    curve.name()
                );
            }
        }
    }

    #[test]
    fn private_keys_out_of_range_are_refused() {
        for curve in Curve::ALL.iter().copied() {
            for scalar in [
                vec![0; curve.field_len()],
                vec![255; curve.field_len()],
                vec![1; curve.field_len() - 1],
            ] {
                assert_eq!(
                    curve.public_point(&scalar),
                    Err(KeyError::InvalidPrivateKey)
                );
            }
        }
    }
}
