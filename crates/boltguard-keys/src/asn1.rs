//! Keys in DER: SubjectPublicKeyInfo (RFC 5280), PKCS#1 (RFC 8017), PKCS#8 (RFC 5958), SEC1 (RFC 5915), X.509.

mod identifier;
mod pkcs8_v2;
mod write;

use der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader, TagMode, TagNumber};
use pkcs1::RsaPublicKey;
use pkcs8::PrivateKeyInfoRef;
use sec1::EcPrivateKey;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use self::identifier::Kind;
#[cfg(feature = "aws-lc")]
pub(crate) use self::write::rsa_to_der;
pub(crate) use self::write::{RsaNumbers, pkcs1_of, write_private, write_public};
use crate::private::RsaPrivate;
use crate::public::{RsaPublic, RsaScheme};
use crate::{Curve, KeyError, PrivateKey, PublicKey};

/// Returns whether this is the DER of a key or certificate of any kind, supported or not.
pub(crate) fn is_key(der: &[u8]) -> bool {
    SubjectPublicKeyInfoRef::from_der(der).is_ok()
        || RsaPublicKey::<UintRef<'_>>::from_der(der).is_ok()
        || certified_key(der).is_ok()
        || is_private(der)
}

/// Returns the SEQUENCE at the start of the bytes, X.690 §8.1.
pub(crate) fn first_element(bytes: &[u8]) -> Option<&[u8]> {
    let (head, length) = match *bytes {
        [0x30, length @ ..=0x7f, ..] => (2, usize::from(length)),
        [0x30, count @ 0x81..=0x84, ..] => {
            let head = 2 + usize::from(count & 0x7f);
            let length = bytes.get(2..head)?;
            let length = length
                .iter()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            (head, usize::try_from(length).ok()?)
        }
        _ => return None,
    };
    bytes.get(..head.checked_add(length)?)
}

/// Reads a public key, bare or in a certificate.
pub(crate) fn read_public(der: &[u8]) -> Result<PublicKey, KeyError> {
    if let Ok(info) = SubjectPublicKeyInfoRef::from_der(der) {
        from_info(info)
    } else if let Ok(rsa) = RsaPublicKey::<UintRef<'_>>::from_der(der) {
        from_rsa(&rsa, RsaScheme::Any)
    } else if let Ok(info) = certified_key(der) {
        from_info(info)
    } else if is_private(der) {
        Err(KeyError::PrivateKey)
    } else {
        Err(KeyError::Der)
    }
}

/// Reads a private key.
pub(crate) fn read_private(der: &[u8]) -> Result<PrivateKey, KeyError> {
    if let Some(info) = pkcs8(der) {
        from_pkcs8(&info)
    } else if let Ok(key) = EcPrivateKey::from_der(der) {
        let curve = key.parameters.and_then(sec1::EcParameters::named_curve);
        from_sec1(key, Curve::from_oid(curve.ok_or(KeyError::Unsupported)?)?)
    } else if pkcs1::RsaPrivateKey::<UintRef<'_>>::from_der(der).is_ok() {
        from_pkcs1(der, RsaScheme::Any)
    } else if is_key(der) {
        Err(KeyError::NotPrivate)
    } else {
        Err(KeyError::Der)
    }
}

/// Returns whether this is the DER of a private key of any kind, supported or not.
pub(crate) fn is_private(der: &[u8]) -> bool {
    pkcs8(der).is_some()
        || EcPrivateKey::from_der(der).is_ok()
        || pkcs1::RsaPrivateKey::<UintRef<'_>>::from_der(der).is_ok()
}

/// Returns the key in a certificate, RFC 5280 §4.1. The other fields are ignored.
fn certified_key(der: &[u8]) -> der::Result<SubjectPublicKeyInfoRef<'_>> {
    let mut reader = SliceReader::new(der)?;
    let info = reader.sequence(|certificate: &mut SliceReader<'_>| {
        let info = certificate.sequence(key_of_tbs)?;
        AlgorithmIdentifierRef::decode(certificate)?;
        BitStringRef::decode(certificate)?;
        Ok::<_, der::Error>(info)
    })?;
    reader.finish()?;
    Ok(info)
}

