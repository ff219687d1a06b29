//! Types of keys in an AlgorithmIdentifier, RFC 5280 §4.1.1.2.

use der::asn1::{Any, AnyRef, ObjectIdentifier};
use der::{Decode, Encode};
use pkcs1::{RsaPssParams, TrailerField};
use spki::{AlgorithmIdentifier, AlgorithmIdentifierRef};

use crate::public::RsaScheme;
use crate::{Algorithm, Curve, KeyError};

/// The type of a key with the parameters of its identifier.
pub(super) enum Kind {
    Rsa(RsaScheme),
    Ec(Curve),
    Ed25519,
}

impl Kind {
    pub(super) fn of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, KeyError> {
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

    /// Returns the identifier with the parameters of [`Kind::parameters`].
    pub(super) fn identifier<'a>(
        &self,
        parameters: Option<&'a [u8]>,
    ) -> Result<AlgorithmIdentifierRef<'a>, KeyError> {
        let oid = match self {
            Self::Rsa(RsaScheme::Any) => ID_RSA_ENCRYPTION,
            Self::Rsa(RsaScheme::Pss | RsaScheme::PssWith(_)) => ID_RSASSA_PSS,
            Self::Ec(_) => ID_EC_PUBLIC_KEY,
            Self::Ed25519 => ID_ED25519,
        };
        let parameters = parameters.map(AnyRef::from_der).transpose();
        let parameters = parameters.map_err(|_| KeyError::Der)?;
        Ok(AlgorithmIdentifierRef { oid, parameters })
    }

    /// Returns the DER of the identifier's parameters, if it has any.
    pub(super) fn parameters(&self) -> Result<Option<Vec<u8>>, KeyError> {
        let der = match self {
            Self::Rsa(RsaScheme::Any) => AnyRef::NULL.to_der(),
            Self::Rsa(RsaScheme::PssWith(algorithm)) => pss_parameters(*algorithm),
            Self::Ec(curve) => curve.oid().to_der(),
            Self::Rsa(RsaScheme::Pss) | Self::Ed25519 => return Ok(None),
        };
        der.map(Some).map_err(|_| KeyError::Der)
    }
}

/// Returns the algorithm to which the parameters of an RSASSA-PSS key limit it, RFC 4055 §3.1.
fn pss_scheme(parameters: Option<AnyRef<'_>>) -> Result<RsaScheme, KeyError> {
    let Some(parameters) = parameters else {
        return Ok(RsaScheme::Pss);
    };
    let parameters: RsaPssParams<Any> = parameters.decode_as().map_err(|_| KeyError::Der)?;
    let mask_hash = match parameters.mask_gen {
        AlgorithmIdentifier {
            oid: ID_MGF1,
            parameters,
        } => parameters.map(|hash| hash.oid),
        _ => None,
    };
    let hash = parameters.hash.oid;
    let named = PSS_HASHES
        .iter()
        .find(|(oid, _)| *oid == hash && mask_hash == Some(hash));
    match named {
        Some((_, algorithm)) if usize::from(parameters.salt_len) <= algorithm.hash_len() => {
            Ok(RsaScheme::PssWith(*algorithm))
        }
        _ => Err(KeyError::Unsupported),
    }
}

/// Returns the parameters that limit a key to the hash and the salt of this algorithm.
fn pss_parameters(algorithm: Algorithm) -> der::Result<Vec<u8>> {
    let named = PSS_HASHES.iter().find(|(_, of)| *of == algorithm);
    let (oid, _) = *named.ok_or(der::ErrorKind::Failed)?;
    let hash = AlgorithmIdentifierRef {
        oid,
        parameters: Some(AnyRef::NULL),
    };
    let parameters = RsaPssParams {
        hash,
        mask_gen: AlgorithmIdentifier {
            oid: ID_MGF1,
            parameters: Some(hash),
        },
        salt_len: u8::try_from(algorithm.hash_len()).map_err(|_| der::ErrorKind::Overflow)?,
        trailer_field: TrailerField::BC,
    };
    parameters.to_der()
}

const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ID_MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const ID_RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ID_RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
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
