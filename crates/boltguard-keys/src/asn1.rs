//! Keys in DER: SubjectPublicKeyInfo (RFC 5280), PKCS#1 (RFC 8017), PKCS#8 (RFC 5958), SEC1 (RFC 5915), X.509.

use der::asn1::{Any, AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode, Reader, SliceReader, TagMode, TagNumber};
use pkcs1::{RsaPssParams, RsaPublicKey};
use pkcs8::PrivateKeyInfoRef;
use sec1::EcPrivateKey;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use crate::curve::Curve;
use crate::private::{PrivateParts, RsaPrivate};
use crate::public::{PublicParts, RsaPublic, RsaScheme};
use crate::{Algorithm, KeyError, PrivateKey, PublicKey};

/// Whether this is the DER of a key or certificate of any kind, supported or not.
pub(crate) fn is_key(der: &[u8]) -> bool {
    SubjectPublicKeyInfoRef::from_der(der).is_ok()
        || RsaPublicKey::<UintRef<'_>>::from_der(der).is_ok()
        || certified_key(der).is_ok()
        || is_private(der)
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
    if let Ok(info) = PrivateKeyInfoRef::from_der(der) {
        from_pkcs8(info)
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

/// Writes a public key as SubjectPublicKeyInfo.
pub(crate) fn write_public(key: &PublicKey) -> Result<Vec<u8>, KeyError> {
    let (algorithm, bits);
    let curve_oid;
    match key.parts() {
        PublicParts::Rsa(rsa) => {
            algorithm = rsa_identifier(rsa.scheme);
            bits = rsa_to_der(rsa)?;
        }
        PublicParts::Ec { curve, point } => {
            curve_oid = curve.oid();
            algorithm = identifier(ID_EC_PUBLIC_KEY, Some((&curve_oid).into()));
            bits = point.to_vec();
        }
        PublicParts::Ed25519(point) => {
            algorithm = identifier(ID_ED25519, None);
            bits = point.to_vec();
        }
    }
    let subject_public_key = BitStringRef::from_bytes(&bits).map_err(|_| KeyError::Der)?;
    let info = SubjectPublicKeyInfoRef {
        algorithm,
        subject_public_key,
    };
    info.to_der().map_err(|_| KeyError::Der)
}

/// Writes a private key as PKCS#8, an elliptic one with its public key.
pub(crate) fn write_private(key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (algorithm, inner);
    let curve_oid;
    match key.parts() {
        PrivateParts::Rsa(rsa) => {
            algorithm = rsa_identifier(rsa.public.scheme);
            inner = rsa.pkcs1.to_vec();
        }
        PrivateParts::Ec {
            curve,
            scalar,
            point,
        } => {
            curve_oid = curve.oid();
            algorithm = identifier(ID_EC_PUBLIC_KEY, Some((&curve_oid).into()));
            let key = EcPrivateKey {
                private_key: scalar,
                parameters: None,
                public_key: Some(point),
            };
            inner = key.to_der().map_err(|_| KeyError::Der)?;
        }
        PrivateParts::Ed25519 { seed, .. } => {
            algorithm = identifier(ID_ED25519, None);
            let seed = OctetStringRef::new(&**seed).map_err(|_| KeyError::Der)?;
            inner = seed.to_der().map_err(|_| KeyError::Der)?;
        }
    }
    let inner = Zeroizing::new(inner);
    let private_key = OctetStringRef::new(&inner).map_err(|_| KeyError::Der)?;
    let info = PrivateKeyInfoRef::new(algorithm, private_key);
    info.to_der().map(Zeroizing::new).map_err(|_| KeyError::Der)
}

fn is_private(der: &[u8]) -> bool {
    PrivateKeyInfoRef::from_der(der).is_ok()
        || EcPrivateKey::from_der(der).is_ok()
        || pkcs1::RsaPrivateKey::<UintRef<'_>>::from_der(der).is_ok()
}

/// The key out of a certificate, RFC 5280 §4.1, of which nothing else is looked at.
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

fn from_pkcs8(info: PrivateKeyInfoRef<'_>) -> Result<PrivateKey, KeyError> {
    let inner = info.private_key.as_bytes();
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

fn rsa_to_der(rsa: &RsaPublic) -> Result<Vec<u8>, KeyError> {
    let modulus = UintRef::new(&rsa.n).map_err(|_| KeyError::Der)?;
    let public_exponent = UintRef::new(&rsa.e).map_err(|_| KeyError::Der)?;
    RsaPublicKey {
        modulus,
        public_exponent,
    }
    .to_der()
    .map_err(|_| KeyError::Der)
}

/// The PKCS#1 form of the numbers of an RSA private key.
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

/// What an AlgorithmIdentifier says a key is.
enum Kind {
    Rsa(RsaScheme),
    Ec(Curve),
    Ed25519,
}

impl Kind {
    fn of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, KeyError> {
        match algorithm.oid {
            ID_RSA_ENCRYPTION => Ok(Self::Rsa(RsaScheme::Any)),
            ID_RSASSA_PSS => pss_scheme(algorithm.parameters).map(Self::Rsa),
            ID_EC_PUBLIC_KEY => {
                let curve = algorithm
                    .parameters_oid()
                    .map_err(|_| KeyError::Unsupported)?;
                Curve::from_oid(curve).map(Self::Ec)
            }
            // RFC 8410 §3: the parameters must be absent.
            ID_ED25519 if algorithm.parameters.is_some() => Err(KeyError::Der),
            ID_ED25519 => Ok(Self::Ed25519),
            _ => Err(KeyError::Unsupported),
        }
    }
}

/// What the parameters of an RSASSA-PSS key limit it to, RFC 4055 §3.1.
fn pss_scheme(parameters: Option<AnyRef<'_>>) -> Result<RsaScheme, KeyError> {
    let Some(parameters) = parameters else {
        return Ok(RsaScheme::Pss);
    };
    let parameters: RsaPssParams<Any> = parameters.decode_as().map_err(|_| KeyError::Der)?;
    let mask_hash = parameters.mask_gen.parameters.map(|hash| hash.oid);
    let named = PSS_HASHES
        .iter()
        .find(|(oid, _)| *oid == parameters.hash.oid);
    match named {
        Some((oid, algorithm))
            if mask_hash == Some(*oid)
                && usize::from(parameters.salt_len) <= algorithm.hash_len() =>
        {
            Ok(RsaScheme::PssWith(*algorithm))
        }
        _ => Err(KeyError::Unsupported),
    }
}

fn rsa_identifier(scheme: RsaScheme) -> AlgorithmIdentifierRef<'static> {
    match scheme {
        RsaScheme::Any => identifier(ID_RSA_ENCRYPTION, Some(AnyRef::NULL)),
        RsaScheme::Pss | RsaScheme::PssWith(_) => identifier(ID_RSASSA_PSS, None),
    }
}

fn identifier(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>) -> AlgorithmIdentifierRef<'_> {
    AlgorithmIdentifierRef { oid, parameters }
}

const ID_RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ID_RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const PSS_HASHES: [(ObjectIdentifier, Algorithm); 3] = [
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
        Algorithm::Ps256,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
        Algorithm::Ps384,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"),
        Algorithm::Ps512,
    ),
];