fn key_of_tbs<'a>(tbs: &mut SliceReader<'a>) -> der::Result<SubjectPublicKeyInfoRef<'a>> {
    let _version = tbs.context_specific::<u8>(TagNumber(0), TagMode::Explicit)?;
    let _serial_number = UintRef::decode(tbs)?;
    let _signature = AlgorithmIdentifierRef::decode(tbs)?;
    for _issuer_validity_subject in 0..3 {
        AnyRef::decode(tbs)?.sequence(|any| skip_all(any))?;
    }
    let info = SubjectPublicKeyInfoRef::decode(tbs)?;
    skip_all(tbs)?;
    Ok(info)
}

fn skip_all(reader: &mut SliceReader<'_>) -> der::Result<()> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}

fn from_info(info: SubjectPublicKeyInfoRef<'_>) -> Result<PublicKey, KeyError> {
    let bits = info.subject_public_key.as_bytes().ok_or(KeyError::Der)?;
    match Kind::of(&info.algorithm)? {
        Kind::Rsa(scheme) => {
            let rsa = RsaPublicKey::from_der(bits).map_err(|_| KeyError::Der)?;
            from_rsa(&rsa, scheme)
        }
        Kind::Ec(curve) => PublicKey::ec(curve, bits),
        Kind::Ed25519 => PublicKey::ed25519(bits),
    }
}

fn from_rsa(key: &RsaPublicKey<UintRef<'_>>, scheme: RsaScheme) -> Result<PublicKey, KeyError> {
    PublicKey::rsa(
        key.modulus.as_bytes(),
        key.public_exponent.as_bytes(),
        scheme,
    )
}

/// Returns a private key in PKCS#8 of either version.
fn pkcs8(der: &[u8]) -> Option<Pkcs8<'_>> {
    match PrivateKeyInfoRef::from_der(der) {
        Ok(info) => Some(Pkcs8 {
            algorithm: info.algorithm,
            private_key: info.private_key.as_bytes(),
            public_key: info.public_key,
        }),
        Err(_) => pkcs8_v2::read_explicit(der).ok(),
    }
}

/// The fields of a private key in PKCS#8, RFC 5958 §2.
struct Pkcs8<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    private_key: &'a [u8],
    public_key: Option<BitStringRef<'a>>,
}

fn from_pkcs8(info: &Pkcs8<'_>) -> Result<PrivateKey, KeyError> {
    let inner = info.private_key;
    let public = match info.public_key {
        Some(bits) => Some(bits.as_bytes().ok_or(KeyError::Der)?),
        None => None,
    };
    match Kind::of(&info.algorithm)? {
        Kind::Rsa(scheme) => from_pkcs1(inner, scheme),
        Kind::Ec(curve) => {
            let key = EcPrivateKey::from_der(inner).map_err(|_| KeyError::Der)?;
            let inner_curve = key.parameters.and_then(sec1::EcParameters::named_curve);
            if inner_curve.is_some_and(|oid| oid != curve.oid()) {
                return Err(KeyError::InvalidPrivateKey);
            }
            let public_key = key.public_key.or(public);
            from_sec1(EcPrivateKey { public_key, ..key }, curve)
        }
        Kind::Ed25519 => {
            let seed = <&OctetStringRef>::from_der(inner).map_err(|_| KeyError::Der)?;
            PrivateKey::ed25519(seed.as_bytes(), public)
        }
    }
}

fn from_sec1(key: EcPrivateKey<'_>, curve: Curve) -> Result<PrivateKey, KeyError> {
    PrivateKey::ec(curve, key.private_key, key.public_key)
}

fn from_pkcs1(der: &[u8], scheme: RsaScheme) -> Result<PrivateKey, KeyError> {
    let key = pkcs1::RsaPrivateKey::<UintRef<'_>>::from_der(der).map_err(|_| KeyError::Der)?;
    let public = RsaPublic::new(
        key.modulus.as_bytes(),
        key.public_exponent.as_bytes(),
        scheme,
    )?;
    PrivateKey::rsa(RsaPrivate {
        pkcs1: Zeroizing::new(der.to_vec()),
        public,
    })
}
