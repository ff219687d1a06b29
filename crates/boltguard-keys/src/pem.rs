//! Keys in PEM, [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468).

use der::pem::LineEnding;
use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use crate::asn1;
use crate::disguise;
use crate::{KeyError, PrivateKey, PublicKey};

/// The one key of a PEM text, not yet looked into.
pub(crate) struct Section {
    is_private: bool,
    der: Zeroizing<Vec<u8>>,
}

impl Section {
    pub(crate) const fn is_private(&self) -> bool {
        self.is_private
    }

    pub(crate) fn public(&self) -> Result<PublicKey, KeyError> {
        if self.is_private {
            return Err(KeyError::PrivateKey);
        }
        asn1::read_public(&self.der)
    }

    pub(crate) fn private(&self) -> Result<PrivateKey, KeyError> {
        if !self.is_private {
            return Err(KeyError::NotPrivate);
        }
        asn1::read_private(&self.der)
    }
}

/// Finds the key in PEM text; other text around it, and PEM of other things, is passed over.
///
/// A private key counts before the certificates that belong to it; of a chain of certificates the first counts.
pub(crate) fn read(text: &str) -> Result<Section, KeyError> {
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
    {
        return Err(KeyError::Encrypted);
    }
    if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
        return Err(KeyError::Unsupported);
    }
    let mut keys = Vec::new();
    let mut certificate = None;
    // rustls-pki-types passes over the label of PKCS#1 public keys, which can't be mistaken for the other form.
    let text = Zeroizing::new(text.replace("RSA PUBLIC KEY-----", "PUBLIC KEY-----"));
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        let (kind, der) = section.map_err(|_| KeyError::NoPem)?;
        let der = Zeroizing::new(der);
        match kind {
            SectionKind::PublicKey => keys.push(Section {
                is_private: false,
                der,
            }),
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                keys.push(Section {
                    is_private: true,
                    der,
                });
            }
            SectionKind::Certificate if certificate.is_none() => {
                certificate = Some(Section {
                    is_private: false,
                    der,
                });
            }
            _ => {}
        }
    }
    if keys.len() > 1 {
        return Err(KeyError::SeveralKeys);
    }
    keys.pop().or(certificate).ok_or_else(|| {
        if disguise::is_url(text.as_bytes()) {
            KeyError::UrlAsKey
        } else {
            KeyError::NoPem
        }
    })
}

/// Writes PEM with lines of 64 characters.
pub(crate) fn write(label: &'static str, der: &[u8]) -> Result<String, KeyError> {
    der::pem::encode_string(label, LineEnding::LF, der).map_err(|_| KeyError::Der)
}
