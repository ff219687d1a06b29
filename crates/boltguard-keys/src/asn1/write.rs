//! Writing keys as DER.

use der::Encode;
use der::asn1::{BitStringRef, OctetStringRef, UintRef};
use pkcs1::RsaPublicKey;
use pkcs8::PrivateKeyInfoRef;
use sec1::EcPrivateKey;
use spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::identifier::Kind;
use crate::private::PrivateParts;
use crate::public::{PublicParts, RsaPublic};
use crate::{KeyError, PrivateKey, PublicKey};

/// Writes a public key as SubjectPublicKeyInfo.
pub(crate) fn write_public(key: &PublicKey) -> Result<Vec<u8>, KeyError> {
    let (kind, bits) = match key.parts() {
        PublicParts::Rsa(rsa) => (Kind::Rsa(rsa.scheme), rsa_to_der(rsa)?),
        PublicParts::Ec { curve, point } => (Kind::Ec(*curve), point.to_vec()),
        PublicParts::Ed25519(point) => (Kind::Ed25519, point.to_vec()),
    };
    let parameters = kind.parameters()?;
    let info = SubjectPublicKeyInfoRef {
        algorithm: kind.identifier(parameters.as_deref())?,
        subject_public_key: BitStringRef::from_bytes(&bits).map_err(|_| KeyError::Der)?,
    };
    info.to_der().map_err(|_| KeyError::Der)
}

/// Writes a private key as PKCS#8, an elliptic one with its public key.
pub(crate) fn write_private(key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (kind, inner) = match key.parts() {
        PrivateParts::Rsa(rsa) => (Kind::Rsa(rsa.public.scheme), rsa.pkcs1.clone()),
        PrivateParts::Ec {
            curve,
            scalar,
            point,
        } => {
            let key = EcPrivateKey {
                private_key: scalar,
                parameters: None,
                public_key: Some(point),
            };
            (Kind::Ec(*curve), wiped(&key)?)
        }
        PrivateParts::Ed25519 { seed } => {
            let seed = OctetStringRef::new(&**seed).map_err(|_| KeyError::Der)?;
            (Kind::Ed25519, wiped(&seed)?)
        }
    };
    let parameters = kind.parameters()?;
    let private_key = OctetStringRef::new(&inner).map_err(|_| KeyError::Der)?;
    wiped(&PrivateKeyInfoRef::new(
        kind.identifier(parameters.as_deref())?,
        private_key,
    ))
}

fn wiped(value: &impl Encode) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    value
        .to_der()
        .map(Zeroizing::new)
        .map_err(|_| KeyError::Der)
}

/// Writes an RSA public key as PKCS#1.
pub(crate) fn rsa_to_der(rsa: &RsaPublic) -> Result<Vec<u8>, KeyError> {
    let modulus = UintRef::new(&rsa.n).map_err(|_| KeyError::Der)?;
    let public_exponent = UintRef::new(&rsa.e).map_err(|_| KeyError::Der)?;
    let key = RsaPublicKey {
        modulus,
        public_exponent,
    };
    key.to_der().map_err(|_| KeyError::Der)
}

/// Returns the PKCS#1 form of the numbers of an RSA private key.
pub(crate) fn pkcs1_of(numbers: &RsaNumbers<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let uint = |bytes| UintRef::new(bytes).map_err(|_| KeyError::InvalidPrivateKey);
    let key = pkcs1::RsaPrivateKey {
        modulus: uint(numbers.n)?,
        public_exponent: uint(numbers.e)?,
        private_exponent: uint(numbers.d)?,
        prime1: uint(numbers.p)?,
        prime2: uint(numbers.q)?,
        exponent1: uint(numbers.dp)?,
        exponent2: uint(numbers.dq)?,
        coefficient: uint(numbers.qi)?,
        other_prime_infos: None,
    };
    key.to_der().map(Zeroizing::new).map_err(|_| KeyError::Der)
}

/// The numbers of an RSA private key as JWKs name them, RFC 7518 §6.3.2.
pub(crate) struct RsaNumbers<'a> {
    pub(crate) n: &'a [u8],
    pub(crate) e: &'a [u8],
    pub(crate) d: &'a [u8],
    pub(crate) p: &'a [u8],
    pub(crate) q: &'a [u8],
    pub(crate) dp: &'a [u8],
    pub(crate) dq: &'a [u8],
    pub(crate) qi: &'a [u8],
}
