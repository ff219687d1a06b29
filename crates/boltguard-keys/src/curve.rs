//! The curves of ECDSA: points checked and decompressed, public keys derived from private ones.

use der::asn1::ObjectIdentifier;
use p521::elliptic_curve::sec1::ToSec1Point;
use zeroize::Zeroizing;

use crate::digest::fill_random;
use crate::{Family, KeyError};

/// A curve of FIPS 186 with the names of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// Evaluates the body with `$curve` as the crate of the curve.
macro_rules! with_crate {
    ($self:expr, $curve:ident => $body:expr) => {
        match $self {
            Curve::P256 => {
                use p256 as $curve;
                $body
            }
            Curve::P384 => {
                use p384 as $curve;
                $body
            }
            Curve::P521 => {
                use p521 as $curve;
                $body
            }
        }
    };
}

impl Curve {
    pub(crate) const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::P256 => Family::EcP256,
            Self::P384 => Family::EcP384,
            Self::P521 => Family::EcP521,
        }
    }

    /// RFC 5480 §2.1.1.1.
    pub(crate) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
            Self::P384 => ObjectIdentifier::new_unwrap("1.3.132.0.34"),
            Self::P521 => ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        }
    }

    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Result<Self, KeyError> {
        let known = Self::ALL.into_iter().find(|curve| curve.oid() == oid);
        known.ok_or(KeyError::Unsupported)
    }

    pub(crate) fn from_name(name: &str) -> Result<Self, KeyError> {
        let known = Self::ALL.into_iter().find(|curve| curve.name() == name);
        known.ok_or(KeyError::Unsupported)
    }

    /// The length of a coordinate, and of a private key, in bytes.
    pub(crate) const fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Checks a point, compressed or not, and gives it uncompressed.
    pub(crate) fn point(self, sec1: &[u8]) -> Result<Box<[u8]>, KeyError> {
        if !matches!(sec1.first(), Some(2..=4)) {
            return Err(KeyError::InvalidPoint);
        }
        with_crate!(self, curve => {
            let point = curve::PublicKey::from_sec1_bytes(sec1).map_err(|_| KeyError::InvalidPoint)?;
            Ok(point.to_sec1_point(false).as_bytes().into())
        })
    }

    /// The uncompressed public point of a private key, which has to have its full length.
    pub(crate) fn public_point(self, scalar: &[u8]) -> Result<Box<[u8]>, KeyError> {
        if scalar.len() != self.field_len() {
            return Err(KeyError::InvalidPrivateKey);
        }
        with_crate!(self, curve => {
            let key = curve::SecretKey::from_slice(scalar).map_err(|_| KeyError::InvalidPrivateKey)?;
            Ok(key.public_key().to_sec1_point(false).as_bytes().into())
        })
    }

    /// A random private key, each equally likely.
    pub(crate) fn random_scalar(self) -> Result<Zeroizing<Box<[u8]>>, KeyError> {
        let mut scalar = Zeroizing::new(vec![0; self.field_len()].into_boxed_slice());
        loop {
            fill_random(&mut scalar)?;
            if self == Self::P521 {
                // 521 bits are 65 bytes and one bit.
                scalar[0] &= 1;
            }
            if self.public_point(&scalar).is_ok() {
                return Ok(scalar);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_points_are_the_same_points() {
        for curve in Curve::ALL {
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
        for curve in Curve::ALL {
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
        for curve in Curve::ALL {
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
